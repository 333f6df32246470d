package ledger

import (
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// GuardKind is what a guard bounds.
type GuardKind int64

// The kinds of guards. Numbers are stored and never change.
const (
	GuardAuthorize GuardKind = 1 // authorised of an intent's amount; subject: the intent
	GuardCapture   GuardKind = 2 // captured of what was authorised; subject: the charge
	GuardRefund    GuardKind = 3 // refunded of what was captured; subject: the charge
)

// Guard is the state of a guard, in ISO 4217 minor units. None of the three is
// negative, and Reserved + Done ≤ Ceiling.
type Guard struct {
	Ceiling  int64 // how much may be done in all
	Reserved int64 // how much is under way
	Done     int64 // how much was done
}

// Left is what can still be reserved.
func (g Guard) Left() int64 { return g.Ceiling - g.Reserved - g.Done }

// GuardError refuses a reservation beyond a guard's ceiling, or a ceiling
// below what was reserved and done.
type GuardError struct {
	Ceiling, Reserved, Done int64
	Asked                   int64 // the amount, or the new ceiling
}

// Error implements error.
func (e *GuardError) Error() string {
	return fmt.Sprintf("ledger: %d asked of a guard of %d, of which %d are reserved and %d done", e.Asked, e.Ceiling, e.Reserved, e.Done)
}

// reserve checks and counts a reservation.
func (g *Guard) reserve(amount int64) error {
	if amount <= 0 {
		return fmt.Errorf("ledger: reservation of %d", amount)
	}
	if amount > g.Left() && !probe.Mutant("ledger.no-guard") {
		return &GuardError{g.Ceiling, g.Reserved, g.Done, amount}
	}
	var err error
	g.Reserved, err = plus(g.Reserved, amount)
	return err
}

// release takes a reservation back.
func (g *Guard) release(amount int64) error {
	if amount <= 0 || amount > g.Reserved {
		return fmt.Errorf("ledger: release of %d of a guard of which %d are reserved", amount, g.Reserved)
	}
	g.Reserved -= amount
	return nil
}

// settle turns a reservation into something done.
func (g *Guard) settle(amount int64) error {
	if err := g.release(amount); err != nil {
		return err
	}
	var err error
	g.Done, err = plus(g.Done, amount)
	return err
}

// giveUp makes what was done undone.
func (g *Guard) giveUp(amount int64) error {
	if amount <= 0 || amount > g.Done {
		return fmt.Errorf("ledger: return of %d of a guard of which %d are done", amount, g.Done)
	}
	g.Done -= amount
	return nil
}

// setCeiling moves the bound.
func (g *Guard) setCeiling(ceiling int64) error {
	if ceiling < 0 || ceiling-g.Reserved < g.Done {
		return &GuardError{g.Ceiling, g.Reserved, g.Done, ceiling}
	}
	g.Ceiling = ceiling
	return nil
}

// Guard gives a guard as the step sees it, and whether there is one.
func (b *Book) Guard(tx *db.Tx, s id.Scope, subject int64, kind GuardKind) (Guard, bool, error) {
	r, ok, err := guards.Get(tx, guardKey(s, subject, kind))
	return Guard(r), ok, err
}

// OpenGuard sets up a guard. One that is there already is an error.
func (b *Book) OpenGuard(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, ceiling int64) error {
	k := guardKey(s, subject, kind)
	_, ok, err := guards.Get(tx, k)
	switch {
	case err != nil:
		return err
	case ok:
		return fmt.Errorf("ledger: guard %d of %d is there already", kind, subject)
	case ceiling < 0:
		return fmt.Errorf("ledger: guard with ceiling %d", ceiling)
	}
	guards.Insert(tx, k, guardRow{Ceiling: ceiling})
	return nil
}

// Reserve reserves an amount (more than nothing), or refuses with a
// [GuardError].
func (b *Book) Reserve(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, amount int64) error {
	return changeGuard(tx, s, subject, kind, func(g *Guard) error { return g.reserve(amount) })
}

// Settle turns a reserved amount into one that was done.
func (b *Book) Settle(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, amount int64) error {
	return changeGuard(tx, s, subject, kind, func(g *Guard) error { return g.settle(amount) })
}

// Release gives a reserved amount back. Only a definite outcome entitles to it.
func (b *Book) Release(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, amount int64) error {
	return changeGuard(tx, s, subject, kind, func(g *Guard) error { return g.release(amount) })
}

// Return notes that an amount which was done was not, after all: it may be
// reserved again.
func (b *Book) Return(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, amount int64) error {
	return changeGuard(tx, s, subject, kind, func(g *Guard) error { return g.giveUp(amount) })
}

// SetCeiling replaces the ceiling, or refuses one below what is reserved and
// done with a [GuardError].
func (b *Book) SetCeiling(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, ceiling int64) error {
	return changeGuard(tx, s, subject, kind, func(g *Guard) error { return g.setCeiling(ceiling) })
}

func changeGuard(tx *db.Tx, s id.Scope, subject int64, kind GuardKind, change func(*Guard) error) error {
	k := guardKey(s, subject, kind)
	r, ok, err := guards.Get(tx, k)
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("ledger: there is no guard %d of %d", kind, subject)
	}
	g := Guard(r)
	if err := change(&g); err != nil {
		return err
	}
	guards.Update(tx, k, guardRow(g))
	return nil
}
