package rest

import (
	"fmt"
	"github.com/florinpay/florin/internal/core/merchant"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/method"
)

var methodRoutes = map[string]route{
	"PostPaymentMethods":                    {createMethod, merchant.PaymentMethods, merchant.Write},
	"GetPaymentMethods":                     {listMethods, merchant.PaymentMethods, merchant.Read},
	"GetPaymentMethodsPaymentMethod":        {retrieveMethod, merchant.PaymentMethods, merchant.Read},
	"PostPaymentMethodsPaymentMethodAttach": {attachMethod, merchant.PaymentMethods, merchant.Write},
	"PostPaymentMethodsPaymentMethodDetach": {detachMethod, merchant.PaymentMethods, merchant.Write},
}

func createMethod(s *Server, c *call) (any, error) {
	for _, name := range []string{"customer", "payment_method"} {
		if c.form.Has(name) {
			return nil, fault.Param(name, "", "Florin does not copy PaymentMethods between accounts. Leave out '%s', and attach the PaymentMethod when it is made.", name)
		}
	}
	if err := oneType(c); err != nil {
		return nil, err
	}
	in, err := s.methodInput(c)
	if err != nil {
		return nil, err
	}
	return s.Vault.CreatePaymentMethod(c.ctx, c.scope, in, c.idem)
}

// oneType refuses the particulars of types that the method is not of.
func oneType(c *call) error {
	typ, _ := c.form.String("type")
	for _, other := range c.op.Params.Field("type").Param.Enum {
		if typ != "" && other != typ && c.form.Has(other) {
			return fault.Param(other, "", "You provided '%s', but the type of the PaymentMethod is %s.", other, clip(typ))
		}
	}
	return nil
}

// methodInput reads the description of a new payment method. Card numbers are
// refused where the account doesn't allow them.
func (s *Server) methodInput(c *call) (*vault.MethodInput, error) {
	return s.methodInputAt(c, c.form)
}

// methodInputAt is methodInput for a description that stands in a hash.
func (s *Server) methodInputAt(c *call, at *form.Value) (*vault.MethodInput, error) {
	in := &vault.MethodInput{Billing: billingAt(at.Get("billing_details"))}
	in.Type, _ = at.String("type")
	in.AllowRedisplay, _ = at.String("allow_redisplay")
	in.Token, _ = at.String("card", "token")
	if patch, ok := at.Metadata("metadata"); ok {
		in.Metadata = patch.Set
	}
	if !plausibleEmail(in.Billing.Email) {
		return nil, invalidEmail("billing_details[email]", in.Billing.Email)
	}
	if err := s.accountInput(c, at, in); err != nil {
		return nil, err
	}
	if card := at.Get("card"); card.Has("number") || card.Kind() == form.Hash && !card.Has("token") {
		if err := s.allowRawCard(c); err != nil {
			return nil, err
		}
		in.Card = new(cardAt(card))
	}
	return in, nil
}

// accountInput reads the bank account of a new payment method whose type has one.
func (s *Server) accountInput(c *call, at *form.Value, in *vault.MethodInput) error {
	if t, _ := method.Of(in.Type); t.Account == "" || !at.Has(in.Type) {
		return nil
	}
	at = at.Get(in.Type)
	if at.Has("financial_connections_account") {
		return fault.Param(in.Type+"[financial_connections_account]", "", "Florin has no Financial Connections. Give the account's numbers.")
	}
	a := &vault.AccountInput{}
	for _, name := range []string{"account_number", "iban"} {
		if number, ok := at.String(name); ok {
			a.Number = secret.NewText(number)
		}
	}
	for _, name := range []string{"routing_number", "sort_code", "institution_number", "bsb_number"} {
		if bank, ok := at.String(name); ok {
			a.Bank = bank
		}
	}
	a.Branch, _ = at.String("transit_number")
	a.HolderType, _ = at.String("account_holder_type")
	a.AccountType, _ = at.String("account_type")
	in.Account = a
	return nil
}

