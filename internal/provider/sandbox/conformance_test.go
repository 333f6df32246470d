package sandbox

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/test/leak"
)

func TestConformance(t *testing.T) {
	conform(t, func(t *testing.T) Book { return openBook(t, filepath.Join(t.TempDir(), "sandbox.book")) })
}

// TestConformanceOnPostgres gives each instance a schema of its own.
func TestConformanceOnPostgres(t *testing.T) {
	address := postgresAddress(t)
	var instances atomic.Int64
	conform(t, func(t *testing.T) Book {
		return openDBBook(t, address, db.Options{Schema: fmt.Sprint("book ", instances.Add(1))})
	})
}

func conform(t *testing.T, open func(*testing.T) Book) {
	providertest.Run(t, providertest.Harness{
		Start: func(t *testing.T, w providertest.World) providertest.Instance {
			return startInstance(t, w, open(t))
		},
		Approve: provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")},
		Decline: provider.Card{Number: hidden.NewText("4000000000009995"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")},
		Dispute: provider.Card{Number: hidden.NewText("4000000000000259"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")},
		Reason:  "insufficient_funds", Code: "51",
	})
}

func startInstance(t *testing.T, w providertest.World, book Book) providertest.Instance {
	t.Helper()
	sim := NewSimulator(book, Options{Clock: w.Clock, Seed: w.Seed, FaultRate: w.FaultRate})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, w.Listener) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return providertest.Instance{
		Provider: New("http://"+w.Listener.Addr().String(), ConnectorOptions{
			Clock: w.Clock, DialContext: w.Dial, Timeout: w.Timeout, Horizon: w.Horizon,
		}),
		Book:   func() ([]providertest.Entry, error) { return entries(t.Context(), book) },
		Inject: func(f providertest.Fault) error { return sim.Inject(scripted(f)) },
		Stop:   stop,
	}
}

var suiteKinds = map[providertest.Operation]Kind{
	providertest.Authorize: Authorize, providertest.Sale: Sale, providertest.Capture: Capture,
	providertest.Refund: Refund, providertest.Reverse: Reversal, providertest.Inquire: Inquiry,
	providertest.Authenticate: Authenticate, providertest.Increment: Increment, providertest.Contest: Contest,
}

func scripted(f providertest.Fault) Fault {
	// The names of the effects are those of the modes; check refuses others.
	return Fault{Mode: Mode(f.Effect), Kind: suiteKinds[f.Operation], Delay: f.Delay}
}

func entries(ctx context.Context, book Book) ([]providertest.Entry, error) {
	var list []providertest.Entry
	for op, err := range book.Operations(context.WithoutCancel(ctx)) {
		if err != nil {
			return nil, err
		}
		e := providertest.Entry{
			Reference: op.Reference, Original: op.Original, Approved: op.State == Approved,
			Amount: money.New(op.Amount, money.Currency(op.Currency)),
		}
		for name, kind := range suiteKinds {
			if kind == op.Kind {
				e.Operation = name
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// openBook opens a book that is closed when the test is over.
func openBook(t testing.TB, path string) *FileBook {
	t.Helper()
	book, err := OpenFileBook(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := book.Close(); err != nil {
			t.Error(err)
		}
		leak.CheckFiles(t, path)
	})
	return book
}
