package setup

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/payment"
)

type dueAttempt struct{ Scope, Key int64 }

// qDue looks over all scopes: whoever sweeps does so for every account.
var qDue = db.NewQuery("setup attempts that are due", "SELECT scope, key FROM setup_attempt WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?",
	func(d *dueAttempt, f *db.Fields) {
		db.Int(f, &d.Scope)
		db.Int(f, &d.Key)
	})

var qHeld = payment.QueryHeld("setup attempts under a lease", "setup_attempt")
