package app

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
)

// bank connects to the bank that pays out in test mode: the one configured, or a
// simulator that it starts within this process. Its book is a database beside a
// SQLite one, and a schema of its own in a PostgreSQL one, where every node sees
// one book.
func (a *App) bank(ctx context.Context, c Config) (provider.Provider, error) {
	if c.Bank.Name != "" || c.Provider.Name != "" {
		return c.Bank, nil // who brings a provider brings a bank, or does without
	}
	address := c.DB
	if path, ok := strings.CutPrefix(c.DB, "sqlite:"); ok {
		address = bankBook(path)
	}
	book, err := bank.OpenBook(ctx, address, db.Options{Clock: c.Clock, Logger: c.Logger})
	if err != nil {
		return provider.Provider{}, err
	}
	a.close = append(a.close, book.Close)
	a.forget = append(a.forget, book.ForgetTrains)
	a.received = book
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return provider.Provider{}, fmt.Errorf("bank: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	sim := bank.NewSimulator(book, c.Clock)
	sim.PushTo(a.pushes(bank.Name))
	go func() { ended <- sim.Serve(running, ln) }()
	a.close = append(a.close, func() error {
		stop()
		return <-ended
	})
	return bank.New(ln.Addr().String(), bank.ConnectorOptions{Clock: c.Clock, Timeout: c.ProviderTimeout, Secret: a.pushSecret(bank.Name)}), nil
}

// arrive has a customer's transfer come in at the bank simulator of this process.
func (a *App) arrive(ctx context.Context, t cash.Arrival) error {
	return a.received.Receive(ctx, bank.Deposit{Reference: t.Reference, Amount: t.Amount.Minor(), Currency: string(t.Amount.Currency()), At: t.At, Note: t.Text})
}

// payouts makes the service that pays out through a bank; without one it refuses
// to.
func (a *App) payouts(c Config, at provider.Provider) *payout.Service {
	v := &payout.Service{DB: a.DB, Keys: a.Payment.Keys, Vault: a.Vault, Merchant: a.Merchant, Book: &ledger.Book{},
		Banks: map[string]provider.Provider{}, Log: c.Logger, Breaks: a.Settle}
	if at.Name != "" {
		v.Banks[at.Name], v.Default = a.metrics.Provider(at), at.Name
	}
	return v
}

// payOut does what is due of payouts: sends them, asks about them, hears of those
// that came back.
func (a *App) payOut(ctx context.Context) error {
	_, err := a.Payout.Sweep(ctx, batch)
	return err
}

// payAutomatically makes the payouts that are due by schedule, after what became
// available by then.
func (a *App) payAutomatically(ctx context.Context) error {
	if err := a.mature(ctx); err != nil {
		return err
	}
	_, err := a.Payout.Automatic(ctx, batch)
	return err
}
