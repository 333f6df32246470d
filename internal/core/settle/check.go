package settle

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
)

// overdue is the age from which whatever remains of an item needs an open break:
// time for a report, for the statement after it, and for the job to have run.
const overdue = 2*Grace + 48*time.Hour

// Check compares what remains of items with what there is in provider_clearing,
// and reports what remains for too long without an open break that tells of it.
// Books at which nothing was ever reconciled are left alone.
func Check(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	if err := checkClearing(ctx, d, report); err != nil {
		return err
	}
	if err := checkAges(ctx, d, report); err != nil {
		return err
	}
	return Breaks.Check(ctx, d, func(s id.Scope, key int64, problem string) {
		report(ledger.Finding{Check: "columns", Scope: s, Table: Breaks.Name, Key: key, Problem: problem})
	})
}

// checkClearing recomputes the balances of provider_clearing from items and from
// the postings that no run has looked through.
func checkClearing(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	return ledger.EachScope(ctx, d, func(s id.Scope) error {
		remaining, err := qRemaining.All(ctx, d, s.Key())
		if err != nil {
			return err
		}
		want := map[ledger.Account]int64{}
		for _, r := range remaining {
			want[r.Account] = r.Remaining
		}
		balances, err := ledger.ReadBalances(ctx, d, s)
		if err != nil {
			return err
		}
		for _, b := range balances {
			if err := addUnseen(ctx, d, s, b.Account, want); err != nil {
				return err
			}
		}
		for _, b := range balances {
			if b.Account.Kind() == ledger.ProviderClearing && -b.Net() != want[b.Account] {
				report(ledger.Finding{Check: "settlement", Scope: s, Table: "balance", Key: int64(b.Account),
					Problem: b.Account.String() + ": the provider owes what no item and no break tells of"})
			}
		}
		return nil
	})
}

// addUnseen adds what postings that no run has looked through put into
// provider_clearing.
func addUnseen(ctx context.Context, d *db.DB, s id.Scope, a ledger.Account, want map[ledger.Account]int64) error {
	after, _, err := cursors.Read(ctx, d, db.Key{Scope: s.Key(), ID: int64(a)})
	if err != nil {
		return err
	}
	for {
		list, err := ledger.PostingsAfter(ctx, d, s, a, after, page)
		if err != nil {
			return err
		}
		for _, e := range list {
			after = e.Number
			if e.Debit.Kind() != ledger.ProviderClearing && e.Credit.Kind() != ledger.ProviderClearing {
				continue
			}
			own, err := bookedHere(ctx, d, s, e)
			if err != nil {
				return err
			}
			if own {
				continue
			}
			if e.Debit.Kind() == ledger.ProviderClearing {
				want[e.Debit] += e.Amount.Minor()
			} else {
				want[e.Credit] -= e.Amount.Minor()
			}
		}
		if len(list) < page {
			return nil
		}
	}
}

// bookedHere reports whether a posting is one that settle made: what remains was
// changed in the same step.
func bookedHere(ctx context.Context, d *db.DB, s id.Scope, e ledger.Entry) (bool, error) {
	if !touches(e, ledger.Bank) && !touches(e, ledger.ProviderCost) {
		return false, nil
	}
	m, ok, err := ledger.Movements.Read(ctx, d, s, e.Transaction)
	return ok && (m.Body.Type == movedBreak || m.Body.Type == movedSettlement), err
}

// checkAges reports what remains of old items while no open break tells of it.
func checkAges(ctx context.Context, d *db.DB, report func(ledger.Finding)) error {
	summaries, err := AllSummaries(ctx, d)
	if err != nil || len(summaries) == 0 {
		return err
	}
	last := summaries[0].At // what was due when a run has last looked
	openBreaks := map[place]bool{}
	if err := Breaks.Scan(ctx, d, func(o *object.Object[Break]) error {
		if o.Body.State == Open {
			openBreaks[place{o.Scope.Key(), o.Key}] = true
		}
		return nil
	}); err != nil {
		return err
	}
	for at := (place{-1, 0}); ; {
		rows, err := qItems.All(ctx, d, at.Scope, at.Key, int64(page))
		if err != nil {
			return err
		}
		for _, i := range rows {
			at = place{i.Scope, i.Key}
			if i.Remaining != 0 && last.Sub(i.At) > overdue && !openBreaks[place{i.Scope, i.Break}] {
				report(ledger.Finding{Check: "settlement", Scope: id.ScopeOf(i.Scope), Table: "settle_item", Key: i.Key,
					Problem: "nothing explains what remains of it, and no break is open"})
			}
		}
		if len(rows) < page {
			return nil
		}
	}
}
