package rest

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
)

var confirmationRoutes = map[string]route{
	"GetConfirmationTokensConfirmationToken": {retrieveConfirmation, merchant.Tokens, merchant.Read},
	"PostTestHelpersConfirmationTokens":      {createConfirmation, merchant.Tokens, merchant.Write},
}

func retrieveConfirmation(s *Server, c *call) (any, error) {
	return retrieve(s, c, vault.ConfirmationTokens, "confirmation_token", renderConfirmation)
}

// createConfirmation makes a token as a payer's page would.
func createConfirmation(s *Server, c *call) (any, error) {
	if c.scope.Livemode {
		return nil, fault.New(fault.Forbidden, "", "Test helpers are there in test mode only.")
	}
	if err := refuseUnsupported(c, "payment_method_options[card][installments]"); err != nil {
		return nil, err
	}
	in := &vault.ConfirmationInput{SDK: true, Shipping: shippingAt(c.form.Get("shipping"))}
	var err error
	if in.Method, in.MethodData, err = s.methodParam(c); err != nil {
		return nil, err
	}
	if in.SetupFutureUsage, err = oneOf(c, "setup_future_usage"); err != nil {
		return nil, err
	}
	in.ReturnURL, _ = c.form.String("return_url")
	if err := checkReturn(in.ReturnURL); err != nil {
		return nil, err
	}
	return s.Vault.CreateConfirmationToken(c.ctx, c.scope, in, c.idem)
}

type shownConfirmation struct {
	ID                   string        `json:"id"`
	Object               string        `json:"object"`
	Created              int64         `json:"created"`
	ExpiresAt            int64         `json:"expires_at"`
	Livemode             bool          `json:"livemode"`
	MandateData          any           `json:"mandate_data"`
	Metadata             any           `json:"metadata"`
	PaymentIntent        any           `json:"payment_intent"`
	PaymentMethodOptions any           `json:"payment_method_options"`
	PaymentMethodPreview *shownPreview `json:"payment_method_preview"`
	ReturnURL            any           `json:"return_url"`
	SetupFutureUsage     any           `json:"setup_future_usage"`
	SetupIntent          any           `json:"setup_intent"`
	Shipping             any           `json:"shipping"`
	UseStripeSDK         bool          `json:"use_stripe_sdk"`
}

// shownPreview is the method that a token is to pay with.
type shownPreview struct {
	AllowRedisplay  string       `json:"allow_redisplay"`
	BillingDetails  shownBilling `json:"billing_details"`
	Customer        any          `json:"customer"`
	CustomerAccount any          `json:"customer_account"`
	Type            string       `json:"type"`
	shownTyped
}

// sentTo is where goods go, as a token shows it.
type sentTo struct {
	Address shownAddress `json:"address"`
	Name    string       `json:"name"`
	Phone   any          `json:"phone"`
}

func renderConfirmation(v *view, o *object.Object[vault.ConfirmationToken]) (any, error) {
	t := &o.Body
	out := &shownConfirmation{ID: vault.ConfirmationTokens.ID(v.scope, o.Key), Object: vault.ConfirmationTokens.Name, Created: o.Created().Unix(),
		ExpiresAt: t.Expires.Unix(), Livemode: v.scope.Livemode, PaymentIntent: text(payment.Intents.ID(v.scope, t.Payment)),
		SetupIntent: text(setup.Intents.ID(v.scope, t.Setup)), ReturnURL: text(t.ReturnURL), SetupFutureUsage: text(t.SetupFutureUsage), UseStripeSDK: t.SDK}
	m, err := load(v, vault.PaymentMethods, t.Method)
	if err != nil || v.tx != nil {
		return out, err
	}
	out.PaymentMethodPreview = &shownPreview{AllowRedisplay: m.Body.AllowRedisplay, shownTyped: typedOf(&m.Body), Type: m.Body.Type,
		Customer: text(vault.Customers.ID(v.scope, m.Body.Customer))}
	if out.PaymentMethodPreview.BillingDetails, err = v.billing(m); err != nil {
		return nil, err
	}
	goods, err := v.s.Vault.ConfirmationShipping(v.ctx, o)
	if goods != nil {
		out.Shipping = &sentTo{addressOf(goods.Address), goods.Name, text(goods.Phone)}
	}
	return out, err
}

// confirmation is what a request takes from a confirmation token. What the
// request itself says wins.
type confirmation struct {
	key    int64
	body   vault.ConfirmationToken
	method string
	goods  *vault.Shipping
}

// confirmationAt reads confirmation_token; nil: there is none.
func (s *Server) confirmationAt(c *call) (*confirmation, error) {
	token, ok := c.form.String("confirmation_token")
	if !ok {
		return nil, nil
	}
	o, err := s.Vault.ReadConfirmation(c.ctx, c.scope, clip(token))
	if err != nil {
		return nil, err
	}
	goods, err := s.Vault.ConfirmationShipping(c.ctx, o)
	return &confirmation{key: o.Key, body: o.Body, method: vault.PaymentMethods.ID(c.scope, o.Body.Method), goods: goods}, err
}

// fill gives what a request leaves out of how it is confirmed.
func (t *confirmation) fill(c *call, method *string, data *vault.MethodInput, payer *payment.Payer) {
	if *method == "" && data == nil {
		*method = t.method
	}
	if payer.ReturnURL == "" {
		payer.ReturnURL = t.body.ReturnURL
	}
	if !c.form.Has("use_stripe_sdk") {
		payer.SDK = t.body.SDK
	}
}

// fillChanges gives what a request leaves out of the payment.
func (t *confirmation) fillChanges(p *payment.Changes) {
	if p.SetupFutureUsage == nil && t.body.SetupFutureUsage != "" {
		p.SetupFutureUsage = &t.body.SetupFutureUsage
	}
	if p.Contact.Shipping == nil {
		p.Contact.Shipping = t.goods
	}
}

// forPayment uses the token up for a payment intent.
func (t *confirmation) forPayment(s *Server, c *call) func(*db.Tx, int64) error {
	const code = "payment_intent_confirmation_token_invalid"
	return func(tx *db.Tx, intent int64) error {
		if intent == 0 {
			_, err := s.Vault.Confirmation(tx, c.scope, t.key, code)
			return err
		}
		return s.Vault.UseConfirmation(tx, c.scope, t.key, intent, 0, code)
	}
}

// forSetup uses the token up for a setup intent.
func (t *confirmation) forSetup(s *Server, c *call) func(*db.Tx, int64) error {
	const code = "setup_intent_confirmation_token_invalid"
	return func(tx *db.Tx, intent int64) error {
		if intent == 0 {
			_, err := s.Vault.Confirmation(tx, c.scope, t.key, code)
			return err
		}
		return s.Vault.UseConfirmation(tx, c.scope, t.key, 0, intent, code)
	}
}
