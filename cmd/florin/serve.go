package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type serveCommand struct {
	Listen         string `help:"Address to listen on. Away from loopback, card numbers are taken by TLS only." default:"127.0.0.1:8420" env:"FLORIN_LISTEN"`
	DB             string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	Sandbox        string `help:"The sandbox acquirer: embedded, or the URL of a florin sandbox." default:"embedded" env:"FLORIN_SANDBOX"`
	SandboxSecret  string `help:"Secret that signs what a sandbox elsewhere tells unasked." env:"FLORIN_SANDBOX_SECRET" placeholder:"TEXT"`
	SecretKey      string `help:"Secret test key of the first account on an empty database (made if not set)." env:"FLORIN_SECRET_KEY" placeholder:"sk_test_…"`
	PublishableKey string `help:"Publishable test key of the first account on an empty database (made if not set)." env:"FLORIN_PUBLISHABLE_KEY" placeholder:"pk_test_…"`
	MasterKey      string `help:"Master key that seals the database." env:"FLORIN_MASTER_KEY" hidden:""`
	MasterKeyFile  string `help:"File of the master key (default: florin.key beside the database, made on an empty one)." env:"FLORIN_MASTER_KEY_FILE" type:"path"`
	Heads          string `help:"File that keeps the heads of seals (default: florin.heads beside the master key's file)." env:"FLORIN_HEADS" type:"path"`

	TLSCert        string   `name:"tls-cert" help:"File of the TLS certificate chain, in PEM; read again when it changes." env:"FLORIN_TLS_CERT" type:"path" placeholder:"FILE"`
	TLSKey         string   `name:"tls-key" help:"File of the certificate's private key, in PEM." env:"FLORIN_TLS_KEY" type:"path" placeholder:"FILE"`
	TrustedProxies []string `help:"Proxies whose word about where a request came from is taken: networks, separated by commas." env:"FLORIN_TRUSTED_PROXIES" placeholder:"CIDR"`
	PublicURL      string   `name:"public-url" help:"Address at which payers' browsers reach Florin (default: the one that a request was sent to)." env:"FLORIN_PUBLIC_URL" placeholder:"https://…"`
	AdminListen    string   `help:"Address for metrics, profiles, health and jobs (default: none). Nobody is asked who he is there: protect it." env:"FLORIN_ADMIN_LISTEN" placeholder:"HOST:PORT"`

	ProviderTimeout     time.Duration `help:"Bound on one call to a provider, 100ms to 20s. What it leaves unknown is asked about once this and 10 s are over." default:"10s" env:"FLORIN_PROVIDER_TIMEOUT"`
	KeepIdempotencyKeys time.Duration `help:"How long an idempotency key is kept from its first use; a day (24h) at least." default:"720h" env:"FLORIN_KEEP_IDEMPOTENCY_KEYS"`
	KeepEvents          time.Duration `help:"How long events and their webhook deliveries are kept; 30 days (720h) at least." default:"720h" env:"FLORIN_KEEP_EVENTS"`
	KeepMessages        time.Duration `help:"How long what providers sent unasked is kept, once all that it tells was taken up; a week (168h) at least." default:"2160h" env:"FLORIN_KEEP_MESSAGES"`

	MaxWait     time.Duration `help:"How long a write may wait for the database before new ones are answered with 429; a rush that is soon over, four times as long." default:"250ms" env:"FLORIN_MAX_WAIT"`
	MaxRequests int           `help:"API requests that are answered at once; more are answered with 429." default:"4096" env:"FLORIN_MAX_REQUESTS"`
	RateLimit   float64       `help:"API requests per second and key; more are answered with 429 (0: no limit). Each server counts for itself." default:"0" env:"FLORIN_RATE_LIMIT"`
	RateBurst   int           `help:"API requests that a key may send at once, with --rate-limit (0: those of one second)." default:"0" env:"FLORIN_RATE_BURST"`
}

// The bounds of --provider-timeout. Below, an ordinary answer would count as
// none; above, a call could outlast the time that a shutdown grants it.
const (
	minProviderTimeout = 100 * time.Millisecond
	maxProviderTimeout = 20 * time.Second
)

// minMaxWait is longer than a train takes where all is well; with less, nobody
// would be let in.
const minMaxWait = 10 * time.Millisecond

// maxRateLimit is more than a server can do.
const maxRateLimit = 1e6

// collectAt is how much garbage a server lets come together before it is
// collected, in per cent of what is in use, unless the variable GOGC says
// otherwise. In use are some tens of MiB, so Go's own 100 would collect tens of
// times a second under load.
const collectAt = 400

