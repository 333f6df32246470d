package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/money"
)

// seeds are FLORIN_RUNS seeds (a few by default) from FLORIN_SEED on (1 by
// default), so that a run is the same everywhere and can be seen again.
func seeds(t *testing.T) []uint64 {
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s=%q", name, text)
		}
		return n
	}
	few := uint64(5)
	if dbtest.Postgres() {
		few = 3
	}
	list := make([]uint64, number("FLORIN_RUNS", few))
	for i := range list {
		list[i] = number("FLORIN_SEED", 1) + uint64(i)
	}
	return list
}

// Whatever is done, in whatever order, the books agree with themselves and
// with a model of them that is kept beside.
func TestRandomOperations(t *testing.T) {
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			m := &model{bench: newBench(t), random: rand.New(rand.NewPCG(seed, 0)), net: map[string]int64{},
				due: map[Due]int64{}, posted: map[Due]bool{}, guards: map[int64]*Guard{}, holds: map[int64]int64{}}
			const steps = 120
			for i := range steps {
				name, err := m.step()
				if err != nil {
					t.Fatalf("step %d, %s: %v", i, name, err)
				}
				m.compare()
				if t.Failed() {
					t.Fatalf("after step %d, %s", i, name)
				}
			}
			m.clock.Advance(60 * 24 * time.Hour)
			if err := m.matureAll(); err != nil {
				t.Fatal(err)
			}
			for account := range m.net {
				if account == "pending:usd" || account == "pending:jpy" {
					t.Errorf("%s is %d when all is due", account, m.net[account])
				}
			}
			m.compare()
		})
	}
}

// model is what the ledger should hold.
type model struct {
	*bench
	random *rand.Rand
	net    map[string]int64 // without accounts at nothing
	due    map[Due]int64    // what accrued, by day, and was not moved
	posted map[Due]bool
	guards map[int64]*Guard
	holds  map[int64]int64 // on available:usd, by subject
}

var errExpected = errors.New("a refusal was expected")

// step does something at random. An error is a disagreement with the model.
func (m *model) step() (name string, err error) {
	ops := []struct {
		name string
		do   func() error
	}{
		{"charge", m.charge}, {"charge", m.charge}, {"refund", m.refund}, {"correct", m.correct}, {"wrong charge", m.wrongCharge},
		{"guard", m.guard}, {"guard", m.guard}, {"guard", m.guard}, {"hold", m.hold}, {"release", m.release},
		{"a day passes", m.day}, {"mature", m.matureAll},
	}
	op := ops[m.random.IntN(len(ops))]
	return op.name, op.do()
}

func (m *model) currency() money.Currency { return []money.Currency{"usd", "jpy"}[m.random.IntN(2)] }

func (m *model) move(debit, credit Kind, c money.Currency, n int64) {
	for account, by := range map[Account]int64{AccountOf(debit, c): -n, AccountOf(credit, c): n} {
		if m.net[account.String()] += by; m.net[account.String()] == 0 {
			delete(m.net, account.String())
		}
	}
}

// accrue follows the rule for the day that money becomes available on.
func (m *model) accrue(c money.Currency, on time.Time, n int64) {
	at := Due{m.s, max(Day(on), Day(m.clock.Now())), c}
	for m.posted[at] {
		at.Day++
	}
	m.due[at] += n
}

func (m *model) charge() error {
	c, gross := m.currency(), m.random.Int64N(100_000)+1
	fee := m.random.Int64N(gross)
	on := m.clock.Now().Add(time.Duration(m.random.Int64N(200)-50) * time.Hour)
	t, list := charge(gross, fee, c, on)
	if _, err := m.post(t, list...); err != nil {
		return err
	}
	m.move(ProviderClearing, Pending, c, gross)
	m.move(Pending, Fees, c, fee)
	if gross != fee {
		m.accrue(c, on, gross-fee)
	}
	return nil
}

func (m *model) refund() error {
	c, n := m.currency(), m.random.Int64N(100_000)+1
	t, posting := refund(n, c)
	m.move(Available, ProviderClearing, c, n)
	_, err := m.post(t, posting)
	return err
}

func (m *model) correct() error {
	c, n := m.currency(), m.random.Int64N(1000)+1
	m.move(Pending, ProviderClearing, c, n)
	m.accrue(c, m.clock.Now(), -n)
	_, err := m.post(Transaction{Type: "adjustment", Currency: c, Amount: -n, Net: -n}, Posting{Pending, ProviderClearing, money.New(n, c)})
	return err
}

