package object

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

type checked[N comparable] struct {
	Scope, Key int64
	Head       head[N]
}

// KeptFor is for how long at least a version is kept after it was replaced, of the
// kinds that fade; of others, it is for ever.
const KeptFor = 30 * 24 * time.Hour

// checkPage is how many rows a check reads at a time.
const checkPage = 500

func checkQuery[N comparable](table, columns string, fields func(*head[N], *db.Fields)) *db.Query[checked[N]] {
	return db.NewQuery("check "+table, "SELECT scope, key, "+columns+" FROM "+table+
		" WHERE (scope, key) > (?, ?) ORDER BY scope, key LIMIT ?",
		func(c *checked[N], f *db.Fields) {
			db.Int(f, &c.Scope)
			db.Int(f, &c.Key)
			fields(&c.Head, f)
		})
}

// Scan hands the latest version of every object of every scope to f, in the
// order of (scope, key). Objects that can't be read are passed over; [Kind.Check]
// reports them.
func (k *Kind[T, N]) Scan(ctx context.Context, d *db.DB, f func(*Object[T]) error) error {
	return k.pages(ctx, d, func(page []checked[N]) error {
		for _, c := range page {
			o, _, broken := k.decode(id.ScopeOf(c.Scope), c.Key, c.Head.Version, c.Head.Latest)
			if broken != nil {
				continue
			}
			if err := f(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// Check compares the columns of every row with the body they are derived from,
// and reports each that differs or can't be read, or whose version before the
// latest is gone though it should be kept.
func (k *Kind[T, N]) Check(ctx context.Context, d *db.DB, report func(s id.Scope, key int64, problem string)) error {
	faded := d.Clock().Now().Add(-KeptFor)
	return k.pages(ctx, d, func(page []checked[N]) error {
		kept, err := k.before(ctx, d, page)
		if err != nil {
			return err
		}
		for _, c := range page {
			s := id.ScopeOf(c.Scope)
			o, _, broken := k.decode(s, c.Key, c.Head.Version, c.Head.Latest)
			if broken != nil {
				report(s, c.Key, broken.Error())
				continue
			}
			if want := k.derive(&o.Body); want != c.Head.Narrow {
				report(s, c.Key, fmt.Sprintf("columns %+v differ from the body's %+v", c.Head.Narrow, want))
			} else if k.digest != nil && c.Head.Digest != k.digest(&o.Body) {
				report(s, c.Key, fmt.Sprintf("digest %d differs from the body's %d", c.Head.Digest, k.digest(&o.Body)))
			}
			old := k.fades && c.Head.Latest.At.Before(faded)
			if _, ok := kept[c.before()]; k.past && c.Head.Version > 1 && !ok && !old {
				report(s, c.Key, fmt.Sprintf("version %d is missing", c.Head.Version-1))
			}
		}
		return nil
	})
}

// before gives the versions that the latest ones have replaced.
func (k *Kind[T, N]) before(ctx context.Context, d *db.DB, page []checked[N]) (map[db.Key]version, error) {
	var keys []db.Key
	for _, c := range page {
		if k.past && c.Head.Version > 1 {
			keys = append(keys, c.before())
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return past.ReadMany(ctx, d, keys)
}

func (c checked[N]) before() db.Key {
	return db.Key{Scope: c.Scope, ID: c.Key, Sub: c.Head.Version - 1}
}

// pages hands all rows to f, some at a time, in the order of (scope, key).
func (k *Kind[T, N]) pages(ctx context.Context, d *db.DB, f func([]checked[N]) error) error {
	last := checked[N]{Scope: math.MinInt64}
	for {
		page, err := k.all.All(ctx, d, last.Scope, last.Key, int64(checkPage))
		if err != nil || len(page) == 0 {
			return err
		}
		if err := f(page); err != nil {
			return err
		}
		last = page[len(page)-1]
	}
}
