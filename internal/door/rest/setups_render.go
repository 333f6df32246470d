package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
)

// publicSetup is what holders of a publishable key and the client secret see of
// a setup intent.
type publicSetup struct {
	ID                                string       `json:"id"`
	Object                            string       `json:"object"`
	AllowedPaymentMethodTypes         any          `json:"allowed_payment_method_types"`
	AutomaticPaymentMethods           any          `json:"automatic_payment_methods"`
	CancellationReason                any          `json:"cancellation_reason"`
	ClientSecret                      string       `json:"client_secret"`
	Created                           int64        `json:"created"`
	Description                       any          `json:"description"`
	LastSetupError                    any          `json:"last_setup_error"`
	Livemode                          bool         `json:"livemode"`
	NextAction                        any          `json:"next_action"`
	PaymentMethod                     any          `json:"payment_method"`
	PaymentMethodConfigurationDetails any          `json:"payment_method_configuration_details"`
	PaymentMethodTypes                []string     `json:"payment_method_types"`
	Status                            setup.Status `json:"status"`
	Usage                             string       `json:"usage"`
}

// fullSetup is what the merchant sees.
type fullSetup struct {
	publicSetup
	Application                any               `json:"application"`
	Customer                   any               `json:"customer"`
	CustomerAccount            any               `json:"customer_account"`
	ExcludedPaymentMethodTypes any               `json:"excluded_payment_method_types"`
	FlowDirections             any               `json:"flow_directions"`
	LatestAttempt              any               `json:"latest_attempt"`
	ManagedPayments            any               `json:"managed_payments"`
	Mandate                    any               `json:"mandate"`
	Metadata                   map[string]string `json:"metadata"`
	OnBehalfOf                 any               `json:"on_behalf_of"`
	PaymentMethodOptions       map[string]any    `json:"payment_method_options"`
	SingleUseMandate           any               `json:"single_use_mandate"`
}

func renderSetup(v *view, o *object.Object[setup.Intent]) (any, error) {
	if !v.secret {
		v = v.public()
	}
	i := &o.Body
	out := &fullSetup{
		publicSetup: publicSetup{
			ID: setup.Intents.ID(v.scope, o.Key), Object: setup.Intents.Name, CancellationReason: text(i.CanceledReason),
			ClientSecret: v.s.SetupSecret(v.scope, o.Key), Created: o.Created().Unix(), Description: text(i.Description), Livemode: v.scope.Livemode,
			NextAction: nextAction(i.Action), PaymentMethodTypes: i.MethodTypes, Status: i.Status, Usage: i.Usage,
		},
		Metadata: metadata(i.Metadata),
		PaymentMethodOptions: map[string]any{"card": map[string]any{
			"mandate_options": nil, "network": text(i.Network), "request_three_d_secure": wish(i.ThreeDSecure),
		}},
	}
	if i.Automatic != "" {
		out.AutomaticPaymentMethods = map[string]any{"allow_redirects": i.Automatic, "enabled": true}
	} else {
		out.AllowedPaymentMethodTypes = i.MethodTypes
	}
	if len(i.Excluded) > 0 {
		out.ExcludedPaymentMethodTypes = i.Excluded
	}
	if len(i.Directions) > 0 {
		out.FlowDirections = i.Directions
	}
	if err := out.refer(v, i); err != nil {
		return nil, err
	}
	if !v.secret {
		return &out.publicSetup, nil
	}
	return out, nil
}

// refer fills in the other objects that a setup intent shows.
func (out *fullSetup) refer(v *view, i *setup.Intent) (err error) {
	if out.PaymentMethod, err = ref(v, "payment_method", vault.PaymentMethods, i.Method, renderMethod); err != nil {
		return err
	}
	if i.LastError != nil && v.tx == nil {
		body := errorBody(&i.LastError.Error)
		if body.PaymentMethod, err = v.methodAt(i.LastError.Method); err != nil {
			return err
		}
		out.LastSetupError = body
	}
	if !v.secret {
		return nil
	}
	if out.Customer, err = ref(v, "customer", vault.Customers, i.Customer, renderCustomer); err != nil {
		return err
	}
	if out.Mandate, err = ref(v, "mandate", vault.Mandates, i.Mandate, renderMandate); err != nil {
		return err
	}
	out.LatestAttempt, err = ref(v, "latest_attempt", setup.Attempts, int64(i.LatestAttempt), renderSetupAttempt)
	return err
}

type shownSetupAttempt struct {
	ID                   string         `json:"id"`
	Object               string         `json:"object"`
	Application          any            `json:"application"`
	Created              int64          `json:"created"`
	Customer             any            `json:"customer"`
	CustomerAccount      any            `json:"customer_account"`
	FlowDirections       any            `json:"flow_directions"`
	Livemode             bool           `json:"livemode"`
	OnBehalfOf           any            `json:"on_behalf_of"`
	PaymentMethod        any            `json:"payment_method"`
	PaymentMethodDetails map[string]any `json:"payment_method_details"`
	SetupError           any            `json:"setup_error"`
	SetupIntent          any            `json:"setup_intent"`
	Status               setup.State    `json:"status"`
	Usage                string         `json:"usage"`
}

