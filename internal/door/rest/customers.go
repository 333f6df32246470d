package rest

import (
	"net/netip"
	"regexp"

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
	BusinessName    string            `json:"business_name,omitempty"`
	CustomerAccount any               `json:"customer_account"`
	IndividualName  string            `json:"individual_name,omitempty"`
	NextInvoice     int64             `json:"next_invoice_sequence"`
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
	// Cash and Tax are there for those who expand them.
	Cash any          `json:"cash_balance,omitempty"`
	Tax  *customerTax `json:"tax,omitempty"`
}

// customerTax is how a customer's tax is found. Florin does not collect any.
type customerTax struct {
	Automatic string `json:"automatic_tax"`
	IP        any    `json:"ip_address"`
	Location  any    `json:"location"`
	Provider  string `json:"provider"`
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
		Locales: b.Locales, TaxExempt: b.TaxExempt, InvoicePrefix: text(b.InvoicePrefix), NextInvoice: max(1, b.NextInvoice),
	}
	out.InvoiceSettings = invoiceSettingsOf(b)
	if _, wanted := v.expand["tax"]; wanted {
		out.Tax = &customerTax{Automatic: "not_collecting", Provider: "stripe"}
	}
	if out.Locales == nil {
		out.Locales = []string{}
	}
	if err := out.personal(v, o); err != nil {
		return nil, err
	}
	var err error
	if out.DefaultSource, err = ref(v, "default_source", vault.Sources, b.DefaultSource, renderSource); err != nil {
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
	if _, wanted := v.expand["cash_balance"]; wanted {
		if out.Cash, err = v.cashOf(o); err != nil {
			return nil, err
		}
	}
	return out, out.lists(v, o)
}

func invoiceSettingsOf(b *vault.Customer) invoiceSettings {
	out := invoiceSettings{Footer: text(b.Footer)}
	if len(b.CustomFields) > 0 {
		fields := make([]map[string]string, len(b.CustomFields))
		for i, f := range b.CustomFields {
			fields[i] = map[string]string{"name": f.Name, "value": f.Value}
		}
		out.CustomFields = fields
	}
	if b.TaxDisplay != "" {
		out.RenderingOptions = map[string]any{"amount_tax_display": b.TaxDisplay, "template": nil}
	}
	return out
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
	out.BusinessName, out.IndividualName = p.BusinessName, p.IndividualName
	if out.Tax != nil {
		out.Tax.IP = text(p.TaxIP)
	}
	if p.Address != nil {
		out.Address = addressOf(*p.Address)
	}
	if p.Shipping != nil {
		out.Shipping = shownShipping{addressOf(p.Shipping.Address), p.Shipping.Name, text(p.Shipping.Phone)}
	}
	return nil
}

// lists fills in the lists that are expanded. No subscription can be made.
func (out *shownCustomer) lists(v *view, customer *object.Object[vault.Customer]) error {
	empty := func(field string) *list {
		if !v.wants("customer." + field) {
			return nil
		}
		return &list{Object: "list", URL: "/v1/customers/" + out.ID + "/" + field, Data: []any{}}
	}
	out.Sources, out.Subscriptions, out.TaxIDs = empty("sources"), empty("subscriptions"), empty("tax_ids")
	if out.TaxIDs != nil {
		if err := v.taxList(customer.Key, out.TaxIDs); err != nil {
			return err
		}
	}
	if out.Sources == nil {
		return nil
	}
	return v.sourcesOf(customer.Key, out.Sources)
}

