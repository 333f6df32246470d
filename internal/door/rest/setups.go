package rest

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

var setupRoutes = map[string]route{
	"PostSetupIntents":                          {createSetup, merchant.SetupIntents, merchant.Write},
	"GetSetupIntents":                           {listSetups, merchant.SetupIntents, merchant.Read},
	"GetSetupIntentsIntent":                     {retrieveSetup, merchant.SetupIntents, merchant.Read},
	"PostSetupIntentsIntent":                    {updateSetup, merchant.SetupIntents, merchant.Write},
	"PostSetupIntentsIntentConfirm":             {confirmSetup, merchant.SetupIntents, merchant.Write},
	"PostSetupIntentsIntentCancel":              {cancelSetup, merchant.SetupIntents, merchant.Write},
	"PostSetupIntentsIntentVerifyMicrodeposits": {verifyMicrodeposits, merchant.SetupIntents, merchant.Write},
	"GetSetupAttempts":                          {listSetupAttempts, merchant.SetupIntents, merchant.Read},
	"GetMandatesMandate":                        {retrieveMandate, merchant.SetupIntents, merchant.Read},
}

// notForSetups are parameters that would be lost on us although whoever sends
// them relies on them.
var notForSetups = []string{
	"customer_account", "on_behalf_of", "payment_method_configuration", "single_use",
	"payment_method_options[card][mandate_options]", "payment_method_options[card][three_d_secure]",
}

func (s *Server) setupParams(c *call) (p setup.Params, err error) {
	if err := refuseUnsupported(c, notForSetups...); err != nil {
		return p, err
	}
	if self, _ := c.form.Bool("attach_to_self"); self {
		return p, unsupported("attach_to_self", "")
	}
	if c.form.Has("customer") {
		customer, err := keyOf(c, vault.Customers, "customer")
		if err != nil {
			return p, err
		}
		p.Customer = &customer
	}
	method, data, err := s.methodParam(c)
	if err != nil {
		return p, err
	}
	if p.MethodData = data; method != "" || data == nil && c.form.Cleared("payment_method") {
		p.Method = &method
	}
	if err := s.someAllowed(c); err != nil {
		return p, err
	}
	for _, name := range []string{"payment_method_types", "allowed_payment_method_types"} {
		if types, ok := c.form.Strings(name); ok && name == "payment_method_types" {
			p.MethodTypes = slices.Compact(types)
		} else if ok {
			p.MethodTypes = slices.DeleteFunc(s.Setup.Types(c.scope), func(t string) bool { return !slices.Contains(types, t) })
		}
	}
	if p.Options, err = typeOptions(c, s.Setup.Types(c.scope)); err != nil {
		return p, err
	}
	excluded, err := someOf(c, "excluded_payment_method_types")
	if err != nil {
		return p, err
	}
	if excluded != nil {
		p.Excluded = *excluded
	}
	p.Directions, _ = c.form.Strings("flow_directions")
	p.Description = textAt(c.form, "description")
	p.Metadata = setupMetadata(c)
	if p.ThreeDSecure, err = oneOf(c, "payment_method_options", "card", "request_three_d_secure"); err != nil {
		return p, err
	}
	p.Network, err = oneOf(c, "payment_method_options", "card", "network")
	return p, err
}

// maxMetadataKeys is how many keys an object's metadata may have
// (https://docs.stripe.com/api/metadata).
const maxMetadataKeys = 50

// setupMetadata is what a request makes of metadata; nil: nothing.
func setupMetadata(c *call) func(map[string]string) (map[string]string, error) {
	patch, ok := c.form.Metadata("metadata")
	if !ok {
		return nil
	}
	return func(old map[string]string) (map[string]string, error) {
		out := map[string]string{}
		if !patch.Clear {
			maps.Copy(out, old)
		}
		for _, name := range patch.Unset {
			delete(out, name)
		}
		maps.Copy(out, patch.Set)
		if n := len(out); n > maxMetadataKeys {
			return nil, fault.Param("metadata", "", "Metadata can have up to %d keys, but this request would leave %d keys.", maxMetadataKeys, n)
		}
		return out, nil
	}
}

func createSetup(s *Server, c *call) (any, error) {
	p, err := s.setupParams(c)
	if err != nil {
		return nil, err
	}
	if err := needConfirm(c, "return_url", "mandate_data", "confirmation_token"); err != nil {
		return nil, err
	}
	if p.Automatic, err = automatic(c); err != nil {
		return nil, err
	}
	if p.Usage, err = oneOf(c, "usage"); err != nil {
		return nil, err
	}
	if now, _ := c.form.Bool("confirm"); !now {
		return s.Setup.Create(c.ctx, c.scope, p, nil, c.idem)
	}
	confirm, err := s.setupConfirmation(c)
	if err != nil {
		return nil, err
	}
	return s.Setup.Create(c.ctx, c.scope, p, &confirm, c.idem)
}

