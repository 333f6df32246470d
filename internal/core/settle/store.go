package settle

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// marks name the latest break of a type about a subject, by a hash of both.
var marks = db.NewTable("settle_mark", "scope, hash_a, hash_b", "break_key", func(key *int64, f *db.Fields) { db.Int(f, key) })

// qScope finds whose a break is, for who runs Florin and looks over all accounts.
var qScope = db.NewQuery("scope of a break", "SELECT scope, key FROM settle_break WHERE key = ?", func(p *place, f *db.Fields) {
	db.Int(f, &p.Scope)
	db.Int(f, &p.Key)
})

type place struct{ Scope, Key int64 }

// Find gives a break of whichever account.
func (v *Service) Find(ctx context.Context, key int64) (*object.Object[Break], bool, error) {
	at, err := qScope.All(ctx, v.DB, key)
	if err != nil || len(at) == 0 {
		return nil, false, err
	}
	return Breaks.Read(ctx, v.DB, id.ScopeOf(at[0].Scope), key)
}
