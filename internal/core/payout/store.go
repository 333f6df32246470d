package payout

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
)

type dueAttempt struct{ Scope, Key int64 }

// qDue looks over all scopes: whoever sweeps does so for every account.
var qDue = db.NewQuery("payout attempts that are due", "SELECT scope, key FROM payout_attempt WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?",
	func(d *dueAttempt, f *db.Fields) {
		db.Int(f, &d.Scope)
		db.Int(f, &d.Key)
	})

// qScope finds whose an attempt is that a bank names by our reference: those carry
// no account.
var qScope = db.NewQuery("scope of a payout attempt", "SELECT scope, key FROM payout_attempt WHERE key = ?", func(d *dueAttempt, f *db.Fields) {
	db.Int(f, &d.Scope)
	db.Int(f, &d.Key)
})

// scopeOf is whose an attempt is; the zero scope where there is none.
func (v *Service) scopeOf(ctx context.Context, attempt int64) (id.Scope, error) {
	rows, err := qScope.All(ctx, v.DB, attempt)
	if err != nil || len(rows) == 0 {
		return id.Scope{}, err
	}
	return id.ScopeOf(rows[0].Scope), nil
}

// noticed is how far the notices of a bank are read. It is a directory: a bank
// tells of the payouts of all accounts.
var noticed = db.NewTable("payout_notice", "scope, key", "number", func(n *int64, f *db.Fields) { db.Int(f, n) })

var qHeld = payment.QueryHeld("payout attempts under a lease", "payout_attempt")
