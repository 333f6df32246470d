package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var neighbour = id.Scope{Account: 8}

// at is the ledger of another scope in the same database.
func (b *bench) at(s id.Scope) *bench {
	other := *b
	other.s = s
	return &other
}

// deposit makes so much of a currency available.
func (b *bench) deposit(c money.Currency, n int64) {
	b.t.Helper()
	t := Transaction{Type: "adjustment", Currency: c, Amount: n, Net: n}
	if _, err := b.post(t, Posting{Bank, Available, money.New(n, c)}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) remit(to id.Scope, n int64, c money.Currency) (key int64, err error) {
	err = b.try(func(tx *db.Tx) (err error) {
		key, err = b.book.Remit(tx, b.s, Remittance{To: to, Amount: money.New(n, c), Type: "transfer", Description: "share"})
		return err
	})
	return key, err
}

// bring does the job of a remittance.
func (b *bench) bring(d *db.DB, key int64) error {
	return b.book.deliver(b.t.Context(), d, b.s, key, nil, func(tx *db.Tx) error {
		_, err := job.Remove(tx, b.s, key)
		return err
	})
}

func (b *bench) remitted(to id.Scope, n int64, c money.Currency) {
	b.t.Helper()
	key, err := b.remit(to, n, c)
	if err == nil {
		err = b.bring(b.db, key)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func TestRemittance(t *testing.T) {
	b := newBench(t)
	other := b.at(neighbour)
	b.deposit("usd", 1000)
	b.deposit("jpy", 70)
	other.deposit("usd", 50)
	key, err := b.remit(neighbour, 300, "usd")
	if err != nil {
		t.Fatal(err)
	}
	b.same(map[string]int64{"bank:usd": -1000, "bank:jpy": -70, "available:usd": 700, "available:jpy": 70, "due_to:usd": 300}, b.net())
	b.same(map[string]int64{"bank:usd": -50, "available:usd": 50}, other.net())
	b.sound() // under way, which the books say
	if err := b.bring(b.db, key); err != nil {
		t.Fatal(err)
	}
	b.remitted(neighbour, 70, "jpy")
	other.remitted(b.s, 340, "usd")
	b.same(map[string]int64{"bank:usd": -1000, "bank:jpy": -70, "available:usd": 1040, "due_to:usd": 300, "due_to:jpy": 70, "due_from:usd": -340}, b.net())
	b.same(map[string]int64{"bank:usd": -50, "available:usd": 10, "available:jpy": 70, "due_from:usd": -300, "due_from:jpy": -70, "due_to:usd": 340}, other.net())
	b.sound()

	in, ok, err := remittances.Read(t.Context(), b.db, remittanceKey(neighbour, key, incoming))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	seen, _, err := Transactions.Read(t.Context(), b.db, neighbour, in.Txn)
	if err != nil || seen.Body.Type != "transfer" || seen.Body.Net != 300 || seen.Body.Description != "share" {
		t.Errorf("the receiver sees %+v, %v", seen, err)
	}
}

func TestRemittanceRefuses(t *testing.T) {
	b := newBench(t)
	b.deposit("usd", 1000)
	b.do(func(tx *db.Tx) error {
		return b.book.Hold(tx, b.s, 51, AccountOf(Available, "usd"), 600, false)
	})
	before := b.net()
	for name, c := range map[string]struct {
		to   id.Scope
		n    int64
		c    money.Currency
		want error
	}{
		"what is held":         {neighbour, 401, "usd", ErrInsufficient},
		"what is not there":    {neighbour, 1, "eur", ErrInsufficient},
		"nothing":              {neighbour, 0, "usd", ErrRemittance},
		"less than nothing":    {neighbour, -1, "usd", ErrRemittance},
		"an unknown currency":  {neighbour, 1, "xxx", ErrRemittance},
		"to itself":            {b.s, 1, "usd", ErrRemittance},
		"to nobody":            {id.Scope{}, 1, "usd", ErrRemittance},
		"into live mode":       {id.Scope{Account: 8, Livemode: true}, 1, "usd", ErrRemittance},
		"the same in the mode": {id.Scope{Account: 7, Livemode: true}, 1, "usd", ErrRemittance},
	} {
		if _, err := b.remit(c.to, c.n, c.c); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := b.bring(b.db, 4711); err == nil {
		t.Error("what never set out was brought")
	}
	b.same(before, b.net())
	b.sound()
	if _, err := b.remit(neighbour, 400, "usd"); err != nil {
		t.Error(err)
	}
}

// guillotine lets so many steps pass and then none; the last one may be durable
// though its answer is lost.
type guillotine struct {
	mu      sync.Mutex
	left    int
	durable bool
}

var errCut = errors.New("the node is dead")

func (g *guillotine) Step(_ context.Context, s db.Step, run func(db.Step) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.left--; {
	case g.left > 0:
		return run(s)
	case g.left == 0 && g.durable:
		if err := run(s); err != nil {
			return err
		}
	}
	return errCut
}

// mortal is a handle that is cut off after so many steps.
func (b *bench) mortal(c clock.Clock, left int, durable bool) *db.DB {
	b.t.Helper()
	g := &guillotine{left: 1000}
	d := b.db.Facade(c, g)
	if err := d.ClaimNode(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	g.left, g.durable = left, durable
	return d
}

func (g *guillotine) Read(context.Context) error { return nil }

// Whoever brings a remittance may die at any step, before it is durable or after,
// as often as that happens: it arrives once.
func TestRemittanceOutlivesItsBearers(t *testing.T) {
	b := newBench(t)
	other := b.at(neighbour)
	b.deposit("usd", 1000)
	died, want := 0, int64(0)
	for first := range 4 {
		for second := range 4 {
			key, err := b.remit(neighbour, 10, "usd")
			if err != nil {
				t.Fatal(err)
			}
			want += 10
			for _, life := range []int{first, second} {
				switch err := b.bring(b.mortal(b.clock, 1+life/2, life%2 == 1), key); {
				case errors.Is(err, errCut):
					died++
				case err != nil:
					t.Fatal(err)
				}
				b.sound()
			}
			if err := b.bring(b.db, key); err != nil {
				t.Fatal(err)
			}
			if got := other.net()["available:usd"]; got != want {
				t.Fatalf("%d arrived of %d, lives %d and %d", got, want, first, second)
			}
			b.sound()
		}
	}
	if died < 20 {
		t.Errorf("only %d bearers died", died)
	}
}

// Many bring the same at once, and money goes both ways meanwhile.
func TestRemittancesRace(t *testing.T) {
	b := newBench(t)
	second := dbtest.OpenAt(t, b.address, db.Options{Clock: b.clock})
	other := b.at(neighbour)
	b.deposit("usd", 1000)
	other.deposit("usd", 1000)
	var all sync.WaitGroup
	for i := range 6 {
		from, to := b, other
		if i%2 == 1 {
			from, to = other, b
		}
		key, err := from.remit(to.s, int64(100+i), "usd")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []*db.DB{b.db, second, b.db, second} {
			all.Go(func() {
				if err := from.bring(d, key); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	b.same(map[string]int64{"bank:usd": -1000, "available:usd": 1000 - 306 + 309, "due_to:usd": 306, "due_from:usd": -309}, b.net())
	b.same(map[string]int64{"bank:usd": -1000, "available:usd": 1000 - 309 + 306, "due_to:usd": 309, "due_from:usd": -306}, other.net())
	b.sound()
}

// Nobody can take out more than there is, however many ask at once.
func TestRemittancesTakeNoMoreThanThereIs(t *testing.T) {
	b := newBench(t)
	b.deposit("usd", 100)
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 10 {
		all.Go(func() {
			_, err := b.remit(neighbour, 30, "usd")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			} else if !errors.Is(err, ErrInsufficient) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if taken != 3 || b.net()["available:usd"] != 10 {
		t.Errorf("%d were taken, %v", taken, b.net())
	}
	b.sound()
}

// The job that a remittance leaves brings it.
func TestRemitJob(t *testing.T) {
	b := newBench(t)
	b.db = dbtest.OpenAt(t, b.address, db.Options{Clock: clock.System{}})
	b.deposit("usd", 100)
	runner := job.New(b.db, job.Options{Poll: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	tried := 0
	runner.Register(job.Kind{Name: RemitJob, Lease: time.Minute, MaxTries: 3, Handle: func(ctx context.Context, j job.Job) error {
		if tried++; tried == 1 {
			if err := b.book.Deliver(ctx, b.mortal(clock.System{}, 1, true), j); !errors.Is(err, errCut) {
				t.Errorf("the first bearer did not die: %v", err)
			}
		}
		return b.book.Deliver(ctx, b.db, j)
	}})
	key, err := b.remit(neighbour, 40, "usd")
	if err != nil {
		t.Fatal(err)
	}
	runner.Start()
	for n := 0; ; n++ {
		out, _, err := remittances.Read(t.Context(), b.db, remittanceKey(b.s, key, outgoing))
		if err != nil {
			t.Fatal(err)
		}
		if out.State == arrived {
			break
		}
		if time.Sleep(5 * time.Millisecond); n == 4000 {
			t.Fatal("it has not arrived")
		}
	}
	if err := runner.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, there, err := job.Read(t.Context(), b.db, b.s, key); there || err != nil {
		t.Errorf("the job is there still: %v %v", there, err)
	}
	b.same(map[string]int64{"available:usd": 40, "due_from:usd": -40}, b.at(neighbour).net())
	b.sound()
}

func TestCheckFindsDamagedRemittances(t *testing.T) {
	const wanted = CheckRemittance + "/remittance"
	for name, c := range map[string]struct{ sql, want string }{
		"never arrived":          {"DELETE FROM remittance WHERE side = 2", wanted + " " + CheckRemittance + "/balance"},
		"never set out":          {"DELETE FROM remittance WHERE side = 1 AND state = 2", wanted + " " + CheckRemittance + "/balance"},
		"more arrived":           {"UPDATE remittance SET amount = amount + 1 WHERE side = 2", wanted + " " + CheckRemittance + "/balance"},
		"in another currency":    {"UPDATE remittance SET account = 12978 WHERE side = 2", wanted + " " + CheckRemittance + "/balance"},
		"from another":           {"UPDATE remittance SET peer = 44 WHERE side = 2", wanted},
		"to another":             {"UPDATE remittance SET peer = 44 WHERE side = 1 AND state = 2", wanted},
		"of another transaction": {"UPDATE remittance SET txn = txn + 1 WHERE side = 1 AND state = 2", wanted},
		"under way once more":    {"UPDATE remittance SET state = 1 WHERE state = 2", wanted},
		"in no state":            {"UPDATE remittance SET state = 3 WHERE side = 1 AND state = 2", wanted},
		"said to have arrived":   {"UPDATE remittance SET state = 2 WHERE state = 1", wanted},
		"brought by nobody":      {"DELETE FROM job WHERE kind = 'ledger.remit'", wanted},
		"posted beside":          {"UPDATE posting SET credit = 6840 WHERE credit = 11840 AND number = 2", "balance/balance " + wanted + " " + CheckRemittance + "/balance"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.deposit("usd", 1000)
			b.remitted(neighbour, 300, "usd")
			if _, err := b.remit(neighbour, 20, "usd"); err != nil {
				t.Fatal(err)
			}
			b.sound()
			b.behind(c.sql)
			b.reports(c.want)
		})
	}
}

// Whatever is remitted, in whatever order it is brought, by whomever, however often,
// no money is made or lost, and none is left on its way.
func TestRandomRemittances(t *testing.T) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { randomRemittances(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func randomRemittances(t *testing.T, random *rand.Rand) {
	b := newBench(t)
	type sent struct {
		from *bench
		key  int64
	}
	var who []*bench
	want := map[string]int64{}
	for i := range int64(4) {
		who = append(who, b.at(id.Scope{Account: 20 + i}))
		for _, c := range []money.Currency{"usd", "jpy"} {
			who[i].deposit(c, 200)
			want[string(c)] += 200
		}
	}
	var all []sent
	for range 60 {
		switch from, to := who[random.IntN(4)], who[random.IntN(4)]; {
		case random.IntN(2) == 0 && from != to:
			key, err := from.remit(to.s, 1+random.Int64N(150), []money.Currency{"usd", "jpy"}[random.IntN(2)])
			if err == nil {
				all = append(all, sent{from, key})
			} else if !errors.Is(err, ErrInsufficient) {
				t.Fatal(err)
			}
		case len(all) > 0: // whether it has arrived or not
			one := all[random.IntN(len(all))]
			if err := one.from.bring(b.mortal(b.clock, 1+random.IntN(3), random.IntN(2) == 0), one.key); err != nil && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
		}
	}
	b.sound()
	for _, one := range all {
		if err := one.from.bring(b.db, one.key); err != nil {
			t.Fatal(err)
		}
	}
	b.sound()
	got := map[string]int64{}
	for _, w := range who {
		for account, n := range w.net() {
			switch kind, c, _ := strings.Cut(account, ":"); kind {
			case "available":
				if got[c] += n; n < 0 {
					t.Errorf("%v has %d of %s", w.s, n, account)
				}
			case "due_to", "due_from":
				got["between "+c] += n
			}
		}
	}
	want["between usd"], want["between jpy"] = 0, 0
	b.same(want, got)
}
