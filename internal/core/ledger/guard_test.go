package ledger

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/id"
)

func TestGuardRules(t *testing.T) {
	for name, c := range map[string]struct {
		before Guard
		do     func(*Guard) error
		after  Guard
		over   bool // refused by the ceiling
		bad    bool // refused as a mistake
	}{
		"reserve":                {Guard{100, 20, 30}, func(g *Guard) error { return g.reserve(50) }, Guard{100, 70, 30}, false, false},
		"reserve one too many":   {Guard{100, 20, 30}, func(g *Guard) error { return g.reserve(51) }, Guard{100, 20, 30}, true, false},
		"reserve beyond int64":   {Guard{100, 20, 30}, func(g *Guard) error { return g.reserve(math.MaxInt64) }, Guard{100, 20, 30}, true, false},
		"reserve at the top":     {Guard{math.MaxInt64, 1, 1}, func(g *Guard) error { return g.reserve(math.MaxInt64 - 2) }, Guard{math.MaxInt64, math.MaxInt64 - 1, 1}, false, false},
		"reserve past the top":   {Guard{math.MaxInt64, 1, 1}, func(g *Guard) error { return g.reserve(math.MaxInt64 - 1) }, Guard{math.MaxInt64, 1, 1}, true, false},
		"reserve nothing":        {Guard{100, 0, 0}, func(g *Guard) error { return g.reserve(0) }, Guard{100, 0, 0}, false, true},
		"reserve less":           {Guard{100, 50, 0}, func(g *Guard) error { return g.reserve(-1) }, Guard{100, 50, 0}, false, true},
		"settle":                 {Guard{100, 20, 30}, func(g *Guard) error { return g.settle(15) }, Guard{100, 5, 45}, false, false},
		"settle more":            {Guard{100, 20, 30}, func(g *Guard) error { return g.settle(21) }, Guard{100, 20, 30}, false, true},
		"settle nothing":         {Guard{100, 20, 30}, func(g *Guard) error { return g.settle(0) }, Guard{100, 20, 30}, false, true},
		"release":                {Guard{100, 20, 30}, func(g *Guard) error { return g.release(20) }, Guard{100, 0, 30}, false, false},
		"release more":           {Guard{100, 20, 30}, func(g *Guard) error { return g.release(21) }, Guard{100, 20, 30}, false, true},
		"release less":           {Guard{100, 20, 30}, func(g *Guard) error { return g.release(-1) }, Guard{100, 20, 30}, false, true},
		"lower the ceiling":      {Guard{100, 20, 30}, func(g *Guard) error { return g.setCeiling(50) }, Guard{50, 20, 30}, false, false},
		"lower it too far":       {Guard{100, 20, 30}, func(g *Guard) error { return g.setCeiling(49) }, Guard{100, 20, 30}, true, false},
		"raise the ceiling":      {Guard{100, 70, 30}, func(g *Guard) error { return g.setCeiling(130) }, Guard{130, 70, 30}, false, false},
		"lower it below nothing": {Guard{100, 0, 0}, func(g *Guard) error { return g.setCeiling(-1) }, Guard{100, 0, 0}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := c.before
			err := c.do(&g)
			over, _ := errors.AsType[*GuardError](err)
			if (over != nil) != c.over || (err != nil) != (c.over || c.bad) {
				t.Errorf("error %v", err)
			}
			if g != c.after {
				t.Errorf("guard %+v, want %+v", g, c.after)
			}
			if over != nil && (over.Ceiling != c.before.Ceiling || over.Reserved != c.before.Reserved || over.Done != c.before.Done) {
				t.Errorf("error says %+v of %+v", over, c.before)
			}
		})
	}
}

