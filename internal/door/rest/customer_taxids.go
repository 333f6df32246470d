package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

var customerTaxRoutes = map[string]route{
	"GetCustomersCustomerTaxIds":      {listTaxIDs, merchant.Customers, merchant.Read},
	"PostCustomersCustomerTaxIds":     {createTaxID, merchant.Customers, merchant.Write},
	"GetCustomersCustomerTaxIdsId":    {retrieveTaxID, merchant.Customers, merchant.Read},
	"DeleteCustomersCustomerTaxIdsId": {deleteTaxID, merchant.Customers, merchant.Write},
}

type shownTaxID struct {
	ID              string          `json:"id"`
	Object          string          `json:"object"`
	Country         any             `json:"country"`
	Created         int64           `json:"created"`
	Customer        any             `json:"customer"`
	CustomerAccount any             `json:"customer_account"`
	Livemode        bool            `json:"livemode"`
	Owner           taxOwner        `json:"owner"`
	Type            string          `json:"type"`
	Value           string          `json:"value"`
	Verification    taxVerification `json:"verification"`
}

type taxOwner struct {
	Customer any    `json:"customer"`
	Type     string `json:"type"`
}

type taxVerification struct {
	Status  string `json:"status"`
	Address any    `json:"verified_address"`
	Name    any    `json:"verified_name"`
}

func renderTaxID(v *view, o *object.Object[vault.TaxID]) (any, error) {
	b := &o.Body
	if b.Deleted && !v.past {
		return shownDeleted{vault.TaxIDs.ID(o.Scope, o.Key), vault.TaxIDs.Name, true}, nil
	}
	out := &shownTaxID{
		ID: vault.TaxIDs.ID(o.Scope, o.Key), Object: vault.TaxIDs.Name, Country: text(b.Country), Created: o.Created().Unix(),
		Livemode: o.Scope.Livemode, Type: b.Type, Verification: taxVerification{Status: b.Status},
	}
	var err error
	if out.Customer, err = ref(v, "customer", vault.Customers, b.Customer, renderCustomer); err != nil {
		return nil, err
	}
	owner := v.within("owner")
	out.Owner.Type = "customer"
	out.Owner.Customer, err = ref(owner, "customer", vault.Customers, b.Customer, renderCustomer)
	if v.shown = owner.shown; err != nil || v.tx != nil {
		return out, err
	}
	out.Value, err = v.s.Vault.TaxIDValue(v.ctx, o)
	return out, err
}

func createTaxID(s *Server, c *call) (any, error) {
	kind, err := oneOf(c, "type")
	if err != nil {
		return nil, err
	}
	value, _ := c.form.String("value")
	return s.Vault.CreateTaxID(c.ctx, c.scope, clip(c.path["customer"]), vault.TaxIDInput{Type: kind, Value: value}, c.idem)
}

func deleteTaxID(s *Server, c *call) (any, error) {
	return s.Vault.DeleteTaxID(c.ctx, c.scope, clip(c.path["customer"]), clip(c.path["id"]), c.idem)
}

func retrieveTaxID(s *Server, c *call) (any, error) {
	o, err := s.Vault.RetrieveTaxID(c.ctx, c.scope, clip(c.path["customer"]), clip(c.path["id"]))
	if err != nil {
		return nil, err
	}
	return renderTaxID(s.view(c), o)
}

func listTaxIDs(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	where := map[string]any{"customer": customer.Key, "deleted": int64(0)}
	return listUnder(s, c, vault.TaxIDs, where, "/v1/customers/"+vault.Customers.ID(c.scope, customer.Key)+"/tax_ids", renderTaxID)
}

// taxList is the list of a customer's tax ids as the customer shows it.
func (v *view) taxList(customer int64, l *list) error {
	if v.tx != nil {
		return nil // nothing is listed within a step
	}
	objects, more, err := v.s.Vault.ListTaxIDs(v.ctx, v.scope, vault.Customers.ID(v.scope, customer), object.Range{Limit: defaultLimit})
	if err != nil {
		return err
	}
	l.HasMore = more
	child := v.within("tax_ids").within("data")
	for _, o := range objects {
		shown, err := renderTaxID(child, o)
		if err != nil {
			return err
		}
		l.Data = append(l.Data, shown)
	}
	return nil
}

// taxIDsAt reads tax_id_data.
func taxIDsAt(c *call) (list []vault.TaxIDInput, err error) {
	for _, at := range c.form.Get("tax_id_data").All() {
		var in vault.TaxIDInput
		in.Type, _ = at.String("type")
		in.Value, _ = at.String("value")
		if len(list) == maxTaxData {
			return nil, fault.Param("tax_id_data", "", "A customer can have at most %d tax IDs.", maxTaxData)
		}
		list = append(list, in)
	}
	return list, nil
}

// maxTaxData is how many tax ids come with a new customer, as in the API's
// reference.
const maxTaxData = 5
