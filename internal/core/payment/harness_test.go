package payment_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/leak"
)

// shop is a payment service over a real database and a real simulator.
type shop struct {
	*payment.Service
	t     testing.TB
	scope id.Scope
	clock *movable
	sim   *sandbox.Simulator
	book  *sandbox.FileBook
	// address is the database's; damaged tells that the test has spoilt it.
	address string
	damaged bool
}

// movable is the system's clock with an offset, so that time-outs on sockets
// are real and leases can be waited out.
type movable struct {
	clock.System
	mu     sync.Mutex
	offset time.Duration
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.System.Now().Add(m.offset)
}

func (m *movable) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.offset += d
}

// later is when the simulator does what it does later.
const later = 100 * time.Millisecond

// timeout of provider calls in these tests.
const timeout = 400 * time.Millisecond

// open makes a shop. alter, if any, changes the provider that it uses.
func open(t testing.TB, alter ...func(*provider.Provider)) *shop {
	t.Helper()
	return openWith(t, sandbox.Options{Delay: later}, alter...)
}

func openWith(t testing.TB, o sandbox.Options, alter ...func(*provider.Provider)) *shop {
	t.Helper()
	c := &movable{}
	dir := t.TempDir()
	t.Cleanup(func() { leak.CheckDir(t, dir) })
	book, err := sandbox.OpenFileBook(dir + "/book")
	if err != nil {
		t.Fatal(err)
	}
	sim := sandbox.NewSimulator(book, o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() { _ = sim.Serve(ctx, ln); close(ended) }()
	t.Cleanup(func() { stop(); <-ended; _ = book.Close() })
	p := sandbox.New("http://"+ln.Addr().String(), sandbox.ConnectorOptions{Clock: c, Timeout: timeout})
	for _, f := range alter {
		f(&p)
	}
	address := dbtest.Address(t)
	s := assemble(t, dbtest.OpenAt(t, address, db.Options{Clock: c}), c, sim, book, p)
	s.address = address
	return s
}

func assemble(t testing.TB, d *db.DB, c *movable, sim *sandbox.Simulator, book *sandbox.FileBook, p provider.Provider) *shop {
	t.Helper()
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := &idem.Keys{Sealer: master}
	merchants := merchant.New(d, merchant.Options{})
	created, err := merchants.Bootstrap(context.WithoutCancel(t.Context()), "", "")
	if err != nil {
		t.Fatal(err)
	}
	v := &payment.Service{DB: d, Keys: keys, Vault: vault.New(d, master, keys), Merchant: merchants, Book: &ledger.Book{},
		Providers: map[string]provider.Provider{p.Name: p}, Default: p.Name, Log: leak.Logger(t)}
	v.Aftermath = &dispute.Service{DB: d, Payment: v, Vault: v.Vault, Log: v.Log}
	v.Breaks = &settle.Service{DB: d, Keys: keys, Book: v.Book}
	s := &shop{Service: v, t: t, scope: id.Scope{Account: created.Account.Key}, clock: c, sim: sim, book: book}
	t.Cleanup(s.inOrder)
	return s
}

// inOrder fails the test when the books are not, as they are at one moment: what
// a provider sends late may be booked meanwhile.
func (s *shop) inOrder() {
	s.t.Helper()
	if s.damaged {
		return
	}
	ctx := context.Background()
	moment, err := s.DB.Snapshot(ctx)
	if err != nil {
		s.t.Error(err)
		return
	}
	report := func(f ledger.Finding) { s.t.Errorf("the books: %+v", f) }
	payments := &payment.Service{DB: moment, Book: s.Book, Providers: s.Providers, Log: s.Log}
	err = errors.Join(payments.Check(ctx, report), (&dispute.Service{DB: moment}).Check(ctx, report), ledger.Check(ctx, moment, report), moment.Close())
	if err != nil {
		s.t.Error(err)
	}
}

func (s *shop) disputes() *dispute.Service { return s.Aftermath.(*dispute.Service) }

func usd(minor int64) money.Amount { return money.New(minor, "usd") }

// pay creates and confirms an intent.
func (s *shop) pay(amount int64, capture, method string, r *idem.Request) *idem.Reply {
	s.t.Helper()
	reply, err := s.Create(s.t.Context(), s.scope, payment.CreateParams{Amount: usd(amount), CaptureMethod: capture, Method: method, Confirm: true}, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

func intentOf(t testing.TB, r *idem.Reply) *object.Object[payment.Intent] {
	t.Helper()
	o, ok := r.Main.(*object.Object[payment.Intent])
	if !ok {
		t.Fatalf("reply shows a %T (%v)", r.Main, r.Error)
	}
	return o
}

func (s *shop) intent(key int64) *object.Object[payment.Intent] {
	s.t.Helper()
	o, ok, err := payment.Intents.Read(s.t.Context(), s.DB, s.scope, key)
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	return o
}

// approved counts what the simulator approved of a kind.
func (s *shop) approved(kind sandbox.Kind) (n int, sum int64) {
	s.t.Helper()
	for op, err := range s.book.Operations(s.t.Context()) {
		if err != nil {
			s.t.Fatal(err)
		}
		if op.Kind == kind && op.State == sandbox.Approved {
			n++
			sum += op.Amount
		}
	}
	return n, sum
}

// balances are the net balances of the shop by account.
func (s *shop) balances() map[string]int64 {
	s.t.Helper()
	rows, err := ledger.ReadBalances(s.t.Context(), s.DB, s.scope)
	if err != nil {
		s.t.Fatal(err)
	}
	m := map[string]int64{}
	for _, b := range rows {
		m[b.Account.String()] = b.Net()
	}
	return m
}
