package merchant

import "github.com/florinpay/florin/internal/base/db"

// Both tables are directories: they belong to no scope. A key must be found
// before anyone knows whose it is, and the first account before there is one.
var (
	apiKeys = db.NewTable("api_key", "scope, hash_a, hash_b", "hash, account, livemode, kind, last4, created, expires",
		func(r *keyRow, f *db.Fields) {
			db.Bytes(f, &r.Hash)
			db.Int(f, &r.Account)
			db.Bool(f, &r.Livemode)
			db.Int(f, &r.Kind)
			db.Text(f, &r.Last4)
			db.Time(f, &r.Created)
			db.Time(f, &r.Expires)
		})
	firstAccount = db.NewTable("first_account", "scope, key", "account", func(account *int64, f *db.Fields) { db.Int(f, account) })
)

// firstKey is the one row of firstAccount.
var firstKey = db.Key{ID: 1}