func createCustomer(s *Server, c *call) (any, error) {
	p, err := s.customerParams(c)
	if err != nil {
		return nil, err
	}
	if p.TaxIDs, err = taxIDsAt(c); err != nil {
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
	p, err := s.customerParams(c)
	if err != nil {
		return nil, err
	}
	if p.NewSource, err = s.sourceAt(c); err != nil {
		return nil, err
	}
	for _, name := range []string{"default_alipay_account", "default_bank_account"} {
		if c.form.Has(name) {
			return nil, fault.Missing(fault.Invalid, name, "source", clip(c.form.Get(name).Text()))
		}
	}
	for _, name := range []string{"default_card", "default_source"} {
		if at := textAt(c.form, name); at != nil {
			p.DefaultSource, p.DefaultParam = at, name
		}
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
func (s *Server) customerParams(c *call) (*vault.CustomerParams, error) {
	f := c.form
	p := &vault.CustomerParams{
		Name: textAt(f, "name"), Email: textAt(f, "email"), Phone: textAt(f, "phone"), Description: textAt(f, "description"),
		Address: addressAt(f.Get("address")), Shipping: shippingAt(f.Get("shipping")), Metadata: metadataAt(f),
		TaxExempt: textAt(f, "tax_exempt"), InvoiceMethod: textAt(f, "invoice_settings", "default_payment_method"),
		BusinessName: textAt(f, "business_name"), IndividualName: textAt(f, "individual_name"), Footer: textAt(f, "invoice_settings", "footer"),
	}
	if n, ok := f.Int64("balance"); ok {
		account, err := s.Merchant.Account(c.ctx, c.scope)
		if err != nil {
			return nil, err
		}
		p.Balance, p.Currency = &n, string(account.DefaultCurrency)
	}
	if mode, ok := f.String("cash_balance", "settings", "reconciliation_mode"); ok {
		p.Reconciliation = new(reconciliation(mode))
	}
	if err := invoiceParams(c, p); err != nil {
		return nil, err
	}
	if err := taxParams(f, p); err != nil {
		return nil, err
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

// invoicePrefix is what the numbers of a customer's invoices may begin with
// (https://docs.stripe.com/api/customers/create).
var invoicePrefix = regexp.MustCompile(`^[A-Z0-9]{3,12}$`)

// invoiceParams reads what is about a customer's invoices.
func invoiceParams(c *call, p *vault.CustomerParams) error {
	f := c.form
	if p.InvoicePrefix = textAt(f, "invoice_prefix"); p.InvoicePrefix != nil && !invoicePrefix.MatchString(*p.InvoicePrefix) {
		return fault.Param("invoice_prefix", "", "An invoice prefix must have 3 to 12 uppercase letters or numbers.")
	}
	if n, ok := f.Int64("next_invoice_sequence"); ok {
		if n < 1 || n > 1_000_000_000 {
			return fault.Param("next_invoice_sequence", "parameter_invalid_integer", "Invalid next_invoice_sequence: %d. It must be between 1 and 1000000000.", n)
		}
		p.NextInvoice = &n
	}
	if at := f.Get("invoice_settings", "custom_fields"); at != nil {
		fields := []vault.CustomField{}
		for _, field := range at.All() {
			var one vault.CustomField
			one.Name, _ = field.String("name")
			one.Value, _ = field.String("value")
			fields = append(fields, one)
		}
		if len(fields) > 4 {
			return fault.Param("invoice_settings[custom_fields]", "", "A customer can have at most 4 custom fields.")
		}
		p.CustomFields = &fields
	}
	options := f.Get("invoice_settings", "rendering_options")
	if template, ok := options.String("template"); ok && template != "" {
		return fault.Missing(fault.Invalid, "invoice_settings[rendering_options][template]", "invoice rendering template", clip(template))
	}
	if options != nil {
		display, _ := options.String("amount_tax_display")
		p.TaxDisplay = &display
	}
	return nil
}

// taxParams reads where a customer is, for tax.
func taxParams(f *form.Value, p *vault.CustomerParams) error {
	if p.TaxIP = textAt(f, "tax", "ip_address"); p.TaxIP != nil && *p.TaxIP != "" {
		if _, err := netip.ParseAddr(*p.TaxIP); err != nil {
			return fault.Param("tax[ip_address]", "", "Invalid IP address: %s.", clip(*p.TaxIP))
		}
	}
	when, _ := f.String("tax", "validate_location")
	if when == "immediately" && (p.Address == nil || p.Address.Country == "") {
		return fault.Param("tax[validate_location]", "customer_tax_location_invalid", "The customer's location can't be told: give an 'address' with its country.")
	}
	return nil
}
