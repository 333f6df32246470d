package object

import (
	"context"
	"fmt"
	"math"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

type checked[N comparable] struct {
	Scope, Key int64
	Head       head[N]
}

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
	return k.scan(ctx, d, func(_ checked[N], o *Object[T], broken error) error {
		if broken != nil {
			return nil
		}
		return f(o)
	})
}

// Check compares every narrow row with the body it is derived from, and
// reports each that differs or can't be read.
func (k *Kind[T, N]) Check(ctx context.Context, d *db.DB, report func(s id.Scope, key int64, problem string)) error {
	return k.scan(ctx, d, func(c checked[N], o *Object[T], broken error) error {
		if broken != nil {
			report(id.ScopeOf(c.Scope), c.Key, broken.Error())
		} else if want := k.derive(&o.Body); want != c.Head.Narrow {
			report(o.Scope, o.Key, fmt.Sprintf("columns %+v differ from the body's %+v", c.Head.Narrow, want))
		} else if k.digest != nil && c.Head.Digest != k.digest(&o.Body) {
			report(o.Scope, o.Key, fmt.Sprintf("digest %d differs from the body's %d", c.Head.Digest, k.digest(&o.Body)))
		}
		return nil
	})
}

func (k *Kind[T, N]) scan(ctx context.Context, d *db.DB, f func(checked[N], *Object[T], error) error) error {
	last := checked[N]{Scope: math.MinInt64}
	for {
		page, err := k.all.All(ctx, d, last.Scope, last.Key, int64(checkPage))
		if err != nil || len(page) == 0 {
			return err
		}
		keys := make([]db.Key, len(page))
		for i, c := range page {
			keys[i] = db.Key{Scope: c.Scope, ID: c.Key, Sub: c.Head.Version}
		}
		bodies, err := versions.ReadMany(ctx, d, keys)
		if err != nil {
			return err
		}
		for i, c := range page {
			o, broken := k.checkedBody(c, bodies, keys[i])
			if err := f(c, o, broken); err != nil {
				return err
			}
		}
		last = page[len(page)-1]
	}
}

func (k *Kind[T, N]) checkedBody(c checked[N], bodies map[db.Key]version, at db.Key) (*Object[T], error) {
	v, ok := bodies[at]
	if !ok {
		return nil, fmt.Errorf("%s %d has no version %d", k.Name, c.Key, c.Head.Version)
	}
	o, _, err := k.decode(id.ScopeOf(c.Scope), c.Key, c.Head.Version, v)
	return o, err
}
