package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/money"
)

const (
	rounds  = 12
	workers = 6 // at once in a round; a run is 72 operations
	ceiling = 500
)

// crowd is several workers on the same few accounts, guards and holds, through
// two handles as of two processes, and what they were told they did.
type crowd struct {
	*bench
	handles []*db.DB

	mu   sync.Mutex
	net  map[string]int64
	done map[int64]int64 // of each guard
}

// Whatever several workers do at once, after each round the books agree with
// themselves and with what the workers were told.
func TestConcurrentOperations(t *testing.T) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			b := newBench(t)
			c := &crowd{bench: b, handles: []*db.DB{b.db, dbtest.OpenAt(t, b.address, db.Options{Clock: b.clock})},
				net: map[string]int64{}, done: map[int64]int64{}}
			for subject := range int64(3) {
				b.do(func(tx *db.Tx) error { return b.book.OpenGuard(tx, b.s, subject+1, GuardRefund, ceiling) })
			}
			for round := range rounds {
				c.round(seed, round)
				c.sound()
				c.compare()
				if t.Failed() {
					t.Fatalf("after round %d", round)
				}
			}
		})
	}
}

func (c *crowd) round(seed uint64, round int) {
	var wg sync.WaitGroup
	for worker := range workers {
		random := rand.New(rand.NewPCG(seed, uint64(round*workers+worker)))
		wg.Go(func() {
			if err := c.operate(random, c.handles[worker%len(c.handles)], int64(1000+round*workers+worker)); err != nil {
				c.t.Error(err)
			}
		})
	}
	wg.Wait()
}

// operate does one thing at random; own is a number that no other has.
func (c *crowd) operate(random *rand.Rand, d *db.DB, own int64) error {
	n := random.Int64N(300) + 1
	step := func(f func(tx *db.Tx) error) error {
		return d.Run(c.t.Context(), db.Step{Name: "crowd", Scope: c.s.Key(), Do: f})
	}
	switch random.IntN(5) {
	case 0, 1:
		t, list := charge(n, n/10, "usd", c.clock.Now().Add(48*time.Hour))
		err := step(func(tx *db.Tx) error { _, err := c.book.Post(tx, c.s, t, list...); return err })
		if err == nil {
			c.move(map[string]int64{"provider_clearing:usd": -n, "pending:usd": n - n/10, "fees:usd": n / 10})
		}
		return err
	case 2:
		t, posting := refund(n, "usd")
		err := step(func(tx *db.Tx) error { _, err := c.book.Post(tx, c.s, t, posting); return err })
		if err == nil {
			c.move(map[string]int64{"available:usd": -n, "provider_clearing:usd": n})
		}
		return err
	case 3:
		return c.hold(step, own, n)
	}
	return c.guard(step, random, n)
}

// hold sets aside and gives free again.
func (c *crowd) hold(step func(func(*db.Tx) error) error, own, n int64) error {
	account := AccountOf(Available, "usd")
	if err := step(func(tx *db.Tx) error { return c.book.Hold(tx, c.s, own, account, n, true) }); err != nil {
		return err
	}
	return step(func(tx *db.Tx) error { return c.book.ReleaseHold(tx, c.s, own) })
}

// guard reserves, and settles or releases what it got.
func (c *crowd) guard(step func(func(*db.Tx) error) error, random *rand.Rand, n int64) error {
	subject, settle := random.Int64N(3)+1, random.IntN(2) == 0
	err := step(func(tx *db.Tx) error { return c.book.Reserve(tx, c.s, subject, GuardRefund, n) })
	if _, full := errors.AsType[*GuardError](err); full {
		return nil
	}
	if err != nil {
		return err
	}
	if !settle {
		return step(func(tx *db.Tx) error { return c.book.Release(tx, c.s, subject, GuardRefund, n) })
	}
	err = step(func(tx *db.Tx) error { return c.book.Settle(tx, c.s, subject, GuardRefund, n) })
	if err == nil {
		c.mu.Lock()
		c.done[subject] += n
		c.mu.Unlock()
	}
	return err
}

func (c *crowd) move(by map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for account, n := range by {
		if c.net[account] += n; c.net[account] == 0 {
			delete(c.net, account)
		}
	}
}

// compare holds the books against what the workers were told.
func (c *crowd) compare() {
	c.t.Helper()
	if diff := cmp.Diff(c.net, c.bench.net()); diff != "" {
		c.t.Errorf("balances:\n%s", diff)
	}
	for subject := range int64(3) {
		g, _, err := ReadGuard(c.t.Context(), c.db, c.s, subject+1, GuardRefund)
		want := Guard{Ceiling: ceiling, Done: c.done[subject+1]}
		if err != nil || g != want || g.Done > ceiling {
			c.t.Errorf("guard %d is %+v, want %+v (%v)", subject+1, g, want, err)
		}
	}
	list, err := ReadBalances(c.t.Context(), c.db, c.s)
	for _, b := range list {
		if b.Held != 0 {
			c.t.Errorf("%v holds %v after every hold was released", b.Account, money.New(b.Held, "usd"))
		}
	}
	if err != nil {
		c.t.Error(err)
	}
}
