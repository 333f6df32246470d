package payment

import "github.com/florinpay/florin/internal/base/db"

type dueAttempt struct{ Scope, Key int64 }

// qDue looks over all scopes: whoever sweeps does so for every account.
var qDue = db.NewQuery("attempts that are due", "SELECT scope, key FROM attempt WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?",
	func(d *dueAttempt, f *db.Fields) {
		db.Int(f, &d.Scope)
		db.Int(f, &d.Key)
	})

// Held is an attempt that somebody is at.
type Held struct{ Scope, Key, Owner int64 }

// QueryHeld finds the attempts of a table that are due after a time, in
// microseconds, and under a lease until then. It looks over all scopes: whoever
// takes over does so for every account.
func QueryHeld(name, table string) *db.Query[Held] {
	return db.NewQuery(name, "SELECT scope, key, owner FROM "+table+" WHERE due > 0 AND due > ? AND owner <> 0", func(h *Held, f *db.Fields) {
		db.Int(f, &h.Scope)
		db.Int(f, &h.Key)
		db.Int(f, &h.Owner)
	})
}

var qHeld = QueryHeld("attempts under a lease", "attempt")
