package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

var customerBalanceRoutes = map[string]route{
	"GetCustomersCustomerBalanceTransactions":             {listBalanceChanges, merchant.Customers, merchant.Read},
	"PostCustomersCustomerBalanceTransactions":            {createBalanceChange, merchant.Customers, merchant.Write},
	"GetCustomersCustomerBalanceTransactionsTransaction":  {retrieveBalanceChange, merchant.Customers, merchant.Read},
	"PostCustomersCustomerBalanceTransactionsTransaction": {updateBalanceChange, merchant.Customers, merchant.Write},
}

type shownBalanceChange struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	Amount          int64             `json:"amount"`
	CheckoutSession any               `json:"checkout_session"`
	Created         int64             `json:"created"`
	CreditNote      any               `json:"credit_note"`
	Currency        string            `json:"currency"`
	Customer        any               `json:"customer"`
	CustomerAccount any               `json:"customer_account"`
	Description     any               `json:"description"`
	EndingBalance   int64             `json:"ending_balance"`
	Invoice         any               `json:"invoice"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	Type            string            `json:"type"`
}

func renderBalanceChange(v *view, o *object.Object[vault.BalanceChange]) (any, error) {
	b := &o.Body
	out := &shownBalanceChange{
		ID: vault.BalanceChanges.ID(o.Scope, o.Key), Object: vault.BalanceChanges.Name, Amount: b.Amount, Created: o.Created().Unix(),
		Currency: b.Currency, Description: text(b.Description), EndingBalance: b.Ending, Livemode: o.Scope.Livemode,
		Metadata: metadata(b.Metadata), Type: b.Type,
	}
	var err error
	out.Customer, err = ref(v, "customer", vault.Customers, b.Customer, renderCustomer)
	return out, err
}

// customerInPath reads the customer that the path names; one that is deleted has
// nothing to show.
func customerInPath(s *Server, c *call) (*object.Object[vault.Customer], error) {
	o, err := s.Vault.RetrieveCustomer(c.ctx, c.scope, clip(c.path["customer"]))
	if err == nil && o.Body.Deleted || fault.KindOf(err) == fault.NotFound {
		err = fault.Missing(fault.NotFound, "customer", "customer", clip(c.path["customer"]))
	}
	return o, err
}

func createBalanceChange(s *Server, c *call) (any, error) {
	p := vault.BalanceParams{Description: textAt(c.form, "description"), Metadata: metadataAt(c.form)}
	currency, err := currencyParam(c)
	if err != nil {
		return nil, err
	}
	p.Currency = string(currency)
	if p.Amount, _ = c.form.Int64("amount"); p.Amount == 0 {
		return nil, fault.Param("amount", "parameter_invalid_integer", "The amount of a change cannot be zero.")
	}
	return s.Vault.ChangeBalance(c.ctx, c.scope, clip(c.path["customer"]), p, c.idem)
}

func updateBalanceChange(s *Server, c *call) (any, error) {
	p := vault.BalanceParams{Description: textAt(c.form, "description"), Metadata: metadataAt(c.form)}
	return s.Vault.UpdateBalanceChange(c.ctx, c.scope, clip(c.path["customer"]), clip(c.path["transaction"]), p, c.idem)
}

func retrieveBalanceChange(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	o, err := named(s, c, vault.BalanceChanges, "transaction")
	if err == nil && o.Body.Customer != customer.Key {
		err = fault.Missing(fault.NotFound, "transaction", vault.BalanceChanges.Name, clip(c.path["transaction"]))
	}
	if err != nil {
		return nil, err
	}
	return renderBalanceChange(s.view(c), o)
}

func listBalanceChanges(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	// Florin makes no invoices that a change could belong to.
	if invoice, ok := c.form.String("invoice"); ok {
		return nil, fault.Missing(fault.Invalid, "invoice", "invoice", clip(invoice))
	}
	return listUnder(s, c, vault.BalanceChanges, map[string]any{"customer": customer.Key}, "/v1/customers/"+vault.Customers.ID(c.scope, customer.Key)+"/balance_transactions", renderBalanceChange)
}

// listUnder answers a list of one kind that belongs to an object in the path.
func listUnder[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], where map[string]any, url string, render func(*view, *object.Object[T]) (any, error)) (any, error) {
	out, err := listOf(s, c, k, where, render)
	if shown, ok := out.(list); ok {
		shown.URL = url
		return shown, nil
	}
	return nil, err
}
