// Package app puts Florin together from its configuration. The command and the
// tests that run the whole use it alike.
package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/app/metrics"
	"github.com/florinpay/florin/internal/app/welcome"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/search"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/door/inbound"
	"github.com/florinpay/florin/internal/door/rest"
	"github.com/florinpay/florin/internal/door/rest/limit"
	"github.com/florinpay/florin/internal/door/web"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/schema"
)

// Config says what to put together. The zero value of a field is its default.
type Config struct {
	DB      string // "sqlite:PATH" or "postgres://…"; default "sqlite:florin.db"
	Sandbox string // "embedded" (default), or the URL of a sandbox
	// SandboxSecret signs what a sandbox elsewhere sends unasked; empty: none of it
	// is believed.
	SandboxSecret string
	// SandboxBook is a file for the embedded sandbox's book, rather than the place
	// that it has by itself.
	SandboxBook string
	// SandboxWithin has the embedded sandbox called within the process, rather than
	// over a socket: for filling a database.
	SandboxWithin bool
	// SecretKey and PublishableKey are the test keys of the first account on an
	// empty database; empty: new ones are made.
	SecretKey, PublishableKey string
	// MasterKey or MasterKeyFile seal the database. Without them a file
	// florin.key beside the database is used, and made on an empty database.
	MasterKey, MasterKeyFile string
	// Heads is the file that keeps the heads of seals; default: florin.heads
	// beside the master key's file, or where that would be.
	Heads string
	// TLSCert and TLSKey are the files of a certificate and its key; without
	// them requests come over plain HTTP.
	TLSCert, TLSKey string
	// TrustedProxies are networks of proxies whose word about a request's origin
	// is taken: see listen.Proxies.
	TrustedProxies []string
	// PublicURL is the address at which browsers reach Florin, such as
	// https://pay.example; empty: the one that a request was sent to.
	PublicURL string
	// Version is the name of this build, for those who look.
	Version string

	Logger *slog.Logger
	Clock  clock.Clock
	// Provider, if it has a name, takes the place of the sandbox.
	Provider provider.Provider
	// Bank, if it has a name, takes the place of the bank simulator.
	Bank provider.Provider
	// Seed decides the jitter of jobs.
	Seed int64
	// Database, if set, is a handle on the database at DB, which is used rather
	// than another one opened. It is closed with the rest.
	Database *db.DB
	// WebhookDial, if set, makes the connections to the webhook endpoints of test
	// mode. A simulated run has no network.
	WebhookDial func(ctx context.Context, network, address string) (net.Conn, error)
	// ProviderTimeout bounds calls to the sandbox; default 10 s.
	ProviderTimeout time.Duration
	// KeepMessages is how long what a provider sent unasked is kept once it is
	// settled; default [news.KeepFor].
	KeepMessages time.Duration
	// KeepIdempotencyKeys is how long idempotency keys are kept from their first
	// use; default [idem.Retention].
	KeepIdempotencyKeys time.Duration
	// KeepEvents is how long events are kept, with their webhook deliveries;
	// default [event.Retention].
	KeepEvents time.Duration
	// MaxRequests is how many requests to the API are answered at once; default
	// 4096.
	MaxRequests int
	// MaxWait is how long a write may wait for the database: see [db.Options].
	MaxWait time.Duration
	// RateLimit is how many requests per second each API key may send, and
	// RateBurst how many at once; 0: without limit, and one second's worth.
	RateLimit float64
	RateBurst int
}

// maxRequests bounds the memory that requests take, tens of kilobytes each. What
// they wait for is bounded by time.
const maxRequests = 4096

// What the Keep… of Config may be at the least.
const (
	MinKeepMessages        = news.KeepAtLeast
	MinKeepIdempotencyKeys = idem.MinRetention
	MinKeepEvents          = event.Retention
)

