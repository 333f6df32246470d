package payment

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// OpenAttempts is how many attempts of a state wait for their outcome.
type OpenAttempts struct {
	State  State // one that is open
	Number int64
	// Oldest is when the oldest of them was made, to the millisecond; zero when
	// there is none.
	Oldest time.Time
}

// qOpen looks over all scopes: it is for whoever runs the platform. It reads
// an index that holds only attempts there is something to do about (attempt_due).
var qOpen = db.NewQuery("open attempts of each state", "SELECT state, count(*), min(key) FROM attempt WHERE due > 0 GROUP BY state",
	func(o *openRow, f *db.Fields) {
		db.Text(f, &o.State)
		db.Int(f, &o.Number)
		db.Int(f, &o.oldest)
	})

type openRow struct {
	OpenAttempts
	oldest int64 // key
}

// CountOpen counts the attempts that are being sent, unknown and pending, over
// all accounts, in this order.
func CountOpen(ctx context.Context, d *db.DB) ([]OpenAttempts, error) {
	list := []OpenAttempts{{State: Sending}, {State: Unknown}, {State: Pending}}
	rows, err := qOpen.All(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		for i := range list {
			if list[i].State == r.State {
				list[i].Number, list[i].Oldest = r.Number, id.Time(r.oldest)
			}
		}
	}
	return list, nil
}

type placed struct{ Scope, Key int64 }

// qPlaced looks over all scopes: reports name an attempt and no account.
var qPlaced = db.NewQuery("scope of an attempt", "SELECT scope, key FROM attempt WHERE key = ?", func(p *placed, f *db.Fields) {
	db.Int(f, &p.Scope)
	db.Int(f, &p.Key)
})

// ScopeOfReference tells whose the attempt is that a provider names by our
// reference, and how it stands. It reports false where there is none.
func ScopeOfReference(ctx context.Context, d *db.DB, reference string) (s id.Scope, state State, ok bool, err error) {
	key, ok := Attempts.Prefix.Parse(reference)
	if !ok {
		return s, "", false, nil
	}
	at, err := qPlaced.All(ctx, d, key)
	if err != nil || len(at) == 0 {
		return s, "", false, err
	}
	a, ok, err := Attempts.Read(ctx, d, id.ScopeOf(at[0].Scope), key)
	if err != nil || !ok {
		return s, "", false, err
	}
	return a.Scope, a.Body.State, true, nil
}
