package event

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// Retention is how long events can be read, as at Stripe.
const Retention = 30 * 24 * time.Hour

var qNextScope = db.NewQuery("next scope with events", "SELECT scope FROM event WHERE scope > ? ORDER BY scope LIMIT 1",
	func(s *int64, f *db.Fields) { db.Int(f, s) })

// Scopes calls f with each scope that has events.
func Scopes(ctx context.Context, d *db.DB, f func(id.Scope) error) error {
	last := int64(math.MinInt64)
	for {
		next, err := qNextScope.All(ctx, d, last)
		if err != nil || len(next) == 0 {
			return err
		}
		last = next[0]
		if err := f(id.ScopeOf(last)); err != nil {
			return err
		}
	}
}

// Expire deletes at most limit events of a scope that are older than
// [Retention] and tells how many it deleted. Of a lane it deletes the first
// ones, so that what is left is still without gaps. An event that was not taken
// yet stays.
func Expire(ctx context.Context, d *db.DB, s id.Scope, limit int) (gone int, err error) {
	before := max(1, id.Floor(d.Clock().Now().Add(-Retention)))
	rows, err := oldest.All(ctx, d, s.Key(), int64(0), before, int64(limit))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	slices.SortFunc(rows, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.Row.Lane, b.Row.Lane), cmp.Compare(a.Row.Seq, b.Row.Seq))
	})
	for some := range slices.Chunk(rows, expireChunk) {
		deleted, err := expire(ctx, d, s, some)
		if gone += deleted; err != nil {
			return gone, err
		}
	}
	return gone, nil
}

// expireChunk is how many events one step deletes.
const expireChunk = 200

func expire(ctx context.Context, d *db.DB, s id.Scope, some []keyed) (gone int, err error) {
	step := db.Step{Name: "event.expire", Scope: s.Key()}
	for _, k := range some {
		step.Needs = append(step.Needs, LaneRef{s, k.Row.Lane}.Need(), events.Need(db.Key{Scope: s.Key(), ID: k.Key}))
	}
	step.Do = func(tx *db.Tx) error {
		gone = 0
		for _, k := range some {
			at, row := LaneRef{s, k.Row.Lane}.row(), db.Key{Scope: s.Key(), ID: k.Key}
			l, _, err := lanes.Get(tx, at)
			if err != nil {
				return err
			}
			_, ok, err := events.Get(tx, row)
			if err != nil {
				return err
			}
			if !ok || k.Row.Seq != l.Gone+1 || !l.Due.IsZero() && k.Row.Seq >= l.Fresh {
				continue
			}
			l.Gone++
			lanes.Update(tx, at, l)
			events.Delete(tx, row)
			gone++
		}
		return nil
	}
	return gone, d.Run(ctx, step)
}
