package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

var customerRoutes = map[string]route{
	"PostCustomers":           {createCustomer, merchant.Customers, merchant.Write},
	"GetCustomers":            {listCustomers, merchant.Customers, merchant.Read},
	"GetCustomersCustomer":    {retrieveCustomer, merchant.Customers, merchant.Read},
	"PostCustomersCustomer":   {updateCustomer, merchant.Customers, merchant.Write},
	"DeleteCustomersCustomer": {deleteCustomer, merchant.Customers, merchant.Write},
}

// shownCustomer is Stripe's customer. What Florin doesn't keep is null.
type shownCustomer struct {
	ID              string            `json:"id"`
	Object          string            `json:"object"`
	Address         any               `json:"address"`
	Balance         int64             `json:"balance"`
	Created         int64             `json:"created"`
	Currency        any               `json:"currency"`
	CustomerAccount any               `json:"customer_account"`
	DefaultSource   any               `json:"default_source"`
	Delinquent      bool              `json:"delinquent"`
	Description     any               `json:"description"`
	Discount        any               `json:"discount"`
	Email           any               `json:"email"`
	InvoicePrefix   any               `json:"invoice_prefix"`
	InvoiceSettings invoiceSettings   `json:"invoice_settings"`
	Livemode        bool              `json:"livemode"`
	Metadata        map[string]string `json:"metadata"`
	Name            any               `json:"name"`
	Phone           any               `json:"phone"`
	Locales         []string          `json:"preferred_locales"`
	Shipping        any               `json:"shipping"`
	TaxExempt       string            `json:"tax_exempt"`
	TestClock       any               `json:"test_clock"`
	// The lists are there for those who expand them.
	Sources       *list `json:"sources,omitempty"`
	Subscriptions *list `json:"subscriptions,omitempty"`
	TaxIDs        *list `json:"tax_ids,omitempty"`
}

type invoiceSettings struct {
	CustomFields     any `json:"custom_fields"`
	DefaultMethod    any `json:"default_payment_method"`
	Footer           any `json:"footer"`
	RenderingOptions any `json:"rendering_options"`
}

// shownDeleted is what is left to show of an object that the API deleted.
type shownDeleted struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

func renderCustomer(v *view, o *object.Object[vault.Customer]) (any, error) {
	if o.Body.Deleted && !v.past {
		return shownDeleted{vault.Customers.ID(o.Scope, o.Key), vault.Customers.Name, true}, nil
	}
	b := &o.Body
	out := &shownCustomer{
		ID: vault.Customers.ID(o.Scope, o.Key), Object: vault.Customers.Name, Balance: b.Balance, Created: o.Created().Unix(),
		Currency: text(b.Currency), Description: text(b.Description), Livemode: o.Scope.Livemode, Metadata: metadata(b.Metadata),
		Locales: b.Locales, TaxExempt: b.TaxExempt,
	}
	if out.Locales == nil {
		out.Locales = []string{}
	}
	if err := out.personal(v, o); err != nil {
		return nil, err
	}
	var err error
	if out.DefaultSource, err = ref(v, "default_source", vault.PaymentMethods, b.DefaultSource, renderSource); err != nil {
		return nil, err
	}
	settings := v.within("invoice_settings")
	out.InvoiceSettings.DefaultMethod, err = ref(settings, "default_payment_method", vault.PaymentMethods, b.InvoiceMethod, renderMethod)
	v.shown = settings.shown
	if err != nil {
		return nil, err
	}
	if out.TestClock, err = ref(v, "test_clock", timeline.Clocks, b.TestClock, renderClock); err != nil {
		return nil, err
	}
	return out, out.lists(v, b)
}

// personal fills in what is about a person. It is sealed, and not opened within
// a step.
func (out *shownCustomer) personal(v *view, o *object.Object[vault.Customer]) error {
	if v.tx != nil {
		return nil
	}
	p, err := v.s.Vault.CustomerPersonal(v.ctx, o)
	if err != nil {
		return err
	}
	out.Name, out.Email, out.Phone = text(p.Name), text(p.Email), text(p.Phone)
	if p.Address != nil {
		out.Address = addressOf(*p.Address)
	}
	if p.Shipping != nil {
		out.Shipping = shownShipping{addressOf(p.Shipping.Address), p.Shipping.Name, text(p.Shipping.Phone)}
	}
	return nil
}