// check refuses settings out of their bounds.
func (s *serveCommand) check() error {
	switch {
	case s.ProviderTimeout < minProviderTimeout || s.ProviderTimeout > maxProviderTimeout:
		return fmt.Errorf("--provider-timeout %s: want %s to %s", s.ProviderTimeout, minProviderTimeout, maxProviderTimeout)
	case s.KeepIdempotencyKeys < app.MinKeepIdempotencyKeys:
		return fmt.Errorf("--keep-idempotency-keys %s: want %s at least, for which clients may repeat a request", s.KeepIdempotencyKeys, app.MinKeepIdempotencyKeys)
	case s.KeepEvents < app.MinKeepEvents:
		return fmt.Errorf("--keep-events %s: want %s at least, for which the API promises them", s.KeepEvents, app.MinKeepEvents)
	case s.KeepMessages < app.MinKeepMessages:
		return fmt.Errorf("--keep-messages %s: want %s at least", s.KeepMessages, app.MinKeepMessages)
	case s.MaxWait < minMaxWait:
		return fmt.Errorf("--max-wait %s: want %s at least", s.MaxWait, minMaxWait)
	case s.MaxRequests < 1:
		return fmt.Errorf("--max-requests %d: want 1 at least", s.MaxRequests)
	case !(s.RateLimit >= 0) || s.RateLimit > maxRateLimit: // nor is it NaN
		return fmt.Errorf("--rate-limit %v: want 0 to %v", s.RateLimit, maxRateLimit)
	case s.RateBurst < 0:
		return fmt.Errorf("--rate-burst %d: want 0 at least", s.RateBurst)
	}
	return nil
}

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := s.check(); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	// First, since keys are shown once: an address that is taken must not cost
	// the keys of the account that the first start makes.
	public, private, err := s.listeners()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Config{
		DB: s.DB, Sandbox: s.Sandbox, SandboxSecret: s.SandboxSecret, SecretKey: s.SecretKey, PublishableKey: s.PublishableKey,
		MasterKey: s.MasterKey, MasterKeyFile: s.MasterKeyFile, Heads: s.Heads, Logger: log, ProviderTimeout: s.ProviderTimeout,
		TLSCert: s.TLSCert, TLSKey: s.TLSKey, TrustedProxies: s.TrustedProxies, PublicURL: s.PublicURL, Version: version, KeepMessages: s.KeepMessages,
		KeepIdempotencyKeys: s.KeepIdempotencyKeys, KeepEvents: s.KeepEvents,
		MaxWait: s.MaxWait, MaxRequests: s.MaxRequests, RateLimit: s.RateLimit, RateBurst: s.RateBurst,
	})
	if err != nil {
		return errors.Join(err, closeListener(public), closeListener(private))
	}
	for _, risk := range exposed(public, private, s.TLSCert != "") {
		log.Warn(risk)
	}
	s.greet(a, public.Addr(), private)
	a.Start()
	err = serveBoth(ctx, a, public, private, log)
	return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
}

// greet says where Florin is and, once, what its first keys are.
func (s *serveCommand) greet(a *app.App, address net.Addr, private net.Listener) {
	url := urlOf("http", address)
	if s.TLSCert != "" {
		url = urlOf("https", address)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nFlorin %s is ready at %s\n", version, url)
	if private != nil {
		fmt.Fprintf(&b, "Metrics, profiles and jobs are at %s\n", urlOf("http", private.Addr()))
	}
	if a.KeyFile != "" {
		fmt.Fprintf(&b, "\nA master key was made: %s. It seals card and personal data in the database.\nKeep it, apart from the database: without it that data is lost.\nTest mode only: live mode needs FLORIN_MASTER_KEY or FLORIN_MASTER_KEY_FILE.\n", a.KeyFile)
	}
	if a.Created != nil {
		fmt.Fprintf(&b, "\nYour test keys, shown this once:\n\n  secret key       %s\n  publishable key  %s\n\nTake a first payment:\n\n"+
			"  curl %s/v1/payment_intents -u %s: \\\n    -d amount=2000 -d currency=usd -d payment_method=pm_card_visa -d confirm=true \\\n"+
			"    -d \"automatic_payment_methods[enabled]=true\" -d \"automatic_payment_methods[allow_redirects]=never\"\n",
			a.Created.SecretKey, a.Created.PublishableKey, url, a.Created.SecretKey)
	}
	fmt.Fprintln(os.Stdout, b.String())
}

type migrateCommand struct {
	DB string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
}

// Run migrates and says to which version.
func (m *migrateCommand) Run(ctx context.Context, log *slog.Logger) error {
	n, err := app.Migrate(ctx, m.DB, log)
	if err == nil {
		_, err = fmt.Println("schema version", n)
	}
	return err
}
