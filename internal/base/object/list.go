package object

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Range says which objects a list shows: keys between After and Before, both
// excluded, at most Limit of them. Keys rise with the time of creation.
type Range struct {
	After, Before int64 // zero Before: no bound
	Limit         int
	// Oldest takes the objects next to After instead of those next to Before.
	// Either way the result is newest first.
	Oldest bool
	// Where narrows the list: column → int64 or string.
	Where map[string]any
}

type listed struct {
	Key, Version int64
	Row          version
}

func listQueries(table string, filters []string) map[string]*db.Query[listed] {
	all := map[string]*db.Query[listed]{}
	scope := "scope = ?"
	if probe.Mutant("object.list-no-scope") {
		scope = "(scope = ? OR true)"
	}
	for set := range 1 << len(filters) {
		var names []string
		where := ""
		for i, f := range filters {
			if set&(1<<i) != 0 {
				names = append(names, f)
				where += " AND " + f + " = ?"
			}
		}
		for _, order := range []string{"DESC", "ASC"} {
			name := listName(names, order == "ASC")
			all[name] = db.NewQuery("list "+table+" "+name, "SELECT key, version, at, body FROM "+table+
				" WHERE "+scope+" AND key > ? AND key < ?"+where+" ORDER BY key "+order+" LIMIT ?",
				func(l *listed, f *db.Fields) {
					db.Int(f, &l.Key)
					db.Int(f, &l.Version)
					l.Row.fields(f)
				})
		}
	}
	return all
}

func listName(columns []string, oldest bool) string {
	order := "newest"
	if oldest {
		order = "oldest"
	}
	return strings.Join(append([]string{order}, columns...), "+")
}

// List gives objects newest first, and whether there are more beyond the limit.
func (k *Kind[T, N]) List(ctx context.Context, d *db.DB, s id.Scope, r Range) (page []*Object[T], more bool, err error) {
	if r.Before == 0 {
		r.Before = math.MaxInt64
	}
	columns := make([]string, 0, len(r.Where))
	for c := range r.Where {
		columns = append(columns, c)
	}
	q, args := k.listQuery(columns, r.Oldest)
	if q == nil {
		return nil, false, fmt.Errorf("%s can't be listed by %v", k.Name, columns)
	}
	args = append([]any{s.Key(), r.After, r.Before}, args...)
	for i, c := range args[3:] {
		args[3+i] = r.Where[c.(string)]
	}
	rows, err := q.All(ctx, d, append(args, int64(r.Limit)+1)...)
	if err != nil {
		return nil, false, err
	}
	if more = len(rows) > r.Limit; more {
		rows = rows[:r.Limit]
	}
	if r.Oldest {
		slices.Reverse(rows)
	}
	for _, row := range rows {
		o, _, err := k.decode(s, row.Key, row.Version, row.Row)
		if err != nil {
			return nil, false, err
		}
		page = append(page, o)
	}
	return page, more, nil
}

// listQuery finds the statement for a set of columns, in whatever order, and
// the columns in the order of its arguments.
func (k *Kind[T, N]) listQuery(columns []string, oldest bool) (*db.Query[listed], []any) {
	for name, q := range k.lists {
		parts := strings.Split(name, "+")
		if parts[0] != listName(nil, oldest) || len(parts)-1 != len(columns) {
			continue
		}
		args := make([]any, 0, len(columns))
		for _, p := range parts[1:] {
			if slices.Contains(columns, p) {
				args = append(args, p)
			}
		}
		if len(args) == len(columns) {
			return q, args
		}
	}
	return nil, nil
}