// triedCard is the card that an attempt was made with, as it was.
type triedCard struct {
	Brand        any         `json:"brand"`
	Checks       shownChecks `json:"checks"`
	Country      any         `json:"country"`
	ExpMonth     int         `json:"exp_month"`
	ExpYear      int         `json:"exp_year"`
	Fingerprint  any         `json:"fingerprint"`
	Funding      any         `json:"funding"`
	Last4        any         `json:"last4"`
	Network      any         `json:"network"`
	ThreeDSecure any         `json:"three_d_secure"`
	Wallet       any         `json:"wallet"`
}

func renderSetupAttempt(v *view, o *object.Object[setup.Attempt]) (any, error) {
	a := &o.Body
	out := &shownSetupAttempt{ID: setup.Attempts.ID(v.scope, o.Key), Object: setup.Attempts.Name, Created: o.Created().Unix(),
		Livemode: v.scope.Livemode, Status: a.State, Usage: a.Usage}
	if len(a.Directions) > 0 {
		out.FlowDirections = a.Directions
	}
	card := &triedCard{}
	if a.ThreeDS != nil {
		card.ThreeDSecure = threeDSOf(a.ThreeDS)
	}
	if was, err := v.methodVersion(a.Method); err != nil {
		return nil, err
	} else if was != nil && was.Body.Type != vault.TypeCard {
		out.PaymentMethodDetails = map[string]any{"type": was.Body.Type, was.Body.Type: map[string]any{}}
	} else if was != nil {
		c := &was.Body.Card
		card.Brand, card.Checks, card.Country, card.ExpMonth, card.ExpYear = c.Brand, checksOf(c.Checks), text(c.Country), c.ExpMonth, c.ExpYear
		card.Fingerprint, card.Funding, card.Last4, card.Network = c.Fingerprint, c.Funding, c.Last4, c.Brand
	}
	if out.PaymentMethodDetails == nil {
		out.PaymentMethodDetails = map[string]any{"type": vault.TypeCard, "card": card}
	}
	var err error
	if a.Error != nil && v.tx == nil {
		body := errorBody(a.Error)
		if body.PaymentMethod, err = v.methodAt(a.Method); err != nil {
			return nil, err
		}
		out.SetupError = body
	}
	if out.Customer, err = ref(v, "customer", vault.Customers, a.Customer, renderCustomer); err != nil {
		return nil, err
	}
	if out.PaymentMethod, err = ref(v, "payment_method", vault.PaymentMethods, a.Method.Key, renderMethod); err != nil {
		return nil, err
	}
	out.SetupIntent, err = ref(v, "setup_intent", setup.Intents, int64(a.Intent), renderSetup)
	return out, err
}

type shownMandate struct {
	ID                   string          `json:"id"`
	Object               string          `json:"object"`
	CustomerAcceptance   map[string]any  `json:"customer_acceptance"`
	Livemode             bool            `json:"livemode"`
	MultiUse             *struct{}       `json:"multi_use,omitempty"`
	PaymentMethod        any             `json:"payment_method"`
	PaymentMethodDetails map[string]any  `json:"payment_method_details"`
	SingleUse            *shownSingleUse `json:"single_use,omitempty"`
	Status               string          `json:"status"`
	Type                 string          `json:"type"`
}

type shownSingleUse struct {
	Amount   int64          `json:"amount"`
	Currency money.Currency `json:"currency"`
}

func renderMandate(v *view, o *object.Object[vault.Mandate]) (any, error) {
	m := &o.Body
	accepted := map[string]any{"accepted_at": nil, "type": m.Acceptance}
	if !m.AcceptedAt.IsZero() {
		accepted["accepted_at"] = m.AcceptedAt.Unix()
	}
	if m.Acceptance == "offline" {
		accepted["offline"] = map[string]any{}
	} else if v.tx == nil {
		from, err := v.s.Vault.Acceptance(v.ctx, o)
		if err != nil {
			return nil, err
		}
		accepted["online"] = map[string]any{"ip_address": text(from.IP), "user_agent": text(from.UserAgent)}
	}
	out := &shownMandate{ID: vault.Mandates.ID(v.scope, o.Key), Object: vault.Mandates.Name, CustomerAcceptance: accepted, Livemode: v.scope.Livemode,
		MultiUse: new(struct{}), Status: string(m.Status), Type: "multi_use"}
	if m.Single != nil {
		n := counter{currency: m.Single.Currency}
		out.MultiUse, out.Type, out.SingleUse = nil, "single_use", &shownSingleUse{n.api(m.Single.Amount), m.Single.Currency}
		if n.err != nil {
			return nil, n.err
		}
	}
	var err error
	if out.PaymentMethodDetails, err = v.permitted(o); err != nil {
		return nil, err
	}
	out.PaymentMethod, err = ref(v, "payment_method", vault.PaymentMethods, m.Method, renderMethod)
	return out, err
}