func TestGuardIsKept(t *testing.T) {
	b := newBench(t)
	const subject = 99
	b.do(func(tx *db.Tx) error { return b.book.OpenGuard(tx, b.s, subject, GuardRefund, 100) })
	b.do(func(tx *db.Tx) error { return b.book.Reserve(tx, b.s, subject, GuardRefund, 60) })
	err := b.try(func(tx *db.Tx) error { return b.book.Reserve(tx, b.s, subject, GuardRefund, 60) })
	if over, ok := errors.AsType[*GuardError](err); !ok || *over != (GuardError{100, 60, 0, 60}) {
		t.Errorf("second reservation: %v", err)
	}
	b.do(func(tx *db.Tx) error { return b.book.Settle(tx, b.s, subject, GuardRefund, 50) })
	b.do(func(tx *db.Tx) error { return b.book.Release(tx, b.s, subject, GuardRefund, 10) })
	b.do(func(tx *db.Tx) error { return b.book.SetCeiling(tx, b.s, subject, GuardRefund, 70) })
	b.do(func(tx *db.Tx) error {
		g, ok, err := b.book.Guard(tx, b.s, subject, GuardRefund)
		if ok && g != (Guard{70, 0, 50}) {
			t.Errorf("in a step %+v", g)
		}
		return err
	})
	if g, ok, err := ReadGuard(t.Context(), b.db, b.s, subject, GuardRefund); err != nil || !ok || g != (Guard{70, 0, 50}) || g.Left() != 20 {
		t.Errorf("committed %+v %v %v", g, ok, err)
	}
	for name, f := range map[string]func(tx *db.Tx) error{
		"opened twice":    func(tx *db.Tx) error { return b.book.OpenGuard(tx, b.s, subject, GuardRefund, 100) },
		"below nothing":   func(tx *db.Tx) error { return b.book.OpenGuard(tx, b.s, subject, GuardCapture, -1) },
		"of another kind": func(tx *db.Tx) error { return b.book.Reserve(tx, b.s, subject, GuardCapture, 1) },
		"of another":      func(tx *db.Tx) error { return b.book.Reserve(tx, b.s, subject+1, GuardRefund, 1) },
		"in another scope": func(tx *db.Tx) error {
			return b.book.Reserve(tx, id.Scope{Account: 7, Livemode: true}, subject, GuardRefund, 1)
		},
	} {
		if err := b.try(f); err == nil {
			t.Errorf("guard %s: no error", name)
		} else if _, over := errors.AsType[*GuardError](err); over {
			t.Errorf("guard %s: %v", name, err)
		}
	}
	b.sound()
}

// 200 reservations of 60 to 89 on a guard of 3000, through two processes'
// handles: what is granted is what is reserved, and never above the ceiling.
func TestReservationsRaceForAGuard(t *testing.T) {
	const n, ceiling, subject = 200, 3000, 99
	address := dbtest.Address(t)
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	s := id.Scope{Account: 7}
	book := &Book{}
	run := func(d *db.DB, f func(tx *db.Tx) error) error {
		return d.Run(t.Context(), db.Step{Name: "test", Scope: s.Key(), Needs: []db.Need{NeedGuard(s, subject, GuardRefund)}, Do: f})
	}
	if err := run(handles[0], func(tx *db.Tx) error { return book.OpenGuard(tx, s, subject, GuardRefund, ceiling) }); err != nil {
		t.Fatal(err)
	}
	var granted, refused atomic.Int64
	var all sync.WaitGroup
	for i := range int64(n) {
		all.Go(func() {
			amount := 60 + i%30
			err := run(handles[i%2], func(tx *db.Tx) error { return book.Reserve(tx, s, subject, GuardRefund, amount) })
			if _, over := errors.AsType[*GuardError](err); over {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			} else {
				granted.Add(amount)
			}
		})
	}
	all.Wait()
	g, ok, err := ReadGuard(t.Context(), handles[0], s, subject, GuardRefund)
	if err != nil || !ok || g.Reserved != granted.Load() || g.Reserved > ceiling || g.Left() >= 90 || refused.Load() == 0 {
		t.Errorf("guard %+v %v %v; granted %d, refused %d", g, ok, err, granted.Load(), refused.Load())
	}
}
