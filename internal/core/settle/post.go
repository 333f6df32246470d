package settle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// The line of a deposit that the bank has shown says more than it was read with:
// its gross is what the bank received, and its fee what of that was booked beside
// its lines.

// postAll books the deposits that the bank has shown.
func (v *run) postAll(ctx context.Context) error {
	paid, err := qPaid.All(ctx, v.DB)
	if err != nil {
		return err
	}
	for _, d := range paid {
		probe.Point("settle.before-post")
		if err := v.postLines(ctx, d); err != nil {
			return err
		}
		probe.Point("settle.posted")
		if err := v.postRest(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// postLines books the lines of a batch, those of a scope together: what the bank
// has of them, and what they cost.
func (v *run) postLines(ctx context.Context, d keyedLine) error {
	by := map[int64][]keyedLine{}
	flush := func(scope int64) error {
		list := by[scope]
		delete(by, scope)
		return v.post(ctx, scope, d, list)
	}
	if err := v.eachOfBatch(ctx, d.Provider, d.Batch, func(k keyedLine) error {
		if !k.part(&d.line) || k.Settled {
			return nil
		}
		scope := v.house.Key()
		if k.Item != 0 {
			scope = k.ItemScope
		}
		if by[scope] = append(by[scope], k); len(by[scope]) < some {
			return nil
		}
		return flush(scope)
	}); err != nil {
		return err
	}
	for _, scope := range slices.Sorted(maps.Keys(by)) {
		if err := flush(scope); err != nil {
			return err
		}
	}
	return nil
}

// part reports whether a line counts among those of a deposit.
func (k *line) part(d *line) bool {
	return k.Kind != provider.LineDeposit && k.State != gone && k.Currency == d.Currency
}

func (v *run) post(ctx context.Context, scope int64, d keyedLine, list []keyedLine) error {
	s := id.ScopeOf(scope)
	return v.DB.Run(ctx, db.Step{Name: "settle.post", Scope: scope, Do: func(tx *db.Tx) error {
		if err := askPosted(tx, list); err != nil {
			return err
		}
		net, fee := int64(0), int64(0)
		for _, k := range list {
			l, ok, err := lines.Get(tx, lineKey(k.File, k.Number))
			if err != nil || !ok {
				return err
			}
			if l.Settled || l.State == gone {
				continue
			}
			if l.Item != k.Item || l.ItemScope != k.ItemScope {
				return nil // it was matched anew meanwhile: the next run books it
			}
			l.Settled = !probe.Mutant("settle.post-again")
			lines.Update(tx, lineKey(k.File, k.Number), l)
			net, fee = net+l.Net, fee+l.Fee
			if err := take(tx, &l, l.Gross); err != nil {
				return err
			}
		}
		_, err := v.move(tx, s, ledger.Movement{Type: movedSettlement, SourceKind: "settle_line", Source: d.Number, Currency: d.Currency},
			posting(ledger.Bank, ledger.ProviderClearing, net, d.Currency), posting(ledger.ProviderCost, ledger.ProviderClearing, fee, d.Currency))
		return err
	}})
}

func askPosted(tx *db.Tx, list []keyedLine) (missing error) {
	for _, k := range list {
		if _, _, err := lines.Get(tx, lineKey(k.File, k.Number)); err != nil {
			missing = err
		}
		if k.Item != 0 {
			if _, _, err := items.Get(tx, itemKey(k.ItemScope, k.Item)); err != nil {
				missing = err
			}
		}
	}
	return missing
}

// take settles so much of a line's item.
func take(tx *db.Tx, l *line, gross int64) error {
	if l.Item == 0 {
		if gross != 0 {
			return fmt.Errorf("settle: a line of %d has no item", gross)
		}
		return nil
	}
	at := itemKey(l.ItemScope, l.Item)
	i, ok, err := items.Get(tx, at)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("settle: the item %d is missing", l.Item)
	}
	i.Remaining -= gross
	if l.State == matched {
		i.State = closed
	}
	items.Update(tx, at, i)
	return nil
}

// postRest books by what a deposit differs from its lines: it belongs to nobody,
// and a break tells of it.
func (v *run) postRest(ctx context.Context, d keyedLine) error {
	lumps := NewLumps()
	if err := v.eachOfBatch(ctx, d.Provider, d.Batch, func(k keyedLine) error {
		if k.part(&d.line) {
			if !k.Settled {
				return errUnsettled
			}
			lumps.Add(k.report())
		}
		return nil
	}); err != nil {
		if err == errUnsettled {
			return nil // the next run goes on
		}
		return err
	}
	sum := lumps.Sum(d.Batch, d.Currency)
	key := hashed("deposit", d.Provider, d.Batch, string(d.Currency))
	return v.DB.Run(ctx, db.Step{Name: "settle.deposit", Scope: v.house.Key(), Do: func(tx *db.Tx) error {
		l, ok, err := lines.Get(tx, lineKey(d.File, d.Number))
		if err != nil || !ok || l.Settled {
			return err
		}
		more := off(l.Gross, sum) - l.Fee
		l.Settled, l.Fee = true, l.Fee+more
		lines.Update(tx, lineKey(d.File, d.Number), l)
		if more == 0 {
			return nil
		}
		at := itemKey(v.house.Key(), key)
		i, there, err := items.Get(tx, at)
		if err != nil {
			return err
		}
		if !there {
			i = item{Account: ledger.AccountOf(ledger.ProviderClearing, d.Currency), Provider: d.Provider, Kind: provider.LineDeposit, Reference: d.Reference,
				Currency: d.Currency, At: tx.Now(), State: closed}
		}
		i.Remaining -= more
		if err := v.unequal(tx, d, key, sum, l.Gross, &i); err != nil {
			return err
		}
		if there {
			items.Update(tx, at, i)
		} else {
			items.Insert(tx, at, i)
		}
		_, err = v.move(tx, v.house, ledger.Movement{Type: movedSettlement, SourceKind: "settle_line", Source: d.Number, Currency: d.Currency},
			posting(ledger.Bank, ledger.ProviderClearing, more, d.Currency))
		return err
	}})
}

var errUnsettled = fmt.Errorf("settle: a line of the batch is not settled yet")

// unequal opens the break about a deposit that is not the sum of its lines, or
// resolves it where it is that by now.
func (v *run) unequal(tx *db.Tx, d keyedLine, key, sum, received int64, i *item) error {
	if i.Remaining == 0 {
		return v.explain(tx, v.house.Key(), i, "a corrected file has the missing lines")
	}
	o, err := open(tx, v.house, Break{Type: Amount, Subject: d.Reference, Provider: d.Provider, Line: d.Number, Note: "the deposit is not the sum of its lines",
		Ours: Side{sum, d.Currency}, Theirs: Side{received, d.Currency}, Clearing: true, Items: []int64{key}})
	if err == nil {
		i.Break = o.Key
	}
	return err
}
