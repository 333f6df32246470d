package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

var customerMethodRoutes = map[string]route{
	"GetCustomersCustomerPaymentMethods":              {listCustomersMethods, merchant.PaymentMethods, merchant.Read},
	"GetCustomersCustomerPaymentMethodsPaymentMethod": {retrieveCustomersMethod, merchant.PaymentMethods, merchant.Read},
	"PostPaymentMethodsPaymentMethod":                 {updateMethod, merchant.PaymentMethods, merchant.Write},
}

func listCustomersMethods(s *Server, c *call) (any, error) {
	if c.form.Has("allow_redisplay") {
		return nil, fault.Param("allow_redisplay", "", "Florin does not filter PaymentMethods by allow_redisplay.")
	}
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	id := vault.Customers.ID(c.scope, customer.Key)
	kind, _ := c.form.String("type")
	out, err := listBy(s, c, vault.PaymentMethods, renderMethod, func(r object.Range) ([]*object.Object[vault.PaymentMethod], bool, error) {
		return s.Vault.ListPaymentMethods(c.ctx, c.scope, r, id, kind)
	})
	if shown, ok := out.(list); ok {
		shown.URL = "/v1/customers/" + id + "/payment_methods"
		return shown, nil
	}
	return nil, err
}

func retrieveCustomersMethod(s *Server, c *call) (any, error) {
	customer, err := customerInPath(s, c)
	if err != nil {
		return nil, err
	}
	o, err := s.Vault.RetrievePaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]))
	if err == nil && o.Body.Customer != customer.Key {
		err = fault.Missing(fault.NotFound, "payment_method", "PaymentMethod", clip(c.path["payment_method"]))
	}
	if err != nil {
		return nil, err
	}
	return renderMethod(s.view(c), o)
}

func updateMethod(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "payto"); err != nil {
		return nil, err
	}
	p := &vault.MethodParams{Metadata: metadataAt(c.form), AllowRedisplay: textAt(c.form, "allow_redisplay"), Preferred: textAt(c.form, "card", "networks", "preferred"),
		HolderType: textAt(c.form, vault.TypeACH, "account_holder_type"), AccountType: textAt(c.form, vault.TypeACH, "account_type")}
	for name, to := range map[string]**int{"exp_month": &p.ExpMonth, "exp_year": &p.ExpYear} {
		if n, ok := c.form.Int64("card", name); ok {
			*to = new(int(min(max(n, -1), 1<<16)))
		}
	}
	if at := c.form.Get("billing_details"); at.Kind() == form.Hash {
		p.Billing = &vault.BillingParams{Name: textAt(at, "name"), Email: textAt(at, "email"), Phone: textAt(at, "phone"),
			TaxID: textAt(at, "tax_id"), Address: addressAt(at.Get("address"))}
		if p.Billing.Email != nil && !plausibleEmail(*p.Billing.Email) {
			return nil, invalidEmail("billing_details[email]", *p.Billing.Email)
		}
	}
	return s.Vault.UpdatePaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]), p, c.idem)
}