func (m *model) wrongCharge() error {
	t, list := charge(1000, 30, m.currency(), m.clock.Now())
	switch m.random.IntN(3) {
	case 0:
		t.Net++
	case 1:
		list = append(list, Posting{Available, ProviderClearing, money.New(1, t.Currency)})
	case 2:
		list[0].Amount = money.New(-1000, t.Currency)
	}
	if _, err := m.post(t, list...); err == nil {
		return errExpected
	}
	return nil
}

// any gives one of few subjects, so that each is met in all of its states.
func (m *model) any() int64 { return m.random.Int64N(4) + 1 }

func (m *model) guard() error {
	subject, n := m.any(), m.random.Int64N(80)-5
	g, ok := m.guards[subject]
	if !ok {
		m.guards[subject] = &Guard{Ceiling: 100}
		return m.try(func(tx *db.Tx) error { return m.book.OpenGuard(tx, m.s, subject, GuardRefund, 100) })
	}
	var err error
	valid, after := false, *g
	switch m.random.IntN(4) {
	case 0:
		err = m.try(func(tx *db.Tx) error { return m.book.Reserve(tx, m.s, subject, GuardRefund, n) })
		valid = n > 0 && g.Reserved+g.Done+n <= g.Ceiling
		after.Reserved += n
	case 1:
		err = m.try(func(tx *db.Tx) error { return m.book.Settle(tx, m.s, subject, GuardRefund, n) })
		valid = n > 0 && n <= g.Reserved
		after.Reserved, after.Done = g.Reserved-n, g.Done+n
	case 2:
		err = m.try(func(tx *db.Tx) error { return m.book.Release(tx, m.s, subject, GuardRefund, n) })
		valid = n > 0 && n <= g.Reserved
		after.Reserved -= n
	case 3:
		err = m.try(func(tx *db.Tx) error { return m.book.SetCeiling(tx, m.s, subject, GuardRefund, n) })
		valid = n >= 0 && g.Reserved+g.Done <= n
		after.Ceiling = n
	}
	if (err == nil) != valid {
		return fmt.Errorf("guard %+v to %+v: valid %v, error %v", *g, after, valid, err)
	}
	if valid {
		*g = after
	}
	return nil
}

func (m *model) hold() error {
	subject, n, force := m.any(), m.random.Int64N(150_000)+1, m.random.IntN(4) == 0
	free := m.net["available:usd"]
	if free = max(free, 0); free > 0 {
		for _, held := range m.holds {
			free -= held
		}
	}
	_, taken := m.holds[subject]
	valid := !taken && (force || n <= free)
	err := m.try(func(tx *db.Tx) error { return m.book.Hold(tx, m.s, subject, AccountOf(Available, "usd"), n, force) })
	if (err == nil) != valid {
		return fmt.Errorf("hold of %d, %d free, forced %v, taken %v: error %v", n, free, force, taken, err)
	}
	if valid {
		m.holds[subject] = n
	}
	return nil
}

func (m *model) release() error {
	subject := m.any()
	_, taken := m.holds[subject]
	delete(m.holds, subject)
	if err := m.try(func(tx *db.Tx) error { return m.book.ReleaseHold(tx, m.s, subject) }); (err == nil) != taken {
		return fmt.Errorf("release of a hold that is there %v: error %v", taken, err)
	}
	return nil
}

func (m *model) day() error {
	m.clock.Advance(time.Duration(m.random.Int64N(40)) * time.Hour)
	return nil
}

func (m *model) matureAll() error {
	for {
		list, err := DueMaturities(m.t.Context(), m.db, m.clock.Now(), 3)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, x := range list {
			if err := m.mature(x.Day, x.Currency); err != nil {
				return err
			}
			m.move(Pending, Available, x.Currency, m.due[x])
			delete(m.due, x)
			m.posted[x] = true
		}
	}
}

// compare holds the ledger against the model.
func (m *model) compare() {
	m.t.Helper()
	m.same(m.net, m.bench.net())
	for subject, want := range m.guards {
		if got, ok, err := ReadGuard(m.t.Context(), m.db, m.s, subject, GuardRefund); err != nil || !ok || got != *want {
			m.t.Errorf("guard %+v %v %v, want %+v", got, ok, err, *want)
		}
	}
	m.sound()
}
