package ledger

import (
	"errors"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// ErrInsufficient refuses a hold on more than an account has free.
var ErrInsufficient = errors.New("ledger: the account has not enough free")

// Hold sets an amount (more than nothing) of an account's balance aside for
// subject, which has no other hold. Unless the account may go negative, it
// refuses with [ErrInsufficient] when less than that is free: the net less
// other holds.
func (b *Book) Hold(tx *db.Tx, s id.Scope, subject int64, a Account, amount int64, mayGoNegative bool) error {
	if amount <= 0 || !a.known() {
		return fmt.Errorf("ledger: hold of %d on %v", amount, a)
	}
	have, _, missing := balances.Get(tx, balanceKey(s, a))
	_, held, err := holds.Get(tx, holdKey(s, subject))
	switch {
	case err != nil:
		return err
	case missing != nil:
		return missing
	case held:
		return fmt.Errorf("ledger: %d holds something already", subject)
	}
	if probe.Mutant("ledger.held-is-free") {
		have.Held = 0
	}
	if free := (Balance{a, have.Debits, have.Credits, have.Held}).free(); free < amount && !mayGoNegative && !probe.Mutant("ledger.no-hold") {
		return fmt.Errorf("%w: %v has %d, asked for %d", ErrInsufficient, a, free, amount)
	}
	holds.Insert(tx, holdKey(s, subject), holdRow{a, amount})
	return move(tx, s, a, func(r *balanceRow) (err error) {
		r.Held, err = plus(r.Held, amount)
		return err
	})
}

// ReleaseHold ends the hold of subject. It can be done once: where nothing is
// held it is an error.
func (b *Book) ReleaseHold(tx *db.Tx, s id.Scope, subject int64) error {
	h, ok, err := holds.Get(tx, holdKey(s, subject))
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("ledger: %d holds nothing", subject)
	}
	holds.Delete(tx, holdKey(s, subject))
	return move(tx, s, h.Account, func(r *balanceRow) error {
		if r.Held < h.Amount {
			return fmt.Errorf("%d held in all, %d by %d", r.Held, h.Amount, subject)
		}
		r.Held -= h.Amount
		return nil
	})
}

// Free gives what of an account's balance is not held, as the step sees it.
func (b *Book) Free(tx *db.Tx, s id.Scope, a Account) (int64, error) {
	have, _, err := balances.Get(tx, balanceKey(s, a))
	if probe.Mutant("ledger.held-is-free") {
		have.Held = 0
	}
	return Balance{a, have.Debits, have.Credits, have.Held}.free(), err
}
