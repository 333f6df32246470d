package rest

import (
	"maps"
	"sync"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

var offeringRoutes = map[string]route{
	"PostPaymentMethodConfigurations":                     {createConfiguration, merchant.Configurations, merchant.Write},
	"GetPaymentMethodConfigurations":                      {listConfigurations, merchant.Configurations, merchant.Read},
	"GetPaymentMethodConfigurationsConfiguration":         {retrieveConfiguration, merchant.Configurations, merchant.Read},
	"PostPaymentMethodConfigurationsConfiguration":        {updateConfiguration, merchant.Configurations, merchant.Write},
	"PostPaymentMethodDomains":                            {createDomain, merchant.Configurations, merchant.Write},
	"GetPaymentMethodDomains":                             {listDomains, merchant.Configurations, merchant.Read},
	"GetPaymentMethodDomainsPaymentMethodDomain":          {retrieveDomain, merchant.Configurations, merchant.Read},
	"PostPaymentMethodDomainsPaymentMethodDomain":         {updateDomain, merchant.Configurations, merchant.Write},
	"PostPaymentMethodDomainsPaymentMethodDomainValidate": {validateDomain, merchant.Configurations, merchant.Write},
}

// offeredMethods are the methods that a configuration says something of: those
// that both the document's parameters and its answers have.
var offeredMethods = sync.OnceValue(func() (names []string) {
	answers := map[string]bool{"apple_pay_later": true, "fr_meal_voucher_conecs": true} // parameters alone
	for _, f := range spec.ByID("PostPaymentMethodConfigurations").Params.Fields {
		if f.Param.Field("display_preference") != nil && !answers[f.Name] {
			names = append(names, f.Name)
		}
	}
	return names
})

// takenMethods are those that Florin takes payments with.
var takenMethods = map[string]bool{"card": true}

type displayPreference struct {
	Overridable any    `json:"overridable"`
	Preference  string `json:"preference"`
	Value       string `json:"value"`
}

type methodProperties struct {
	Available  bool              `json:"available"`
	Preference displayPreference `json:"display_preference"`
}

// renderConfiguration shows what the merchant wants of each method, and what of it
// there can be: a method that Florin does not take is never available.
func renderConfiguration(_ *view, o *object.Object[offering.Configuration]) (any, error) {
	b := &o.Body
	out := map[string]any{
		"id": offering.Configurations.ID(o.Scope, o.Key), "object": offering.Configurations.Name, "active": b.Active, "application": nil,
		"is_default": b.Default, "livemode": o.Scope.Livemode, "name": b.Name, "parent": nil,
	}
	for _, name := range offeredMethods() {
		p := displayPreference{Preference: b.Preferences[name], Value: "off"}
		if p.Preference == "" {
			p.Preference = "none"
		}
		// Who says nothing gets what there is.
		if p.Preference == "on" || p.Preference == "none" && takenMethods[name] {
			p.Value = "on"
		}
		out[name] = methodProperties{Available: b.Active && takenMethods[name] && p.Value == "on", Preference: p}
	}
	return out, nil
}

// configurationChange reads what is said of a configuration.
func configurationChange(c *call) (offering.Change, error) {
	change := offering.Change{Name: textAt(c.form, "name"), Preferences: map[string]string{}}
	if active, ok := c.form.Bool("active"); ok {
		change.Active = &active
	}
	for _, name := range offeredMethods() {
		preference, err := oneOf(c, name, "display_preference", "preference")
		if err != nil {
			return change, err
		}
		if preference != "" {
			change.Preferences[name] = preference
		}
	}
	return change, refuseUnsupported(c, "parent", "apple_pay_later", "fr_meal_voucher_conecs")
}

func createConfiguration(s *Server, c *call) (any, error) {
	change, err := configurationChange(c)
	if err != nil {
		return nil, err
	}
	return s.Offering.Create(c.ctx, c.scope, change, c.idem)
}

func updateConfiguration(s *Server, c *call) (any, error) {
	key, err := pathKey(c, offering.Configurations, "configuration")
	if err != nil {
		return nil, err
	}
	change, err := configurationChange(c)
	if err != nil {
		return nil, err
	}
	return s.Offering.Update(c.ctx, c.scope, key, change, c.idem)
}

func listConfigurations(s *Server, c *call) (any, error) {
	if _, err := s.Offering.Default(c.ctx, c.scope); err != nil {
		return nil, err
	}
	if application, _ := c.form.String("application"); application != "" {
		return list{Object: "list", URL: c.op.Path, Data: []any{}}, nil // nobody else configures an account
	}
	active, narrowed := c.form.Bool("active")
	return listThose(s, c, offering.Configurations, nil, func(o *object.Object[offering.Configuration]) bool { return !narrowed || o.Body.Active == active }, renderConfiguration)
}

func retrieveConfiguration(s *Server, c *call) (any, error) {
	return retrieve(s, c, offering.Configurations, "configuration", renderConfiguration)
}

// domainWallets are what a domain is asked to be shown with.
var domainWallets = []string{"amazon_pay", "apple_pay", "google_pay", "klarna", "link", "paypal"}

// renderDomain shows a domain. None of the wallets can be active, since Florin
// takes none of them, and it says so rather than look as though it had asked.
func renderDomain(_ *view, o *object.Object[offering.Domain]) (any, error) {
	out := map[string]any{
		"id": offering.Domains.ID(o.Scope, o.Key), "object": offering.Domains.Name, "created": o.Created().Unix(), "domain_name": o.Body.Name,
		"enabled": o.Body.Enabled, "livemode": o.Scope.Livemode,
	}
	for _, wallet := range domainWallets {
		status := map[string]any{"status": "inactive"}
		if !o.Body.Checked.IsZero() {
			status["status_details"] = map[string]any{"error_message": "Florin does not take " + wallet + " payments, so the domain can't be registered with its provider."}
		}
		out[wallet] = maps.Clone(status)
	}
	return out, nil
}

func createDomain(s *Server, c *call) (any, error) {
	name, _ := c.form.String("domain_name")
	return s.Offering.Register(c.ctx, c.scope, name, boolAt(c, "enabled"), c.idem)
}

func boolAt(c *call, path ...string) *bool {
	if yes, ok := c.form.Bool(path...); ok {
		return &yes
	}
	return nil
}

func listDomains(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if name, _ := c.form.String("domain_name"); name != "" {
		where["name"] = name
	}
	if enabled, ok := c.form.Bool("enabled"); ok {
		where["enabled"] = int64(0)
		if enabled {
			where["enabled"] = int64(1)
		}
	}
	return listOf(s, c, offering.Domains, where, renderDomain)
}

func retrieveDomain(s *Server, c *call) (any, error) {
	return retrieve(s, c, offering.Domains, "payment_method_domain", renderDomain)
}

func updateDomain(s *Server, c *call) (any, error) {
	key, err := pathKey(c, offering.Domains, "payment_method_domain")
	if err != nil {
		return nil, err
	}
	return s.Offering.ChangeDomain(c.ctx, c.scope, key, boolAt(c, "enabled"), false, c.idem)
}

func validateDomain(s *Server, c *call) (any, error) {
	key, err := pathKey(c, offering.Domains, "payment_method_domain")
	if err != nil {
		return nil, err
	}
	return s.Offering.ChangeDomain(c.ctx, c.scope, key, nil, true, c.idem)
}
