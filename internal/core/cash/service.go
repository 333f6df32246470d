package cash

import (
	"context"
	"fmt"
	"maps"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// Service keeps cash balances. It is what [payment.Funds] asks for.
type Service struct {
	DB      *db.DB
	Keys    *idem.Keys
	Book    *ledger.Book
	Payment *payment.Service
	Bank    Bank
}

// maxHeld bounds what is held for a customer in a currency, ISO minor units.
const maxHeld = 99_999_999_999_999

// Fund books money that has come from a customer's bank. Only in test mode can
// it be said to have; the bank's statement is to tell of it as well.
func (v *Service) Fund(ctx context.Context, s id.Scope, customer string, amount money.Amount, reference string, r *idem.Request) (*idem.Reply, error) {
	bank := payment.TransferIn(amount.Currency())
	if bank == "" {
		return nil, fault.Param("currency", "", "Bank transfers can't be in %s. They can be in eur, gbp, jpy, mxn and usd.", amount.Currency())
	}
	if !amount.IsPositive() || amount.Minor() > maxHeld {
		return nil, fault.Param("amount", "parameter_invalid_integer", "This value must be greater than or equal to 1, and at most %d.", int64(maxHeld))
	}
	key, _, _ := vault.Customers.Prefix.ParseShard(customer)
	account, err := v.Payment.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	needs := []db.Need{vault.Customers.Need(s, key), event.Lane(s, key), event.Audience(s)}
	if t := r.Ticket(); t != (idem.Ticket{}) {
		needs = append(needs, t.Need(s))
	}
	var reply *idem.Reply
	err = v.DB.Run(ctx, db.Step{Name: "cash.fund", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) {
			o, ok, err := vault.Customers.Get(tx, s, key)
			if err == nil && (!ok || o.Body.Deleted) {
				err = fault.Missing(fault.NotFound, "customer", "customer", customer)
			}
			if err != nil {
				return nil, err
			}
			if s.Livemode {
				return nil, fault.New(fault.Invalid, "", "This operation is available in test mode only.")
			}
			return v.fund(tx, account, o, amount, Transaction{Bank: bank, Reference: reference}, vault.By(r))
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// fund credits money that came, and pays with it what waits.
func (v *Service) fund(tx *db.Tx, account *merchant.Account, customer *object.Object[vault.Customer], amount money.Amount, t Transaction, by event.Request) (*idem.Reply, error) {
	s, currency := customer.Scope, amount.Currency()
	b, err := balanceOf(tx, customer)
	if err != nil {
		return nil, err
	}
	key := tx.NewKey()
	from, name := v.reference(s, key)
	posted, err := v.Book.Post(tx, s, ledger.Transaction{
		Type: ledger.TypeAdjustment, ReportingCategory: ledger.CategoryCustomerCash, SourceKind: Transactions.Name, Source: key,
		Currency: currency, AvailableOn: tx.Now(), Description: "Money held for a customer", Provider: from, Reference: name,
	}, ledger.Posting{Debit: ledger.Bank, Credit: ledger.CustomerCash, Amount: amount})
	if err != nil {
		return nil, err
	}
	t.Type, t.Posted = Funded, posted.Key
	came, err := v.change(tx, b, key, amount, t, by)
	if err == nil {
		err = v.announce(tx, s, key)
	}
	if err != nil {
		return nil, err
	}
	if automatic(customer) {
		if err := v.reconcile(tx, account, b, currency, t.Reference, by); err != nil {
			return nil, err
		}
	}
	// What is left can be used by hand.
	if b.Body.Available[currency] > 0 {
		if err := tell(tx, customer.Key, "cash_balance.funds_available", Balances, b, by); err != nil {
			return nil, err
		}
	}
	return &idem.Reply{Kind: Transactions.Name, Shown: []object.Ref{came.Ref()}, Main: came}, nil
}

// automatic reports whether a customer's money is applied to what waits for it
// without being asked: unless the customer is set to manual.
func automatic(customer *object.Object[vault.Customer]) bool {
	return customer.Body.Reconciliation != "manual"
}

// change adds an amount, below zero where it is taken, to a balance, which it
// stores, and writes down why under key.
func (v *Service) change(tx *db.Tx, b *object.Object[Balance], key int64, amount money.Amount, t Transaction, by event.Request) (*object.Object[Transaction], error) {
	currency := amount.Currency()
	t.Customer, t.Currency, t.Net = b.Body.Customer, currency, amount.Minor()
	t.Ending = b.Body.Available[currency] + t.Net
	switch {
	case t.Ending > maxHeld:
		return nil, fault.Param("amount", "", "A cash balance can be at most %d.", int64(maxHeld))
	case t.Ending < 0:
		return nil, fmt.Errorf("cash balance %d would be %d %s", b.Key, t.Ending, currency)
	}
	// Versions share nothing: the map is a new one.
	b.Body.Available = maps.Clone(b.Body.Available)
	b.Body.Available[currency] = t.Ending
	b.Body.Changes++
	t.Number = b.Body.Changes
	if err := Balances.Update(tx, b); err != nil {
		return nil, err
	}
	o, err := Transactions.Insert(tx, b.Scope, key, t)
	if err != nil {
		return nil, err
	}
	return o, tell(tx, b.Body.Customer, "customer_cash_balance_transaction.created", Transactions, o, by)
}

// balanceOf gets a customer's balance in a step, and makes one where there is
// none yet.
func balanceOf(tx *db.Tx, customer *object.Object[vault.Customer]) (*object.Object[Balance], error) {
	s := customer.Scope
	if customer.Body.Cash != 0 {
		b, ok, err := Balances.Get(tx, s, customer.Body.Cash)
		if err == nil && !ok {
			err = fmt.Errorf("cash balance %d is missing", customer.Body.Cash)
		}
		return b, err
	}
	b, err := Balances.Insert(tx, s, tx.NewKey(), Balance{Customer: customer.Key, Available: map[money.Currency]int64{}})
	if err != nil {
		return nil, err
	}
	customer.Body.Cash = b.Key
	return b, vault.Customers.Update(tx, customer)
}

// tell writes an event about an object in its customer's lane.
func tell[T any, N comparable](tx *db.Tx, customer int64, typ string, k *object.Kind[T, N], o *object.Object[T], by event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: customer, Type: typ, Kind: k.Name, Object: o.Ref(), Request: by})
}

// Settle changes, in a customer, how its cash balance is used, and shows the
// balance. mode is "automatic", "manual", or empty for the merchant's default.
func (v *Service) Settle(ctx context.Context, s id.Scope, customer string, mode *string, r *idem.Request) (*idem.Reply, error) {
	key, _, _ := vault.Customers.Prefix.ParseShard(customer)
	needs := []db.Need{vault.Customers.Need(s, key), event.Lane(s, key), event.Audience(s)}
	if t := r.Ticket(); t != (idem.Ticket{}) {
		needs = append(needs, t.Need(s))
	}
	var reply *idem.Reply
	err := v.DB.Run(ctx, db.Step{Name: "cash.settle", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) {
			o, ok, err := vault.Customers.Get(tx, s, key)
			if err == nil && (!ok || o.Body.Deleted) {
				err = fault.Missing(fault.NotFound, "customer", "customer", customer)
			}
			if err != nil {
				return nil, err
			}
			b, err := balanceOf(tx, o)
			if err != nil {
				return nil, err
			}
			if mode != nil && *mode != o.Body.Reconciliation {
				o.Body.Reconciliation = *mode
				if err := vault.Customers.Update(tx, o); err != nil {
					return nil, err
				}
				if err := tell(tx, key, "customer.updated", vault.Customers, o, vault.By(r)); err != nil {
					return nil, err
				}
			}
			return &idem.Reply{Kind: Balances.Name, Shown: []object.Ref{b.Ref(), o.Ref()}, Main: b}, nil
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// Holds reports, in a step, whether money is held for a customer, who can't be
// deleted then: in the balance, or for a payment that may yet give it back.
func Holds(tx *db.Tx, customer *object.Object[vault.Customer]) (bool, error) {
	if customer.Body.Cash == 0 {
		return false, nil
	}
	b, _, err := Balances.Get(tx, customer.Scope, customer.Body.Cash)
	if err != nil {
		return false, err
	}
	for _, n := range b.Body.Available {
		if n > 0 {
			return true, nil
		}
	}
	waiting, err := waitingFor(tx, b)
	for _, o := range waiting {
		if o.Body.Funded > 0 {
			return true, nil
		}
	}
	return false, err
}
