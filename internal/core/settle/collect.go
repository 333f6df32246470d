package settle

import (
	"context"
	"errors"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// some is how many rows one step of a run writes.
const some = 2_000

// collect makes items of the postings that came since it was last called.
func (v *Service) collect(ctx context.Context) error {
	return ledger.EachScope(ctx, v.DB, func(s id.Scope) error {
		balances, err := ledger.ReadBalances(ctx, v.DB, s)
		if err != nil {
			return err
		}
		for _, b := range balances {
			if err := v.collectAccount(ctx, s, b.Account); err != nil && !errors.Is(err, errOvertaken) {
				return err
			}
		}
		return nil
	})
}

// errOvertaken ends what another process is doing, too, and was quicker at.
var errOvertaken = errors.New("settle: another process was quicker")

// collectAccount looks through the postings that debit an account.
func (v *Service) collectAccount(ctx context.Context, s id.Scope, a ledger.Account) (err error) {
	at := db.Key{Scope: s.Key(), ID: int64(a)}
	after, _, err := cursors.Read(ctx, v.DB, at)
	if err != nil {
		return err
	}
	steps := ahead{db: v.DB}
	defer steps.last(&err)
	for {
		list, err := ledger.PostingsAfter(ctx, v.DB, s, a, after, some)
		if err != nil || len(list) == 0 {
			return err
		}
		found, err := v.itemsOf(ctx, s, list)
		if err != nil {
			return err
		}
		from, to := after, list[len(list)-1].Number
		if err := steps.run(func() error { return v.keepItems(ctx, at, from, to, found) }); err != nil || len(list) < some {
			return err
		}
		after = to
	}
}

// keepItems writes the items of the postings of an account between two numbers.
func (v *Service) keepItems(ctx context.Context, at db.Key, from, to int64, found []keyedItem) error {
	return v.DB.Run(ctx, db.Step{Name: "settle.collect", Scope: at.Scope, Needs: []db.Need{cursors.Need(at)}, Do: func(tx *db.Tx) error {
		have, ok, err := cursors.Get(tx, at)
		switch {
		case err != nil:
			return err
		case have != from:
			return errOvertaken
		case ok:
			cursors.Update(tx, at, to)
		default:
			cursors.Insert(tx, at, to)
		}
		for _, i := range found {
			items.Insert(tx, itemKey(i.Scope, i.Key), i.item)
		}
		return nil
	}})
}

// itemsOf makes items of those postings that a report or a statement is to tell
// of.
func (v *Service) itemsOf(ctx context.Context, s id.Scope, list []ledger.Entry) (found []keyedItem, err error) {
	var keys []int64
	for _, e := range list {
		if e.Transaction > 0 && (touches(e, ledger.ProviderClearing) || touches(e, ledger.Bank)) {
			keys = append(keys, e.Transaction)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	transactions, err := ledger.Transactions.ReadMany(ctx, v.DB, s, keys)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key int64) bool { return transactions[key] != nil })
	movements, err := ledger.Movements.ReadMany(ctx, v.DB, s, keys)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		i := item{Txn: e.Transaction, Currency: e.Amount.Currency(), At: e.At}
		switch {
		case touches(e, ledger.ProviderClearing):
			i.Account = ledger.AccountOf(ledger.ProviderClearing, i.Currency)
		case touches(e, ledger.Bank):
			i.Account = ledger.AccountOf(ledger.Bank, i.Currency)
		default:
			continue
		}
		if i.describe(transactions[e.Transaction], movements[e.Transaction]) {
			i.Amount = -e.Amount.Minor()
			if e.Debit.Kind() == i.Account.Kind() {
				i.Amount = e.Amount.Minor()
			}
			i.Remaining = i.Amount
			found = append(found, keyedItem{s.Key(), e.Key, i})
		}
	}
	return found, nil
}

func touches(e ledger.Entry, k ledger.Kind) bool { return e.Debit.Kind() == k || e.Credit.Kind() == k }

// describe takes over by what others name the item, and reports whether it is one:
// what settle books itself, and what a bank account has from elsewhere, is not.
func (i *item) describe(t *object.Object[ledger.Transaction], m *object.Object[ledger.Movement]) bool {
	switch {
	case t != nil:
		i.Provider, i.Reference, i.Kind = t.Body.Provider, t.Body.Reference, kindOf(&t.Body)
	case m != nil && (m.Body.Type == movedBreak || m.Body.Type == movedSettlement):
		return false
	case m != nil:
		i.Provider, i.Reference = m.Body.Provider, m.Body.Reference
	}
	if i.Account.Kind() == ledger.Bank {
		i.Kind = provider.LineEntry
		return i.Provider != ""
	}
	return true
}

// kindOf is how reports tell of a transaction; empty: they do not.
func kindOf(t *ledger.Transaction) provider.LineKind {
	switch {
	case t.ReportingCategory == "charge":
		return provider.LineCapture
	case t.ReportingCategory == "refund":
		return provider.LineRefund
	case t.ReportingCategory == ledger.TypeRefundFailure:
		return provider.LineRefundFailed
	case t.ReportingCategory == ledger.CategoryDispute:
		return provider.LineDispute
	case t.ReportingCategory == ledger.CategoryDisputeReversal:
		return provider.LineDisputeReversal
	}
	return ""
}
