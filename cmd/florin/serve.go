package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type serveCommand struct {
	Listen         string `help:"Address to listen on; loopback only for now." default:"127.0.0.1:8420" env:"FLORIN_LISTEN"`
	DB             string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	Sandbox        string `help:"The sandbox acquirer: embedded, or the URL of a florin sandbox." default:"embedded" env:"FLORIN_SANDBOX"`
	SecretKey      string `help:"Secret test key of the first account on an empty database (made if not set)." env:"FLORIN_SECRET_KEY" placeholder:"sk_test_…"`
	PublishableKey string `help:"Publishable test key of the first account on an empty database (made if not set)." env:"FLORIN_PUBLISHABLE_KEY" placeholder:"pk_test_…"`
	MasterKey      string `help:"Master key that seals the database." env:"FLORIN_MASTER_KEY" hidden:""`
	MasterKeyFile  string `help:"File of the master key (default: florin.key beside the database, made on an empty one)." env:"FLORIN_MASTER_KEY_FILE" type:"path"`

	ProviderTimeout time.Duration `help:"Bound on one call to a provider, 100ms to 20s. What it leaves unknown is asked about once this and 10 s are over." default:"10s" env:"FLORIN_PROVIDER_TIMEOUT"`
}

// The bounds of --provider-timeout. Below, an ordinary answer would count as
// none; above, a call could outlast the time that a shutdown grants it.
const (
	minProviderTimeout = 100 * time.Millisecond
	maxProviderTimeout = 20 * time.Second
)

// Run serves until a signal comes.
func (s *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := loopback(s.Listen); err != nil {
		return err
	}
	if s.ProviderTimeout < minProviderTimeout || s.ProviderTimeout > maxProviderTimeout {
		return fmt.Errorf("--provider-timeout %s: want %s to %s", s.ProviderTimeout, minProviderTimeout, maxProviderTimeout)
	}
	// First, since keys are shown once: an address that is taken must not cost
	// the keys of the account that the first start makes.
	ln, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, app.Config{
		DB: s.DB, Sandbox: s.Sandbox, SecretKey: s.SecretKey, PublishableKey: s.PublishableKey,
		MasterKey: s.MasterKey, MasterKeyFile: s.MasterKeyFile, Logger: log, ProviderTimeout: s.ProviderTimeout,
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s.greet(a, ln.Addr().String())
	a.Start()
	err = a.Serve(ctx, ln)
	return errors.Join(err, a.Close(context.WithoutCancel(ctx)))
}

// loopback refuses addresses that other machines could reach: there is no TLS
// yet, and card numbers must not travel in the clear.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q: want HOST:PORT", address)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s: only loopback addresses (127.0.0.1, [::1], localhost) are allowed for now, since there is no TLS yet", address)
}

// greet says where Florin is and, once, what its first keys are.
func (s *serveCommand) greet(a *app.App, address string) {
	url := "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)
	var b strings.Builder
	fmt.Fprintf(&b, "\nFlorin %s is ready at %s\n", version, url)
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