// lists fills in the lists that are expanded. A customer has no source but the
// default one, and no subscription or tax id can be made.
func (out *shownCustomer) lists(v *view, b *vault.Customer) error {
	empty := func(field string) *list {
		if !v.wants("customer." + field) {
			return nil
		}
		return &list{Object: "list", URL: "/v1/customers/" + out.ID + "/" + field, Data: []any{}}
	}
	out.Sources, out.Subscriptions, out.TaxIDs = empty("sources"), empty("subscriptions"), empty("tax_ids")
	if out.Sources == nil || b.DefaultSource == 0 {
		return nil
	}
	child := v.within("sources")
	o, err := load(child, vault.PaymentMethods, b.DefaultSource)
	v.shown = child.shown
	if err != nil {
		return err
	}
	source, err := renderSource(child, o)
	out.Sources.Data = []any{source}
	return err
}

func createCustomer(s *Server, c *call) (any, error) {
	p, err := customerParams(c.form)
	if err != nil {
		return nil, err
	}
	p.PaymentMethod, _ = c.form.String("payment_method")
	p.Source, _ = c.form.String("source")
	if p.TestClock, err = keyOf(c, timeline.Clocks, "test_clock"); err != nil {
		return nil, err
	}
	return s.Vault.CreateCustomer(c.ctx, c.scope, p, c.idem)
}

func updateCustomer(s *Server, c *call) (any, error) {
	for _, name := range []string{"source", "card", "bank_account", "default_source", "default_card", "default_bank_account", "default_alipay_account"} {
		if c.form.Has(name) {
			return nil, fault.Param(name, "", "Florin does not change the sources of a customer. Attach a PaymentMethod to the customer instead.")
		}
	}
	p, err := customerParams(c.form)
	if err != nil {
		return nil, err
	}
	return s.Vault.UpdateCustomer(c.ctx, c.scope, clip(c.path["customer"]), p, c.idem)
}

func deleteCustomer(s *Server, c *call) (any, error) {
	return s.Vault.DeleteCustomer(c.ctx, c.scope, clip(c.path["customer"]), c.idem)
}

func retrieveCustomer(s *Server, c *call) (any, error) {
	o, err := s.Vault.RetrieveCustomer(c.ctx, c.scope, clip(c.path["customer"]))
	if err != nil {
		return nil, err
	}
	return renderCustomer(s.view(c), o)
}

func listCustomers(s *Server, c *call) (any, error) {
	clock := map[string]any{"test_clock": int64(0)}
	if err := filter(s, c, clock, timeline.Clocks, "test_clock", "test_clock"); err != nil {
		return nil, err
	}
	email, _ := c.form.String("email")
	return listBy(s, c, vault.Customers, renderCustomer, func(r object.Range) ([]*object.Object[vault.Customer], bool, error) {
		return s.Vault.ListCustomers(c.ctx, c.scope, r, email, clock["test_clock"].(int64))
	})
}

// listBy answers a list whose objects the vault reads, because it knows the
// filter, or opens what is sealed in them all at once.
func listBy[T any, N comparable](s *Server, c *call, k *object.Kind[T, N], render func(*view, *object.Object[T]) (any, error), read func(object.Range) ([]*object.Object[T], bool, error)) (any, error) {
	r, err := page(c.form, k.Prefix, k.Name, func(key int64) (bool, error) {
		_, ok, err := k.Read(c.ctx, s.DB, c.scope, key)
		return ok, err
	})
	if err != nil {
		return nil, err
	}
	objects, more, err := read(r)
	if err != nil {
		return nil, err
	}
	out := list{Object: "list", URL: c.op.Path, HasMore: more, Data: make([]any, 0, len(objects))}
	v := s.view(c).within("data")
	for _, o := range objects {
		shown, err := render(v, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}

// customerParams reads what creating and changing a customer have in common.
func customerParams(f *form.Value) (*vault.CustomerParams, error) {
	p := &vault.CustomerParams{
		Name: textAt(f, "name"), Email: textAt(f, "email"), Phone: textAt(f, "phone"), Description: textAt(f, "description"),
		Address: addressAt(f.Get("address")), Shipping: shippingAt(f.Get("shipping")), Metadata: metadataAt(f),
		TaxExempt: textAt(f, "tax_exempt"), InvoiceMethod: textAt(f, "invoice_settings", "default_payment_method"),
	}
	if n, ok := f.Int64("balance"); ok {
		p.Balance = &n
	}
	if locales, ok := f.Strings("preferred_locales"); ok {
		p.Locales = &locales
	}
	if p.TaxExempt != nil && *p.TaxExempt == "" {
		p.TaxExempt = new("none")
	}
	if p.Email != nil && !plausibleEmail(*p.Email) {
		return nil, invalidEmail("email", *p.Email)
	}
	return p, nil
}
