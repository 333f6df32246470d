package ledger

import (
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Book is the ledger as steps write it. Its methods load, decide and record
// within the step's transaction; an error refuses the step, and an error that
// is none of this package's named ones is a mistake of the caller or damage.
type Book struct{}

// Post writes a transaction with its postings and moves the balances. What the
// postings leave in [Pending] is added to the maturity of the day of
// AvailableOn, or of the first day from then on that is neither over nor
// posted; AvailableOn then says so.
//
// Postings have positive amounts in the transaction's currency, and do to the
// accounts exactly what the transaction says (see [Transaction]).
func (b *Book) Post(tx *db.Tx, s id.Scope, t Transaction, list ...Posting) (*object.Object[Transaction], error) {
	m, err := total(t.Currency, list)
	if err != nil {
		return nil, err
	}
	if err := t.agrees(m); err != nil {
		return nil, fmt.Errorf("ledger: %s: %w", t.Type, err)
	}
	if t.AvailableOn.IsZero() {
		t.AvailableOn = tx.Now()
	}
	t.AvailableOn = t.AvailableOn.UTC().Truncate(time.Microsecond)

	entries := make([]postingRow, len(list))
	key := tx.NewKey()
	for i, p := range list {
		entries[i] = postingRow{Transaction: key, Debit: AccountOf(p.Debit, t.Currency), Credit: AccountOf(p.Credit, t.Currency),
			Amount: p.Amount.Minor(), Currency: int64(t.Currency.Numeric()), At: tx.Now()}
	}
	// Both are asked for before either is awaited, so that one round loads them.
	missing := load(tx, s, entries)
	if m.pending != 0 {
		if err := b.accrue(tx, s, &t, m.pending); err != nil {
			return nil, err
		}
	}
	if missing != nil {
		return nil, missing
	}
	if probe.Mutant("ledger.post-twice") {
		entries = append(entries, entries...)
	}
	if err := b.write(tx, s, entries); err != nil {
		return nil, err
	}
	return Transactions.Insert(tx, s, key, t)
}

// load asks for the balances of all accounts that entries touch.
func load(tx *db.Tx, s id.Scope, entries []postingRow) (missing error) {
	for _, e := range entries {
		for _, a := range []Account{e.Debit, e.Credit} {
			if _, _, err := balances.Get(tx, balanceKey(s, a)); err != nil {
				missing = err
			}
		}
	}
	return missing
}

// write numbers and inserts postings, and moves the balances.
func (b *Book) write(tx *db.Tx, s id.Scope, entries []postingRow) error {
	for _, e := range entries {
		if err := move(tx, s, e.Debit, func(r *balanceRow) (err error) {
			r.Debits, err = plus(r.Debits, e.Amount)
			r.Last++
			e.Number = r.Last
			return err
		}); err != nil {
			return err
		}
		if err := move(tx, s, e.Credit, func(r *balanceRow) (err error) {
			r.Credits, err = plus(r.Credits, e.Amount)
			return err
		}); err != nil {
			return err
		}
		postings.Insert(tx, postingKey(s, e.Debit, e.Number), keyedPosting{tx.NewKey(), e})
	}
	return nil
}

// move changes an account's balance.
func move(tx *db.Tx, s id.Scope, a Account, change func(*balanceRow) error) error {
	k := balanceKey(s, a)
	r, ok, err := balances.Get(tx, k)
	if err != nil {
		return err
	}
	if err := change(&r); err != nil {
		return fmt.Errorf("ledger: %v: %w", a, err)
	}
	if ok {
		balances.Update(tx, k, r)
	} else {
		balances.Insert(tx, k, r)
	}
	return nil
}
