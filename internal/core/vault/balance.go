package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// BalanceChange is the body of a change to a customer's balance: a note of what
// the next invoice is to take or give. No money moves.
type BalanceChange struct {
	Customer int64 `json:"c"`
	// Amount is what the balance changes by, and Ending what it is afterwards, in
	// the API's minor units; below zero is to the customer's good.
	Amount      int64             `json:"a"`
	Ending      int64             `json:"e"`
	Currency    string            `json:"y"`
	Type        string            `json:"t"` // "adjustment"
	Description string            `json:"d,omitempty"`
	Metadata    map[string]string `json:"m,omitempty"`
}

type balanceColumns struct{ Customer int64 }

// BalanceChanges are the API's customer balance transactions.
var BalanceChanges = object.Define(object.Spec[BalanceChange, balanceColumns]{
	Name: "customer_balance_transaction", Prefix: "cbtxn", Schema: 1, Table: "customer_balance_change", Columns: "customer",
	Fields:  func(n *balanceColumns, f *db.Fields) { db.Int(f, &n.Customer) },
	Derive:  func(c *BalanceChange) balanceColumns { return balanceColumns{c.Customer} },
	Filters: []string{"customer"},
})

// adjustment is the type of a change that somebody asked for.
const adjustment = "adjustment"

// maxBalance bounds a balance either way.
const maxBalance = 999_999_999_999

// BalanceParams is what a request says about a change of a balance.
type BalanceParams struct {
	Amount      int64 // on creation; not 0
	Currency    string
	Description *string
	Metadata    *Metadata
}

// adjust changes the balance in a customer's body, which the caller writes, and
// records the change.
func adjust(tx *db.Tx, s id.Scope, customer int64, c *Customer, p BalanceParams) (*object.Object[BalanceChange], error) {
	if c.Currency != "" && c.Currency != p.Currency {
		return nil, fault.Param("currency", "", "You cannot combine currencies on a single customer. This customer has had a transaction in %s.", c.Currency)
	}
	ending := c.Balance + p.Amount
	if p.Amount > 2*maxBalance || p.Amount < -2*maxBalance || ending > maxBalance || ending < -maxBalance {
		return nil, fault.Param("amount", "parameter_invalid_integer", "The balance of a customer can be at most %d either way.", int64(maxBalance))
	}
	c.Currency, c.Balance = p.Currency, ending
	change := BalanceChange{Customer: customer, Amount: p.Amount, Ending: ending, Currency: p.Currency, Type: adjustment}
	set(&change.Description, p.Description)
	change.Metadata = p.Metadata.Apply(nil)
	return BalanceChanges.Insert(tx, s, tx.NewKey(), change)
}

// setBalance has a request for a customer adjust the balance to what it says.
func setBalance(tx *db.Tx, s id.Scope, customer int64, c *Customer, p *CustomerParams) error {
	if p.Balance == nil || *p.Balance == c.Balance {
		return nil
	}
	if *p.Balance > maxBalance || *p.Balance < -maxBalance {
		return fault.Param("balance", "parameter_invalid_integer", "The balance of a customer can be at most %d either way.", int64(maxBalance))
	}
	currency := c.Currency
	if currency == "" {
		currency = p.Currency
	}
	_, err := adjust(tx, s, customer, c, BalanceParams{Amount: *p.Balance - c.Balance, Currency: currency})
	return err
}

// ChangeBalance changes a customer's balance.
func (v *Service) ChangeBalance(ctx context.Context, s id.Scope, customer string, p BalanceParams, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(Customers.Prefix, s, customer)
	needs := []db.Need{Customers.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.change_balance", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := customerIn(tx, s, key, fault.NotFound, "customer", customer)
		if err != nil {
			return nil, err
		}
		change, err := adjust(tx, s, key, &o.Body, p)
		if err != nil {
			return nil, err
		}
		if err := Customers.Update(tx, o); err != nil {
			return nil, err
		}
		return show(BalanceChanges, change), tell(tx, v, Customers, o, "customer.updated", By(r))
	})
}

// UpdateBalanceChange changes what is said about a change of a balance.
func (v *Service) UpdateBalanceChange(ctx context.Context, s id.Scope, customer, change string, p BalanceParams, r *idem.Request) (*idem.Reply, error) {
	owner, _ := parse(Customers.Prefix, s, customer)
	key, _ := parse(BalanceChanges.Prefix, s, change)
	needs := []db.Need{BalanceChanges.Need(s, key)}
	return v.once(ctx, "vault.update_balance_change", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := BalanceChanges.Get(tx, s, key)
		if err != nil {
			return nil, err
		}
		if !ok || o.Body.Customer != owner {
			return nil, missing(fault.NotFound, "transaction", "customer balance transaction", change)
		}
		set(&o.Body.Description, p.Description)
		o.Body.Metadata = p.Metadata.Apply(o.Body.Metadata)
		if err := BalanceChanges.Update(tx, o); err != nil {
			return nil, err
		}
		return show(BalanceChanges, o), nil // the version that there is now
	})
}
