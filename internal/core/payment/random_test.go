package payment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// runs is how many random runs there are: FLORIN_RUNS, by default a few.
func runs(t *testing.T) int {
	text := os.Getenv("FLORIN_RUNS")
	if text == "" {
		return 6
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FLORIN_RUNS=%q", text)
	}
	return n
}

// TestRandomOperations does random things to a few payments from several
// goroutines while everything goes wrong, and compares the books. A run is
// repeated with FLORIN_SEED, but for what the machine's own timing decides.
func TestRandomOperations(t *testing.T) {
	first := uint64(1)
	if text := os.Getenv("FLORIN_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FLORIN_SEED=%d", first)
	var total tally
	begun := time.Now()
	n := runs(t)
	t.Run("runs", func(t *testing.T) {
		for i := range n {
			seed := first + uint64(i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				newChaos(t, seed, &total).run()
			})
		}
	})
	t.Logf("%d runs in %v: %v", n, time.Since(begun).Round(time.Millisecond), &total)
}

// tally counts what was met, so that one sees that the runs reach it.
type tally struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *tally) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[what] += n
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.seen)
}

const (
	// patience of the random runs with the provider, shorter so that there are
	// many.
	patience = 120 * time.Millisecond
	workers  = 4
	rounds   = 7
	each     = 3 // operations of a worker in a round; all in all 84
	slowest  = 2 * patience
)

// chaos is one run.
type chaos struct {
	*shop
	*ear
	line
	seed  uint64
	total *tally

	// honest: the provider keeps its horizon. Where it can't be asked, nobody
	// could ever find out otherwise; so time stands still while requests are on
	// their way, and none is processed after its answer was given up.
	honest bool
	way    sync.RWMutex

	mu      sync.Mutex
	intents []payment.IntentID
	keys    atomic.Int64
	passed  []jump // lately, by recent in all
	recent  time.Duration
}

func newChaos(t *testing.T, seed uint64, total *tally) *chaos {
	c := &chaos{seed: seed, total: total}
	alter := []func(*provider.Provider){traits(func(t *provider.Traits) { t.Timeout = patience }), c.alter()}
	c.honest = seed%5 >= 3
	switch seed % 5 {
	case 3:
		alter = append(alter, noInquiry)
	case 4:
		alter = append(alter, noInquiry, noReplay)
	}
	// Where the provider can't be asked, nobody could tell which of two things that
	// it says is true.
	modes := push.Modes
	if c.honest {
		modes = slices.DeleteFunc(slices.Clone(modes), func(m push.Mode) bool { return m == push.Contradict })
	}
	c.shop, c.ear = listening(t, push.Options{Seed: seed, FaultRate: 500, Modes: modes, OnFault: func(_ string, m push.Mode) { total.add("push "+string(m), 1) }}, alter...)
	return c
}

func (c *chaos) run() {
	for round := range rounds {
		var wg sync.WaitGroup
		for w := range workers {
			r := rand.New(rand.NewPCG(c.seed, uint64(round*workers+w)))
			wg.Go(func() {
				for range each {
					c.step(r)
				}
			})
		}
		wg.Wait()
		c.quiet(c.shop)
		c.inOrder()
		if c.t.Failed() {
			c.t.Fatalf("seed %d, round %d", c.seed, round)
		}
	}
	c.settle()
	c.verdict()
	if c.t.Failed() {
		c.t.Logf("seed %d", c.seed)
	}
}

// verdict compares the books at the end.
func (c *chaos) verdict() {
	c.inOrder()
	err := event.Check(context.Background(), c.DB, func(_ id.Scope, lane, seq int64, problem string) {
		c.t.Errorf("lane %d at %d: %s", lane, seq, problem)
	})
	if err != nil {
		c.t.Error(err)
	}
	taken, _ := c.truth()
	ours, _ := c.ours()
	for currency, n := range c.breaks() {
		ours[currency] += n
	}
	for _, m := range []map[string]int64{taken, ours} {
		for currency, n := range m {
			if n == 0 {
				delete(m, currency)
			}
		}
	}
	if diff := cmp.Diff(taken, ours); diff != "" {
		c.t.Errorf("money taken, -theirs +ours: %s", diff)
		c.explain()
	}
	for _, i := range c.intents {
		b := c.intent(int64(i)).Body
		if b.Status == payment.Processing || b.Attempt != 0 {
			c.t.Errorf("intent %d is %s and waits for attempt %d", i, b.Status, b.Attempt)
		}
		c.total.add("ends "+string(b.Status), 1)
		if types := strings.Join(c.types(int64(i)), " "); strings.Count(types, "payment_intent.succeeded") > 1 || strings.Count(types, "payment_intent.canceled") > 1 {
			c.t.Errorf("intent %d: %s", i, types)
		}
	}
}

// contradicted is what is noted of an operation that the provider has done and
// the books have no place for.
const contradicted = "succeeded after it was called failed"

// breaks is the money that a person has to look at: what the provider took or
// gave back after we had to call it failed.
func (c *chaos) breaks() map[string]int64 {
	sums := map[string]int64{}
	err := payment.Attempts.Scan(context.Background(), c.DB, func(a *object.Object[payment.Attempt]) error {
		b := &a.Body
		if b.Open() {
			return errors.New("an attempt is open at the end")
		}
		c.total.add(string(b.Operation)+" "+string(b.State), 1)
		if strings.HasPrefix(b.Note, "late success") {
			c.total.add(b.Note, 1)
		}
		if !b.Break.IsZero() {
			c.total.add("break", 1)
		}
		if b.Note != contradicted {
			return nil
		}
		c.total.add("break "+string(b.Operation), 1)
		switch b.Operation {
		case payment.OpCapture:
			sums[string(b.Currency)] += b.Amount
		case payment.OpRefund:
			sums[string(b.Currency)] -= b.Amount
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	return sums
}

// explain prints what our attempts and the simulator's book say of each
// operation, where they differ.
func (c *chaos) explain() {
	theirs := map[string]sandbox.Operation{}
	for _, op := range c.standing() {
		theirs[op.Reference] = op
	}
	err := payment.Attempts.Scan(context.Background(), c.DB, func(a *object.Object[payment.Attempt]) error {
		reference := c.reference(a)
		op, there := theirs[reference]
		if there != (a.Body.State == payment.Approved) {
			c.t.Logf("ours: %s %s of %d, %q, break %v; theirs: %+v", reference, a.Body.State, a.Body.Amount, a.Body.Note, a.Body.Break, op)
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
}