// App is Florin, put together.
type App struct {
	DB       *db.DB
	Master   *secret.Master
	Merchant *merchant.Service
	Vault    *vault.Service
	Payment  *payment.Service
	Payout   *payout.Service
	Setup    *setup.Service
	File     *file.Service
	Dispute  *dispute.Service
	Search   *search.Service
	Cash     *cash.Service
	Settle   *settle.Service
	News     *news.Service
	Clocks   *timeline.Service
	Webhooks *webhook.Service
	Rest     *rest.Server
	Jobs     *job.Runner
	// Created is the first account, if this start made it.
	Created *merchant.Created
	// KeyFile is the file of the master key that this start made, if it did.
	KeyFile string

	welcome     http.Handler // the page at the root
	web         *web.Server
	inbound     *inbound.Server
	hearing     net.Listener // of the embedded simulators; nil where there are none
	answered    func() error // ends the answering there; nil before it began
	pages       http.Handler // the sandbox's, for payers; nil where there is none
	certificate *listen.Certificate
	proxies     listen.Proxies
	metrics     *metrics.Metrics
	ending      atomic.Bool // no further requests are wanted
	sockets     context.Context
	endSockets  context.CancelFunc
	version     string
	clock       clock.Clock
	sealing     *sealing
	received    *bank.Book // of the embedded bank, where the embedded sandbox pays to; nil: there is none
	learning    learning
	missing     map[int64]time.Time // nodes that seem gone, and since when

	retention *retention

	log    *slog.Logger
	forget []func(context.Context) error // for each handle of a database: delete old marks of trains
	close  []func() error                // in reverse order
}

// New opens the database, brings its schema up to date, and puts the services
// over it together. Close it at the end. Nothing runs until [App.Start].
func New(ctx context.Context, c Config) (_ *App, err error) {
	c.defaults()
	a := &App{log: c.Logger}
	a.sockets, a.endSockets = context.WithCancel(context.WithoutCancel(ctx))
	if a.welcome, err = welcome.New(); err != nil {
		return nil, err
	}
	if a.web, err = web.New(); err != nil {
		return nil, err
	}
	if err := a.prepare(c); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = a.Close(ctx)
		}
	}()
	if a.DB = c.Database; a.DB == nil {
		if a.DB, err = db.Open(ctx, c.DB, db.Options{Clock: c.Clock, Logger: c.Logger, Patience: c.MaxWait}); err != nil {
			return nil, err
		}
	}
	a.close = append(a.close, a.DB.Close)
	a.forget = append(a.forget, a.DB.ForgetTrains)
	if err := a.DB.Migrate(ctx, schema.Files); err != nil {
		return nil, err
	}
	if err := a.DB.ClaimNode(ctx); err != nil {
		return nil, err
	}
	if a.Master, a.KeyFile, err = masterKey(ctx, a.DB, c); err != nil {
		return nil, err
	}
	if err := a.hear(c); err != nil {
		return nil, err
	}
	acquirer := c.Provider
	if acquirer.Name == "" {
		if acquirer, err = a.sandbox(ctx, c); err != nil {
			return nil, err
		}
	}
	payer, err := a.bank(ctx, c)
	if err != nil {
		return nil, err
	}
	a.assemble(c, acquirer, payer)
	a.answer(ctx)
	if err := a.beginLearning(ctx); err != nil {
		return nil, err
	}
	if a.Created, err = a.Merchant.Bootstrap(ctx, c.SecretKey, c.PublishableKey); err == nil && a.Created != nil {
		// Whoever tries Florin finds what a payout needs, as in Stripe's test mode.
		err = a.Vault.OpenTestBank(ctx, id.Scope{Account: a.Created.Account.Key})
	}
	return a, err
}

