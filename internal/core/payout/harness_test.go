package payout_test

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/test/leak"
)

// till is a payout service over a real database and a real bank.
type till struct {
	*payout.Service
	t     testing.TB
	scope id.Scope
	clock *movable
	sim   *bank.Simulator
	book  *bank.Book

	mu    sync.Mutex
	calls int // of PayOut
	// before and after, if set, run around the exchange with the bank.
	before, after func()
	down          bool // the bank can't be reached
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

const timeout = 400 * time.Millisecond

func usd(minor int64) money.Amount { return money.New(minor, "usd") }

// open makes a till with 100.00 available. alter changes the provider.
func open(t *testing.T, alter func(*provider.Provider)) *till {
	t.Helper()
	c := &movable{}
	// Away from midnight, at which automatic payouts have their turn.
	c.offset = time.Now().UTC().Truncate(24 * time.Hour).Add(36 * time.Hour).Sub(time.Now())
	dir := t.TempDir()
	t.Cleanup(func() { leak.CheckDir(t, dir) })
	book, err := bank.OpenBook(t.Context(), "sqlite:"+filepath.Join(dir, "bank.db"), db.Options{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	sim := bank.NewSimulator(book, c)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = book.Close()
	})
	s := &till{t: t, clock: c, sim: sim, book: book}
	p := bank.New(ln.Addr().String(), bank.ConnectorOptions{Clock: c, Timeout: timeout})
	through := p.PayOut
	p.PayOut = func(ctx context.Context, r provider.PayoutRequest) provider.Outcome {
		s.mu.Lock()
		before, after, down := s.before, s.after, s.down
		s.calls++
		s.mu.Unlock()
		if down {
			return provider.Outcome{Status: provider.Failed, Retryable: true, Message: "not sent"}
		}
		if before != nil {
			before()
		}
		o := through(ctx, r)
		if after != nil {
			after()
		}
		return o
	}
	if alter != nil {
		alter(&p)
	}
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Logger: leak.Logger(t), Clock: c})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := &idem.Keys{Sealer: master}
	merchants := merchant.New(d, merchant.Options{})
	created, err := merchants.Bootstrap(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	s.scope = id.Scope{Account: created.Account.Key}
	s.Service = &payout.Service{DB: d, Keys: keys, Vault: vault.New(d, master, keys), Merchant: merchants, Book: &ledger.Book{},
		Banks: map[string]provider.Provider{p.Name: p}, Default: p.Name, Log: leak.Logger(t)}
	s.earn(10_000)
	t.Cleanup(s.inOrder)
	return s
}

// earn makes money available at once.
func (s *till) earn(minor int64) {
	s.t.Helper()
	s.step(func(tx *db.Tx) error {
		_, err := s.Book.Post(tx, s.scope, ledger.Transaction{Type: "charge", Currency: "usd", Amount: minor, Net: minor},
			ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Available, Amount: usd(minor)})
		return err
	})
}

func (s *till) step(f func(*db.Tx) error) {
	s.t.Helper()
	if err := s.DB.Run(context.Background(), db.Step{Name: "test", Scope: s.scope.Key(), Do: f}); err != nil {
		s.t.Fatal(err)
	}
}

// inOrder fails the test when the books are not.
func (s *till) inOrder() {
	s.t.Helper()
	ctx := context.Background()
	report := func(f ledger.Finding) { s.t.Errorf("the books: %+v", f) }
	if err := s.Check(ctx, report); err != nil {
		s.t.Error(err)
	}
	if err := ledger.Check(ctx, s.DB, report); err != nil {
		s.t.Error(err)
	}
}

// account adds a bank account with a number.
func (s *till) account(number string) *object.Object[vault.BankAccount] {
	s.t.Helper()
	r, err := s.Vault.CreateBankAccount(s.t.Context(), s.scope, &vault.BankAccountParams{Default: true, Input: &vault.BankInput{
		Country: "US", Currency: "usd", Routing: "110000000", Number: secret.NewText(number), Holder: "Jenny Rosen"}}, nil)
	if err != nil || r.Error != nil {
		s.t.Fatal(r, err)
	}
	return r.Main.(*object.Object[vault.BankAccount])
}

// pay makes a payout.
func (s *till) pay(amount int64, method string, r *idem.Request) *object.Object[payout.Payout] {
	s.t.Helper()
	reply, err := s.Create(s.t.Context(), s.scope, payout.Params{Amount: amount, Currency: "usd", Method: method}, r)
	if err != nil || reply.Error != nil {
		s.t.Fatal(reply, err)
	}
	return s.payout(reply.Shown[0].Key)
}

func (s *till) payout(key int64) *object.Object[payout.Payout] {
	s.t.Helper()
	o, ok, err := payout.Payouts.Read(context.Background(), s.DB, s.scope, key)
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	return o
}

func (s *till) attempt(p *object.Object[payout.Payout]) *object.Object[payout.Attempt] {
	s.t.Helper()
	a, ok, err := payout.Attempts.Read(context.Background(), s.DB, s.scope, p.Body.Attempt)
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	return a
}

func (s *till) sweep() {
	s.t.Helper()
	if _, err := s.Sweep(context.Background(), 100); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Listen(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// wait lets time pass, in steps, and sweeps after each.
func (s *till) wait(d time.Duration) {
	s.t.Helper()
	const steps = 12
	for range steps {
		s.clock.Advance(d / steps)
		s.sweep()
	}
}

func (s *till) balances() map[string]int64 {
	s.t.Helper()
	rows, err := ledger.ReadBalances(context.Background(), s.DB, s.scope)
	if err != nil {
		s.t.Fatal(err)
	}
	m := map[string]int64{}
	for _, b := range rows {
		if n := b.Net(); n != 0 && b.Account.Kind() != ledger.ProviderClearing {
			m[b.Account.Kind().String()] = n
		}
	}
	return m
}

// sent are the transfers in the bank's book.
func (s *till) sent() []bank.Transfer {
	s.t.Helper()
	list, err := s.book.Transfers(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// types are the types of the events in a payout's lane.
func (s *till) types(key int64) (types []string) {
	s.t.Helper()
	list, err := event.OfLane(context.Background(), s.DB, s.scope, key)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range list {
		types = append(types, e.Type)
	}
	return types
}

func (s *till) lines(before, after func(), down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after, s.down = before, after, down
}

func (s *till) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func key(name string) *idem.Request {
	return &idem.Request{ID: "req_" + name, Key: name, Hash: [32]byte{1}, Lease: time.Minute}
}
