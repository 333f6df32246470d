package payment

import "github.com/florinpay/florin/internal/base/db"

type dueAttempt struct{ Scope, Key int64 }

// qDue looks over all scopes: whoever sweeps does so for every account.
var qDue = db.NewQuery("attempts that are due", "SELECT scope, key FROM attempt WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?",
	func(d *dueAttempt, f *db.Fields) {
		db.Int(f, &d.Scope)
		db.Int(f, &d.Key)
	})

// qSending looks over all scopes, as qDue does.
var qSending = db.NewQuery("attempts that are being sent", "SELECT scope, key FROM attempt WHERE due > 0 AND due > ? AND state = ?",
	func(d *dueAttempt, f *db.Fields) {
		db.Int(f, &d.Scope)
		db.Int(f, &d.Key)
	})