func (c *Config) defaults() {
	if c.DB == "" {
		c.DB = "sqlite:florin.db"
	}
	if c.Sandbox == "" {
		c.Sandbox = "embedded"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
}

// assemble makes the services and tells each what it needs of the others.
func (a *App) assemble(c Config, acquirer, payer provider.Provider) {
	acquirer = a.metrics.Provider(acquirer)
	keys := &idem.Keys{Sealer: a.Master}
	a.Merchant = merchant.New(a.DB, merchant.Options{APIVersion: rest.Version})
	a.Vault = vault.New(a.DB, a.Master, keys)
	a.Vault.Holds = cash.Holds
	a.Settle = &settle.Service{DB: a.DB, Keys: keys, Book: &ledger.Book{}, Merchant: a.Merchant, Providers: []provider.Provider{acquirer, payer}, Log: c.Logger}
	a.Search = search.New(a.DB, a.Master, a.Vault)
	a.Payment = &payment.Service{
		DB: a.DB, Keys: keys, Vault: a.Vault, Merchant: a.Merchant, Book: &ledger.Book{},
		Providers: map[string]provider.Provider{acquirer.Name: acquirer}, Default: acquirer.Name, Log: c.Logger,
	}
	a.Dispute = &dispute.Service{DB: a.DB, Payment: a.Payment, Vault: a.Vault, Log: c.Logger}
	a.Payment.Aftermath = a.Dispute
	a.Payment.Breaks = a.Settle
	a.Cash = &cash.Service{DB: a.DB, Keys: keys, Book: &ledger.Book{}, Payment: a.Payment}
	if a.received != nil {
		a.Cash.Bank = cash.Bank{Name: bank.Name, Receive: a.arrive}
	}
	a.Payment.Funds, a.Payment.Own = a.Cash, []string{vault.TypeTransfer}
	a.Clocks = &timeline.Service{DB: a.DB, Keys: keys, Belongings: a.Vault}
	a.Setup = &setup.Service{DB: a.DB, Keys: keys, Vault: a.Vault, Payment: a.Payment, Log: c.Logger}
	a.Webhooks = &webhook.Service{DB: a.DB, Keys: keys, Sealer: a.Master, Sender: a.hooks(c), Notifier: notifier{c.Logger}, Log: c.Logger}
	a.Payout = a.payouts(c, payer)
	a.News = a.newsOf(c, acquirer, payer)
	a.retention = newRetention(a.DB, a.News, c)
	a.inbound = &inbound.Server{News: a.News, Clock: c.Clock, Log: c.Logger}
	a.File = &file.Service{DB: a.DB, Keys: keys, Master: a.Master}
	a.Rest = &rest.Server{
		DB:        a.DB,
		Keys:      keys,
		Merchant:  a.Merchant,
		Vault:     a.Vault,
		Payment:   a.Payment,
		Setup:     a.Setup,
		Dispute:   a.Dispute,
		Payout:    a.Payout,
		File:      a.File,
		Offering:  &offering.Service{DB: a.DB, Keys: keys},
		Clocks:    a.Clocks,
		Cash:      a.Cash,
		Settle:    a.Settle,
		Search:    a.Search,
		Webhooks:  a.Webhooks,
		PublicURL: c.PublicURL,
		Live:      c.MasterKey != "" || c.MasterKeyFile != "",
		Master:    a.Master,
		Log:       c.Logger,
		MaySettle: a.Merchant.Alone,
		Closed:    a.refuseWhileLearning,
		Limits:    rest.Limits{InFlight: cmp.Or(c.MaxRequests, maxRequests), Rates: limit.NewRates(c.RateLimit, c.RateBurst)},
	}
	keys.Pin, a.Webhooks.Renderer = a.Rest.Pin, a.Rest
	a.web.Payment, a.web.Setup, a.web.Master, a.web.Log = a.Payment, a.Setup, a.Master, c.Logger
	a.web.Secret, a.web.SetupSecret = a.Rest.ClientSecret, a.Rest.SetupSecret
	a.Payment.Landing, a.Setup.Landing = a.web.Landing, a.web.SetupLanding
	a.Jobs = job.New(a.DB, job.Options{Seed: c.Seed, Logger: c.Logger})
	a.sealing = newSealing(a.DB, c)
	a.register()
	a.measure()
}

// Start begins the work that nobody asked for just now: jobs and sweeps. On a
// database that was restored it first learns what happened since the backup.
func (a *App) Start() {
	if !a.Learning() {
		a.close = append(a.close, a.sealing.close, a.startWork())
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	var end func() error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.learn(ctx, func() { end = a.startWork() })
	}()
	a.close = append(a.close, a.sealing.close, func() error {
		stop()
		<-ended
		if end == nil {
			return nil
		}
		return end()
	})
}

// startWork begins it, and gives what ends it.
func (a *App) startWork() (end func() error) {
	left := a.DB.Attend()
	a.Jobs.Start()
	serving := a.Webhooks.Start()
	return func() error {
		a.retention.stop()
		ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		err := serving.Stop(ctx)
		ctx2, cancel2 := context.WithTimeout(context.Background(), stopGrace)
		defer cancel2()
		err = errors.Join(err, a.Jobs.Stop(ctx2))
		left()
		return err
	}
}

// stopGrace is how long work in flight may take when the process ends. It is
// longer than a provider's time-out: a payment that is under way is finished.
const stopGrace = 25 * time.Second

// Close ends everything, the last begun first.
func (a *App) Close(context.Context) (err error) {
	a.endSockets()
	for i := len(a.close) - 1; i >= 0; i-- {
		err = errors.Join(err, a.close[i]())
	}
	a.close = nil
	return err
}
