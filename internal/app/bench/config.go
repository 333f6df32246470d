package bench

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// Config says what to measure.
type Config struct {
	// URL and Key are a running server and a secret test key of it. Without
	// them a server is started.
	URL, Key string

	// Binary is the florin that is started.
	Binary string
	// DB is "postgres://…", in which the run makes a schema of its own and drops
	// it at the end, or empty for SQLite.
	DB string
	// BesideBooks allows a database that holds books already.
	BesideBooks bool
	// Dir is where the run makes a folder of its own, which it removes at the
	// end; empty: the system's folder for temporary files.
	Dir string

	// Clients is how many connections there are, each with one request under way
	// at a time.
	Clients int
	// Rate is how many errands begin a second, at equal distances, whether those
	// before are done or not; zero: each client begins its next when it is done.
	Rate int
	// Merchants is how many accounts are paid, Hot of a hundred payments to the
	// first of them and the others evenly spread; with Hot zero, all are.
	Merchants, Hot int
	// Webhooks says what the accounts' webhook endpoints are told: [WebhooksNone],
	// [WebhooksOne], [WebhooksAll].
	Webhooks string
	// Mix names what the clients do; see [Mixes].
	Mix string
	// Warmup comes first and is not measured. Then come Requests requests or,
	// where that is zero, as many as there are in Duration.
	Warmup, Duration time.Duration
	Requests         int64

	// Fill is how many payments are stored before anything is measured.
	Fill int64
	// Runs is how often the run is made; see [Repeat].
	Runs int

	// Profile, if set, is a file for the CPU profile of the server that is started,
	// while it is measured.
	Profile string

	// Progress gets a line a second, if it is set.
	Progress io.Writer
	Log      *slog.Logger
	Clock    clock.Clock
	// Version is the binary's, for the report.
	Version string
	// Command is how the run was asked for, for the report.
	Command string
}

const (
	maxClients   = 10_000
	maxMerchants = 10_000
	maxRate      = 1_000_000
	maxRuns      = 100
)

// requestTimeout is longer than the server takes for anything that it still
// means to answer.
const requestTimeout = 60 * time.Second

func (c *Config) check() error {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	c.Merchants, c.Runs = max(c.Merchants, 1), max(c.Runs, 1)
	if c.Webhooks == "" || c.URL != "" {
		c.Webhooks = WebhooksNone // a server elsewhere may not reach us
	}
	_, known := mixes[c.Mix]
	_, subscribed := eventTypes[c.Webhooks]
	switch {
	case !known:
		return fmt.Errorf("there is no mix %q: choose one of %s", c.Mix, strings.Join(Mixes(), ", "))
	case c.Clients < 1 || c.Clients > maxClients:
		return fmt.Errorf("%d clients: want 1 to %d", c.Clients, maxClients)
	case c.Rate < 0 || c.Rate > maxRate || c.Rate > 0 && (c.Requests > 0 || c.Duration <= 0):
		return fmt.Errorf("--rate: want 1 to %d a second, and a duration instead of a number of requests", maxRate)
	case c.Merchants > maxMerchants || c.Merchants > 1 && c.URL != "":
		return fmt.Errorf("--merchants: want 1 to %d, and a server that is started here", maxMerchants)
	case c.Hot < 0 || c.Hot > 100 || c.Hot > 0 && c.Merchants < 2:
		return errors.New("--hot: want 1 to 100 per cent, and several --merchants")
	case !subscribed:
		return fmt.Errorf("--webhooks %s: want one, all or none", c.Webhooks)
	case c.Runs > maxRuns || c.Runs > 1 && c.URL != "":
		return fmt.Errorf("--runs: want 1 to %d, and a server that is started here", maxRuns)
	case c.Requests < 0 || c.Requests == 0 && c.Duration <= 0 || c.Warmup < 0:
		return errors.New("nothing to measure: want a number of requests or a duration above zero")
	case c.Fill < 0 || c.Fill > 0 && c.URL != "":
		return errors.New("--fill: want a number of payments, and a server that is started here")
	case c.Profile != "" && (c.URL != "" || c.Requests > 0):
		return errors.New("--cpu-profile: want a server that is started here, and a duration")
	case c.URL != "":
		return c.checkRunning()
	case c.DB != "" && !strings.HasPrefix(c.DB, "postgres://") && !strings.HasPrefix(c.DB, "postgresql://"):
		return errors.New("--db: want postgres://… or nothing, which is SQLite in a temporary folder")
	}
	return nil
}

func (c *Config) checkRunning() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("--url %q: want http://HOST:PORT or https://HOST", c.URL)
	case c.DB != "":
		return errors.New("--url is a server that has its database: leave out --db")
	case !strings.HasPrefix(c.Key, "sk_test_"):
		return errors.New("--key: want a secret test key, sk_test_…; what a live key pays for is real")
	}
	return nil
}