// setupConfirmation reads what a confirmation says.
func (s *Server) setupConfirmation(c *call) (p setup.ConfirmParams, err error) {
	if p.Payer, err = s.payerAt(c); err != nil {
		return p, err
	}
	if p.Mandate, err = mandateAt(c); err != nil {
		return p, err
	}
	if p.Mandate == nil && !c.key.Secret {
		// The holder's own browser asks: that is the holder's agreement.
		p.Mandate, p.Inferred = &vault.MandateInput{Acceptance: "online", Online: browserOf(c)}, true
	}
	if p.Method, p.MethodData, err = s.methodParam(c); err != nil {
		return p, err
	}
	if p.ThreeDSecure, err = oneOf(c, "payment_method_options", "card", "request_three_d_secure"); err != nil {
		return p, err
	}
	if p.Network, err = oneOf(c, "payment_method_options", "card", "network"); err != nil {
		return p, err
	}
	if p.Options, err = typeOptions(c, s.Setup.Types(c.scope)); err != nil {
		return p, err
	}
	token, err := s.confirmationAt(c)
	if token != nil {
		p.Use = token.forSetup(s, c)
		token.fill(c, &p.Method, p.MethodData, &p.Payer)
	}
	return p, err
}

// browserOf is from where the caller calls.
func browserOf(c *call) vault.Online {
	out := vault.Online{UserAgent: clip(c.http.UserAgent())}
	if client := listen.PeerOf(c.http).Client; client.IsValid() {
		out.IP = client.String()
	}
	return out
}

// mandateAt reads mandate_data; nil: there is none. What a browser says of itself
// it need not spell out.
func mandateAt(c *call) (*vault.MandateInput, error) {
	const at, how = "mandate_data", "customer_acceptance"
	if !c.form.Has(at, how) {
		return nil, nil
	}
	in := &vault.MandateInput{}
	in.Acceptance, _ = c.form.String(at, how, "type")
	if when, ok := c.form.Int64(at, how, "accepted_at"); ok {
		in.AcceptedAt = time.Unix(when, 0).UTC()
	}
	for _, kind := range []string{"offline", "online"} {
		if c.form.Has(at, how, kind) && in.Acceptance != kind {
			return nil, fault.Param("mandate_data[customer_acceptance]["+kind+"]", "", "An acceptance of the type %s has no details of one of the type %s.", clip(in.Acceptance), kind)
		}
	}
	if in.Acceptance != "online" {
		return in, nil
	}
	ip, _ := c.form.String(at, how, "online", "ip_address")
	agent, _ := c.form.String(at, how, "online", "user_agent")
	if !c.key.Secret {
		here := browserOf(c)
		if ip == "" {
			ip = here.IP
		}
		if agent == "" {
			agent = here.UserAgent
		}
	}
	if c.key.Secret && (ip == "" || agent == "") {
		return nil, fault.Param("mandate_data[customer_acceptance][online]", "parameter_missing", "An online acceptance needs the customer's ip_address and user_agent.")
	}
	if _, err := netip.ParseAddr(ip); err != nil && ip != "" {
		return nil, fault.Param("mandate_data[customer_acceptance][online][ip_address]", "", "Invalid IP address.")
	}
	in.Online = vault.Online{IP: ip, UserAgent: agent}
	return in, nil
}

func listSetups(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "customer_account"); err != nil {
		return nil, err
	}
	if self, _ := c.form.Bool("attach_to_self"); self {
		return nil, unsupported("attach_to_self", "")
	}
	where := map[string]any{}
	if err := filter(s, c, where, vault.Customers, "customer", "customer"); err != nil {
		return nil, err
	}
	if err := filter(s, c, where, vault.PaymentMethods, "payment_method", "method"); err != nil {
		return nil, err
	}
	return listOf(s, c, setup.Intents, where, renderSetup)
}

func retrieveSetup(s *Server, c *call) (any, error) {
	o, err := named(s, c, setup.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := s.checkSetupSecret(c, o.Key); err != nil {
		return nil, err
	}
	return renderSetup(s.view(c), o)
}

func updateSetup(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, setup.Intents, "intent")
	if err != nil {
		return nil, err
	}
	p, err := s.setupParams(c)
	if err != nil {
		return nil, err
	}
	return s.Setup.Update(c.ctx, c.scope, setup.IntentID(intent), p, c.idem)
}

func confirmSetup(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, setup.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if c.form.Has("client_secret") {
		if _, err := named(s, c, setup.Intents, "intent"); err != nil {
			return nil, err
		}
		if err := s.checkSetupSecret(c, intent); err != nil {
			return nil, err
		}
	}
	if err := refuseUnsupported(c, notForSetups...); err != nil {
		return nil, err
	}
	if err := s.someAllowed(c); err != nil {
		return nil, err
	}
	p, err := s.setupConfirmation(c)
	if err != nil {
		return nil, err
	}
	return s.Setup.Confirm(c.ctx, c.scope, setup.IntentID(intent), p, c.idem)
}

func cancelSetup(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, setup.Intents, "intent")
	if err != nil {
		return nil, err
	}
	reason, err := oneOf(c, "cancellation_reason")
	if err != nil {
		return nil, err
	}
	return s.Setup.Cancel(c.ctx, c.scope, setup.IntentID(intent), reason, c.idem)
}

// verifyMicrodeposits is about bank accounts, which nothing sets up here.
func verifyMicrodeposits(s *Server, c *call) (any, error) {
	o, err := named(s, c, setup.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := s.checkSetupSecret(c, o.Key); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Invalid, "setup_intent_unexpected_state",
		"This SetupIntent (%s) does not wait for microdeposits: only bank accounts are verified by them, and its payment method types are: card.", setup.Intents.ID(c.scope, o.Key))
}

func listSetupAttempts(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, setup.Intents, "setup_intent", "intent"); err != nil {
		return nil, err
	}
	return listOf(s, c, setup.Attempts, where, renderSetupAttempt)
}

func retrieveMandate(s *Server, c *call) (any, error) {
	return retrieve(s, c, vault.Mandates, "mandate", renderMandate)
}
