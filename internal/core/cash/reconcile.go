package cash

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// ReconcileJob is the kind of the jobs that [Service.Reconcile] handles.
const ReconcileJob = "cash.reconcile"

// reconciling is what such a job is about.
type reconciling struct {
	Customer int64 `json:"customer"`
}

// Reconcile pays what waits with money that came back to a balance.
func (v *Service) Reconcile(ctx context.Context, j job.Job) error {
	var p reconciling
	if err := j.Payload(&p); err != nil {
		return err
	}
	account, err := v.Payment.Merchant.Account(ctx, j.Scope)
	if err != nil {
		return err
	}
	needs := []db.Need{j.Need(), vault.Customers.Need(j.Scope, p.Customer), event.Lane(j.Scope, p.Customer), event.Audience(j.Scope)}
	return v.DB.Run(ctx, db.Step{Name: "cash.reconcile", Scope: j.Scope.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		if err := job.Done(tx, j); err != nil {
			return err
		}
		customer, ok, err := vault.Customers.Get(tx, j.Scope, p.Customer)
		if err != nil || !ok || customer.Body.Cash == 0 || !automatic(customer) {
			return err
		}
		b, err := balanceOf(tx, customer)
		if err != nil {
			return err
		}
		for _, currency := range sorted(b.Body.Available) {
			if err := v.reconcile(tx, account, b, currency, "", event.Request{}); err != nil {
				return err
			}
		}
		return nil
	}})
}

// reconcile pays the intents of a currency that wait with what there is, in
// turn, the last of them perhaps in part.
func (v *Service) reconcile(tx *db.Tx, account *merchant.Account, b *object.Object[Balance], currency money.Currency, reference string, by event.Request) error {
	waiting, err := waitingFor(tx, b)
	if err != nil {
		return err
	}
	waiting = slices.DeleteFunc(waiting, func(o *object.Object[payment.Intent]) bool { return o.Body.Currency != currency })
	if len(waiting) == 0 {
		return nil
	}
	if err := tx.Ask(paying(b.Scope, waiting, currency)...); err != nil {
		return err
	}
	for _, o := range inTurn(waiting, b.Body.Available[currency], reference) {
		n := min(b.Body.Available[currency], o.Body.Remaining())
		if n == 0 {
			return nil
		}
		if n == o.Body.Remaining() {
			b.Body.leave(o.Key)
		}
		if err := v.take(tx, b, o, n, by); err != nil {
			return err
		}
		if err := v.Payment.Fund(tx, account, o, n, by); err != nil {
			return err
		}
	}
	return nil
}

// inTurn puts intents in the order in which they get money: those that the
// transfer names, then the one that waits for just that much, then the oldest
// (https://docs.stripe.com/payments/customer-balance/reconciliation).
func inTurn(waiting []*object.Object[payment.Intent], amount int64, reference string) []*object.Object[payment.Intent] {
	written := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return -1
	}, reference)
	rank := func(o *object.Object[payment.Intent]) int {
		switch {
		case strings.Contains(written, payment.TransferReference(payment.IntentID(o.Key))):
			return 0
		case o.Body.Remaining() == amount:
			return 1
		}
		return 2
	}
	slices.SortFunc(waiting, func(x, y *object.Object[payment.Intent]) int {
		if by := rank(x) - rank(y); by != 0 {
			return by
		}
		return int(min(1, max(-1, x.Key-y.Key)))
	})
	return waiting
}

// waitingFor gets the intents that wait, in a step. All are asked for before any
// is awaited, so that one round loads them.
func waitingFor(tx *db.Tx, b *object.Object[Balance]) (waiting []*object.Object[payment.Intent], missing error) {
	for _, key := range b.Body.Waiting {
		o, ok, err := payment.Intents.Get(tx, b.Scope, key)
		if err != nil {
			missing = err
		} else if ok && o.Body.Awaits() {
			waiting = append(waiting, o)
		}
	}
	return waiting, missing
}

// paying are the rows that it takes to pay intents of a currency, which would
// else be asked for one after another.
func paying(s id.Scope, waiting []*object.Object[payment.Intent], currency money.Currency) []db.Need {
	var needs []db.Need
	for _, o := range waiting {
		needs = append(needs, event.Lane(s, o.Key), ledger.NeedGuard(s, o.Key, ledger.GuardAuthorize), vault.PaymentMethods.Need(s, o.Body.Method))
	}
	for _, kind := range []ledger.Kind{ledger.CustomerCash, ledger.AppliedCash, ledger.Available, ledger.Fees} {
		needs = append(needs, ledger.NeedBalance(s, ledger.AccountOf(kind, currency)))
	}
	return needs
}

func sorted(m map[money.Currency]int64) (list []money.Currency) {
	for c := range m {
		list = append(list, c)
	}
	slices.Sort(list)
	return list
}
