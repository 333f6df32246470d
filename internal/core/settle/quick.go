package settle

import (
	"context"

	"github.com/florinpay/florin/internal/provider"
)

// quick matches the lines of a report as they are kept, where there is nothing to
// be decided: the exact reference, kind, amount, currency and fee. All else is left
// to [run.matchAll], which sees all lines before it says that one is wrong.
type quick struct {
	*Service
	of      provider.Provider
	m       *Matcher // nil: not made yet
	waiting map[digest]bool
}

// prepare reads what waits to be matched, once for all files. A file that takes
// the place of another frees what that was matched with, which is not among it.
func (q *quick) prepare(ctx context.Context) error {
	if q.m != nil || !q.reports() {
		return nil
	}
	m, waiting := NewMatcher(Rules{Tolerance: tolerance, Fee: q.of.Reports.Fee}, 0), map[digest]bool{}
	if err := q.eachOpenItem(ctx, q.of.Name, func(k keyedItem) error {
		m.Add(k.given())
		return nil
	}); err != nil {
		return err
	}
	// A line that has waited for an item comes before one that is new.
	if err := q.eachOpenLine(ctx, q.of.Name, func(k keyedLine) error {
		waiting[named(k.Kind, k.Reference)] = true
		return nil
	}); err != nil {
		return err
	}
	q.m, q.waiting = m, waiting
	return nil
}

// reports tells whether the provider's lines are of what it settles, rather than a
// bank's, which go by other ways as well.
func (q *quick) reports() bool { return q.of.Reports.Fee != nil }

// match gives a line its item.
func (q *quick) match(k *keyedLine) {
	if q.m == nil || k.Kind == provider.LineDeposit || k.Kind == provider.LineEntry || q.waiting[named(k.Kind, k.Reference)] {
		return
	}
	if found, ok := q.m.exactly(k.report()); ok {
		k.State, k.ItemScope, k.Item = matched, found.Item.Scope, found.Item.Key
	}
}
