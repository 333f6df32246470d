package cash

import (
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
)

// What follows is [payment.Funds]. The balance's row, which every step that
// takes of it holds, sees to it that nothing is taken twice.

// maxWaiting is how many payments of a customer may wait for money at once.
const maxWaiting = 200

// Await has an intent wait, and takes for it what there is, where that is done
// without being asked.
func (v *Service) Await(tx *db.Tx, o *object.Object[payment.Intent], by event.Request) (int64, error) {
	customer, err := holder(tx, o)
	if err != nil {
		return 0, err
	}
	if customer.Body.Deleted {
		return 0, fault.Param("customer", "", "The customer %s is deleted and can't send money.", vault.Customers.ID(customer.Scope, customer.Key))
	}
	b, err := balanceOf(tx, customer)
	if err != nil {
		return 0, err
	}
	taken := int64(0)
	if automatic(customer) {
		taken = min(b.Body.Available[o.Body.Currency], o.Body.Remaining())
	}
	b.Body.leave(o.Key)
	if taken < o.Body.Remaining() {
		if len(b.Body.Waiting) == maxWaiting {
			return 0, fault.Param("customer", "", "At most %d payments of a customer can wait for bank transfers at once. Cancel some.", maxWaiting)
		}
		b.Body.Waiting = append(b.Body.Waiting, o.Key)
	}
	if taken == 0 {
		return 0, Balances.Update(tx, b)
	}
	return taken, v.take(tx, b, o, taken, by)
}

// Take takes an amount for an intent that waits, if there is as much.
func (v *Service) Take(tx *db.Tx, o *object.Object[payment.Intent], amount int64, by event.Request) error {
	customer, err := holder(tx, o)
	if err != nil {
		return err
	}
	b, err := balanceOf(tx, customer)
	if err != nil {
		return err
	}
	if has := b.Body.Available[o.Body.Currency]; amount > has {
		return fault.Param("amount", "", "The customer's cash balance has %s, which is less than the %s that are to be applied.",
			money.New(has, o.Body.Currency), money.New(amount, o.Body.Currency))
	}
	if amount == o.Body.Remaining() {
		b.Body.leave(o.Key)
	}
	return v.take(tx, b, o, amount, by)
}

// take moves money from a balance to what is set aside for an intent.
func (v *Service) take(tx *db.Tx, b *object.Object[Balance], o *object.Object[payment.Intent], minor int64, by event.Request) error {
	key, amount := tx.NewKey(), money.New(minor, o.Body.Currency)
	moved, err := v.move(tx, b, key, Applied, ledger.Posting{Debit: ledger.CustomerCash, Credit: ledger.AppliedCash, Amount: amount})
	if err != nil {
		return err
	}
	off := money.New(-minor, o.Body.Currency)
	if probe.Mutant("cash.apply-again") {
		off = money.New(0, o.Body.Currency)
	}
	_, err = v.change(tx, b, key, off, Transaction{Type: Applied, Intent: o.Key, Posted: moved}, by)
	return err
}

// move posts what a transaction under key does, of which the merchant sees
// nothing.
func (v *Service) move(tx *db.Tx, b *object.Object[Balance], key int64, typ string, p ledger.Posting) (int64, error) {
	m, err := v.Book.Move(tx, b.Scope, ledger.Movement{Type: typ, SourceKind: Transactions.Name, Source: key, Currency: p.Amount.Currency()}, p)
	if err != nil {
		return 0, err
	}
	return m.Key, nil
}

// Return gives back all that was taken for an intent, which waits no more. Where
// others wait, they get it soon.
func (v *Service) Return(tx *db.Tx, o *object.Object[payment.Intent], by event.Request) error {
	customer, err := holder(tx, o)
	if err != nil {
		return err
	}
	b, err := balanceOf(tx, customer)
	if err != nil {
		return err
	}
	b.Body.leave(o.Key)
	if o.Body.Funded == 0 {
		return Balances.Update(tx, b)
	}
	key, amount := tx.NewKey(), money.New(o.Body.Funded, o.Body.Currency)
	moved, err := v.move(tx, b, key, Unapplied, ledger.Posting{Debit: ledger.AppliedCash, Credit: ledger.CustomerCash, Amount: amount})
	if err != nil {
		return err
	}
	if _, err := v.change(tx, b, key, amount, Transaction{Type: Unapplied, Intent: o.Key, Posted: moved}, by); err != nil {
		return err
	}
	return plan(tx, customer, b)
}

// Refund credits a customer with a refund that is booked already.
func (v *Service) Refund(tx *db.Tx, r *object.Object[payment.Refund], key int64, by event.Request) error {
	customer, ok, err := vault.Customers.Get(tx, r.Scope, key)
	if err == nil && (!ok || customer.Body.Deleted) {
		err = fault.Param("charge", "", "The customer is deleted, and with it the cash balance that this would be refunded to.")
	}
	if err != nil {
		return err
	}
	b, err := balanceOf(tx, customer)
	if err != nil {
		return err
	}
	t := Transaction{Type: Refunded, Refund: r.Key, Posted: r.Body.BalanceTransaction}
	if _, err := v.change(tx, b, tx.NewKey(), money.New(r.Body.Amount, r.Body.Currency), t, by); err != nil {
		return err
	}
	return plan(tx, customer, b)
}

// plan has what waits looked at again, now that there is money that did not just
// come.
func plan(tx *db.Tx, customer *object.Object[vault.Customer], b *object.Object[Balance]) error {
	if !automatic(customer) || len(b.Body.Waiting) == 0 {
		return nil
	}
	return job.Enqueue(tx, b.Scope, tx.NewKey(), ReconcileJob, tx.Now(), reconciling{customer.Key})
}

// holder is the customer who pays an intent.
func holder(tx *db.Tx, o *object.Object[payment.Intent]) (*object.Object[vault.Customer], error) {
	customer, ok, err := vault.Customers.Get(tx, o.Scope, o.Body.Customer)
	if err == nil && !ok {
		err = fault.Missing(fault.Invalid, "customer", "customer", vault.Customers.ID(o.Scope, o.Body.Customer))
	}
	return customer, err
}

// leave takes an intent out of those that wait.
func (b *Balance) leave(intent int64) {
	b.Waiting = slices.DeleteFunc(slices.Clone(b.Waiting), func(k int64) bool { return k == intent })
}
