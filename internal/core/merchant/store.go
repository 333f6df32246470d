package merchant

import "github.com/florinpay/florin/internal/base/db"

// Both tables are directories: they belong to no scope. A key must be found
// before anyone knows whose it is, and the first account before there is one.
var (
	apiKeys      = db.NewTable("api_key", "scope, hash_a, hash_b", keyColumns, (*keyRow).visit)
	firstAccount = db.NewTable("first_account", "scope, key", "account", func(account *int64, f *db.Fields) { db.Int(f, account) })
)

const keyColumns = "hash, account, livemode, kind, last4, created, expires, id, name, permissions"

func (r *keyRow) visit(f *db.Fields) {
	db.Bytes(f, &r.Hash)
	db.Int(f, &r.Account)
	db.Bool(f, &r.Livemode)
	db.Int(f, &r.Kind)
	db.Text(f, &r.Last4)
	db.Time(f, &r.Created)
	db.Time(f, &r.Expires)
	db.Int(f, &r.ID)
	db.Text(f, &r.Name)
	db.Text(f, &r.Permissions)
}

// Queries of people who look after keys; no request of the API asks them.
var (
	keyByID       = db.NewQuery("api key by id", "SELECT "+keyColumns+" FROM api_key WHERE id = ?", (*keyRow).visit)
	keysOfAccount = db.NewQuery("api keys of an account", "SELECT "+keyColumns+" FROM api_key WHERE account = ? ORDER BY id", (*keyRow).visit)
	allKeys       = db.NewQuery("api keys", "SELECT "+keyColumns+" FROM api_key ORDER BY account, id", (*keyRow).visit)
)

// ofShard looks over all accounts: it is for what names a shard and no account.
var ofShard = db.NewQuery("accounts of a shard", "SELECT key FROM account WHERE key % ? = ? ORDER BY key", func(key *int64, f *db.Fields) { db.Int(f, key) })

// someAccounts looks over all accounts: whether there are several is no account's own matter.
var someAccounts = db.NewQuery("some accounts", "SELECT key FROM account ORDER BY key LIMIT 2", func(key *int64, f *db.Fields) { db.Int(f, key) })

// firstKey is the one row of firstAccount.
var firstKey = db.Key{ID: 1}
