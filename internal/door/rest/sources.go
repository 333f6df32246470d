package rest

import (
	"strconv"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// sourceRoutes are the older calls for the cards that a customer keeps, in both
// of their spellings.
var sourceRoutes = map[string]route{
	"PostCustomersCustomerSources":     {createSource, merchant.PaymentMethods, merchant.Write},
	"GetCustomersCustomerSources":      {listSources, merchant.PaymentMethods, merchant.Read},
	"GetCustomersCustomerSourcesId":    {retrieveSource, merchant.PaymentMethods, merchant.Read},
	"PostCustomersCustomerSourcesId":   {updateSource, merchant.PaymentMethods, merchant.Write},
	"DeleteCustomersCustomerSourcesId": {deleteSource, merchant.PaymentMethods, merchant.Write},
	"PostCustomersCustomerCards":       {createSource, merchant.PaymentMethods, merchant.Write},
	"GetCustomersCustomerCards":        {listSources, merchant.PaymentMethods, merchant.Read},
	"GetCustomersCustomerCardsId":      {retrieveSource, merchant.PaymentMethods, merchant.Read},
	"PostCustomersCustomerCardsId":     {updateSource, merchant.PaymentMethods, merchant.Write},
	"DeleteCustomersCustomerCardsId":   {deleteSource, merchant.PaymentMethods, merchant.Write},
}

// renderSource shows a payment method as a customer's source.
func renderSource(v *view, o *object.Object[vault.PaymentMethod]) (any, error) {
	public := vault.Sources.ID(o.Scope, o.Key)
	if o.Body.Detached && !v.past {
		return shownDeleted{public, "card", true}, nil
	}
	var b vault.Billing
	var err error
	if v.tx == nil { // what is sealed is not opened within a step
		if b, err = v.s.Vault.BillingDetails(v.ctx, o); err != nil {
			return nil, err
		}
	}
	out := legacyCardOf(public, &o.Body.Card, &b)
	out.Metadata = metadata(o.Body.Metadata)
	out.Customer, err = ref(v, "customer", vault.Customers, o.Body.Owner, renderCustomer)
	return out, err
}

// sourcesOf fills in the list of a customer's newest sources as the customer
// shows it: for an answer that is given again, those that there were.
func (v *view) sourcesOf(customer int64, l *list) error {
	if v.tx != nil {
		return nil // nothing is listed within a step
	}
	var before int64
	if v.pins != nil {
		before = id.Floor(v.now.Add(ahead))
	}
	all, err := v.s.Vault.SourcesEver(v.ctx, v.scope, customer, before)
	if err != nil {
		return err
	}
	child := v.within("sources").within("data")
	for _, o := range all {
		if o, err = asOf(v, vault.PaymentMethods, o); err != nil {
			return err
		}
		if o == nil || !o.Body.Source || o.Body.Customer != customer {
			continue
		}
		if l.HasMore = len(l.Data) == defaultLimit; l.HasMore {
			break
		}
		shown, err := renderSource(child, o)
		if err != nil {
			return err
		}
		l.Data = append(l.Data, shown)
	}
	return nil
}

func createSource(s *Server, c *call) (any, error) {
	in, err := s.sourceAt(c)
	if err != nil {
		return nil, err
	}
	if in == nil {
		return nil, fault.Param("source", "parameter_missing", "Missing required param: source.")
	}
	in.Metadata = metadataAt(c.form).Apply(in.Metadata)
	return s.Vault.CreateSource(c.ctx, c.scope, clip(c.path["customer"]), in, c.idem)
}

// sourceAt reads the token or the card that is to become a source; nil: neither
// is there.
func (s *Server) sourceAt(c *call) (*vault.SourceInput, error) {
	for _, name := range []string{"bank_account", "alipay_account"} {
		if c.form.Has(name) {
			return nil, fault.Param(name, "", "Florin keeps cards alone as the sources of customers. Attach a PaymentMethod to the customer instead.")
		}
	}
	return s.cardOrToken(c)
}

func listSources(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	keep := func(o *object.Object[vault.PaymentMethod]) bool { return o.Body.Source }
	if kind, ok := c.form.String("object"); ok && kind != "card" {
		keep = func(*object.Object[vault.PaymentMethod]) bool { return false }
	}
	out, err := listThose(s, c, vault.Sources, map[string]any{"customer": customer.Key}, keep, renderSource)
	if l, ok := out.(list); ok {
		l.URL = "/v1/customers/" + vault.Customers.ID(c.scope, customer.Key) + "/sources"
		return l, err
	}
	return out, err
}

func retrieveSource(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	o, err := s.Vault.RetrieveSource(c.ctx, c.scope, customer.Key, clip(c.path["id"]))
	if err != nil {
		return nil, err
	}
	return renderSource(s.view(c), o)
}

func updateSource(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "account_holder_name", "account_holder_type", "owner"); err != nil {
		return nil, err
	}
	p := &vault.MethodParams{Metadata: metadataAt(c.form)}
	for name, to := range map[string]**int{"exp_month": &p.ExpMonth, "exp_year": &p.ExpYear} {
		if typed, ok := c.form.String(name); ok {
			n, err := strconv.Atoi(typed)
			if err != nil {
				n = -1 // no month, and no year
			}
			*to = new(min(max(n, -1), 1<<16))
		}
	}
	at := func(name string) *string { return textAt(c.form, name) }
	p.Billing = &vault.BillingParams{Name: at("name"), Parts: vault.AddressParts{City: at("address_city"), Country: at("address_country"),
		Line1: at("address_line1"), Line2: at("address_line2"), PostalCode: at("address_zip"), State: at("address_state")}}
	if *p.Billing == (vault.BillingParams{}) {
		p.Billing = nil
	}
	return s.Vault.UpdateSource(c.ctx, c.scope, clip(c.path["customer"]), clip(c.path["id"]), p, c.idem)
}

func deleteSource(s *Server, c *call) (any, error) {
	return s.Vault.DeleteSource(c.ctx, c.scope, clip(c.path["customer"]), clip(c.path["id"]), c.idem)
}
