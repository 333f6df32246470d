package event

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Retention is how long events can be read if nothing else is said, and the least
// that may be said: as at Stripe.
const Retention = object.KeptFor

var qNextScope = db.NewQuery("next scope with events", "SELECT scope, key FROM event WHERE scope > ? ORDER BY scope, key LIMIT 1",
	func(k *db.Key, f *db.Fields) {
		db.Int(f, &k.Scope)
		db.Int(f, &k.ID)
	})

// Scopes calls f with each scope that has events and the key of its oldest one.
func Scopes(ctx context.Context, d *db.DB, f func(s id.Scope, oldest int64) error) error {
	last := int64(math.MinInt64)
	for {
		next, err := qNextScope.All(ctx, d, last)
		if err != nil || len(next) == 0 {
			return err
		}
		last = next[0].Scope
		if err := f(id.ScopeOf(last), next[0].ID); err != nil {
			return err
		}
	}
}

// Wanted tells which of the events of a scope whose keys are from first to last
// somebody still wants.
type Wanted func(ctx context.Context, s id.Scope, first, last int64) (map[int64]bool, error)

// Expire deletes events of a scope that were made before a time. Of a lane it
// deletes the first ones, so that what is left is still without gaps. An event
// that was not taken yet stays, and so does one that is wanted, with those behind
// it in its lane.
func Expire(ctx context.Context, d *db.DB, s id.Scope, before time.Time, wanted Wanted, pace db.Pace) error {
	end := max(1, id.Floor(before))
	for after := int64(0); ; {
		rows, err := oldest.All(ctx, d, s.Key(), after, end, int64(db.SweepRows))
		if err != nil || len(rows) == 0 {
			return err
		}
		first := rows[0].Key
		after = rows[len(rows)-1].Key
		kept, err := wanted(ctx, s, first, after)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(k keyed) bool { return kept[k.Key] })
		slices.SortFunc(rows, func(a, b keyed) int {
			return cmp.Or(cmp.Compare(a.Row.Lane, b.Row.Lane), cmp.Compare(a.Row.Seq, b.Row.Seq))
		})
		gone, err := expire(ctx, d, s, rows)
		if err != nil {
			return err
		}
		if err := pace(ctx, gone); err != nil {
			return err
		}
	}
}

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
	if err := d.Run(ctx, step); err != nil {
		return 0, err
	}
	return gone, nil
}