// cardAt takes card data in. From here on it is not printable.
func cardAt(at *form.Value) vault.CardInput {
	number, _ := at.String("number")
	cvc, _ := at.String("cvc")
	month, _ := at.Int64("exp_month")
	year, _ := at.Int64("exp_year")
	preferred, _ := at.String("networks", "preferred")
	return vault.CardInput{Number: secret.NewText(number), CVC: secret.NewText(cvc), ExpMonth: int(month), ExpYear: int(year), Preferred: preferred}
}

func billingAt(at *form.Value) (b vault.Billing) {
	b.Name, _ = at.String("name")
	b.Email, _ = at.String("email")
	b.Phone, _ = at.String("phone")
	b.TaxID, _ = at.String("tax_id")
	if a := addressAt(at.Get("address")); a != nil {
		b.Address = *a
	}
	return b
}

// allowRawCard refuses card numbers where the account may not send them. The
// refusal is a 402 without a code, as Stripe's is: the request is right, and
// no issuer was asked.
func (s *Server) allowRawCard(c *call) error {
	account, err := s.Merchant.Account(c.ctx, c.scope)
	if err != nil || account.Settings.RawCardData(c.scope.Livemode) {
		return err
	}
	mode, setting := "test", "raw_card_test"
	if c.scope.Livemode {
		mode, setting = "live", "raw_card_live"
	}
	return fault.New(fault.Declined, "", "Sending card numbers to this API is generally unsafe, because it makes your servers handle card data, and this account does not allow it in %s mode. Collect cards on a page that sends them to Florin itself, or turn on the account's setting %s.", mode, setting)
}

func listMethods(s *Server, c *call) (any, error) {
	for _, name := range []string{"allow_redisplay", "customer_account"} {
		if c.form.Has(name) {
			return nil, fault.Param(name, "", "Florin does not filter PaymentMethods by %s.", name)
		}
	}
	kind, _ := c.form.String("type")
	customer, given := c.form.String("customer")
	if !given {
		where := map[string]any{}
		if kind != "" {
			where["type"] = kind
		}
		return listOf(s, c, vault.PaymentMethods, where, renderMethod)
	}
	return listBy(s, c, vault.PaymentMethods, renderMethod, func(r object.Range) ([]*object.Object[vault.PaymentMethod], bool, error) {
		return s.Vault.ListPaymentMethods(c.ctx, c.scope, r, clip(customer), kind)
	})
}

func retrieveMethod(s *Server, c *call) (any, error) {
	o, err := s.Vault.RetrievePaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]))
	if err != nil {
		return nil, err
	}
	return renderMethod(s.view(c), o)
}

func attachMethod(s *Server, c *call) (any, error) {
	if c.form.Has("customer_account") {
		return nil, fault.Param("customer_account", "", "Florin does not attach PaymentMethods to accounts. Give a 'customer'.")
	}
	customer, _ := c.form.String("customer")
	if customer == "" {
		return nil, fault.Param("customer", "parameter_missing", "Missing required param: customer.")
	}
	return s.Vault.AttachPaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]), clip(customer), c.idem)
}

func detachMethod(s *Server, c *call) (any, error) {
	return s.Vault.DetachPaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]), c.idem)
}

// methodAt shows a payment method as it was, nil for the zero reference.
// Within a step, where nothing is shown, it is nil too.
func (v *view) methodAt(r object.Ref) (any, error) {
	o, err := v.methodVersion(r)
	if o == nil || err != nil {
		return nil, err
	}
	return renderMethod(v.within("payment_method"), o)
}

// billingOf shows the billing details of a payment method as it was. Within a
// step, where nothing but tx may be read, they are empty.
func (v *view) billingOf(r object.Ref) (any, error) {
	o, err := v.methodVersion(r)
	if o == nil || err != nil {
		return shownBilling{}, err
	}
	return v.billing(o)
}

// methodVersion reads a version of a payment method, unless within a step.
func (v *view) methodVersion(r object.Ref) (*object.Object[vault.PaymentMethod], error) {
	if r.Key == 0 || v.tx != nil {
		return nil, nil
	}
	o, ok, err := vault.PaymentMethods.ReadVersion(v.ctx, v.s.DB, v.scope, r)
	if err == nil && !ok {
		err = fmt.Errorf("payment_method %d has no version %d", r.Key, r.Version)
	}
	return o, err
}
