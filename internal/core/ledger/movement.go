package ledger

import (
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Movement is money that moves between accounts of which the merchant sees
// none: a payout that reaches the merchant's bank. It has postings as a
// [Transaction] does, and shows in no history.
type Movement struct {
	// Type says what happened: "payout_paid".
	Type string `json:"type"`
	// SourceKind and Source name the object it came from.
	SourceKind string         `json:"source_kind"`
	Source     int64          `json:"source"`
	Currency   money.Currency `json:"currency"`
	// Provider moved the money, and names it by Reference in its reports; both empty
	// where none did.
	Provider  string `json:"provider,omitempty"`
	Reference string `json:"ref,omitempty"`
}

// Movements are the movements, by their key.
var Movements = object.Define(object.Spec[Movement, struct{ Source int64 }]{
	Name: "movement", Prefix: "mov", Schema: 1, Table: "movement", Columns: "source",
	Fields: func(n *struct{ Source int64 }, f *db.Fields) { db.Int(f, &n.Source) },
	Derive: func(m *Movement) struct{ Source int64 } { return struct{ Source int64 }{m.Source} },
})

// Move writes a movement with its postings and moves the balances. None of the
// postings may touch [Pending], [Available] or [Fees].
func (b *Book) Move(tx *db.Tx, s id.Scope, m Movement, list ...Posting) (*object.Object[Movement], error) {
	did, err := total(m.Currency, list)
	if err != nil {
		return nil, err
	}
	if err := unseen(list); err != nil {
		return nil, fmt.Errorf("ledger: %s: %w (%+v)", m.Type, err, did)
	}
	key := tx.NewKey()
	entries := make([]postingRow, len(list))
	for i, p := range list {
		entries[i] = postingRow{Transaction: key, Debit: AccountOf(p.Debit, m.Currency), Credit: AccountOf(p.Credit, m.Currency),
			Amount: p.Amount.Minor(), Currency: int64(m.Currency.Numeric()), At: tx.Now()}
	}
	if err := load(tx, s, entries); err != nil {
		return nil, err
	}
	if err := b.write(tx, s, entries); err != nil {
		return nil, err
	}
	return Movements.Insert(tx, s, key, m)
}

// unseen refuses postings that a merchant would see.
func unseen(list []Posting) error {
	for _, p := range list {
		if !p.Debit.unseen() || !p.Credit.unseen() {
			return fmt.Errorf("a movement from %v to %v belongs in a transaction", p.Debit, p.Credit)
		}
	}
	return nil
}

// unseen reports whether movements may touch the account.
func (k Kind) unseen() bool { return !k.merchant() && k != Fees }

// movement takes a posting that no balance transaction has, if a movement has
// it.
func (a *audit) movement(p *keyedPosting) (bool, error) {
	m, ok, err := Movements.Read(a.ctx, a.db, a.scope, p.Row.Transaction)
	if err != nil || !ok {
		return false, a.ctx.Err()
	}
	if !p.Row.Debit.Kind().unseen() || !p.Row.Credit.Kind().unseen() || p.Row.Debit.Currency() != m.Body.Currency {
		a.find(CheckPosting, "posting", p.Key, "a movement in %s moved %v to %v", m.Body.Currency, p.Row.Debit, p.Row.Credit)
	}
	return true, nil
}

// movements reports those that have no postings.
func (a *audit) movements() error {
	return pages(a, qMovementKeys, []any{lowest}, func(key int64) []any { return []any{key} }, func(key int64) {
		list, err := PostingsOf(a.ctx, a.db, a.scope, key)
		if err == nil && len(list) == 0 {
			a.find(CheckTransaction, "movement", key, "it has no postings")
		}
	})
}
