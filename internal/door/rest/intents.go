package rest

import (
	"crypto/subtle"
	"github.com/florinpay/florin/internal/core/merchant"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var intentRoutes = map[string]route{
	"PostPaymentIntentsIntentVerifyMicrodeposits":    {verifyIntentMicrodeposits, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntents":                             {createIntent, merchant.PaymentIntents, merchant.Write},
	"GetPaymentIntents":                              {listIntents, merchant.PaymentIntents, merchant.Read},
	"GetPaymentIntentsIntent":                        {retrieveIntent, merchant.PaymentIntents, merchant.Read},
	"PostPaymentIntentsIntent":                       {updateIntent, merchant.PaymentIntents, merchant.Write},
	"GetPaymentIntentsIntentAmountDetailsLineItems":  {listLineItems, merchant.PaymentIntents, merchant.Read},
	"PostPaymentIntentsIntentConfirm":                {confirmIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCapture":                {captureIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentIncrementAuthorization": {incrementIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCancel":                 {cancelIntent, merchant.PaymentIntents, merchant.Write},
}

// notForIntents are parameters of creating and confirming that would be lost
// on us although whoever sends them relies on them: money that goes to others,
// a payer who is asked, another sort of method.
var notForIntents = []string{
	"application_fee_amount", "transfer_data", "on_behalf_of", "customer_account",
	"payment_method_options[card][three_d_secure]",
}

// cvcToken is a parameter of confirmations alone.
const cvcToken = "payment_method_options[card][cvc_token]"

func createIntent(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, notForIntents...); err != nil {
		return nil, err
	}
	if confirm, _ := c.form.Bool("confirm"); !confirm {
		if err := refuseUnsupported(c, cvcToken); err != nil {
			return nil, err
		}
	}
	if err := needConfirm(c, withConfirm...); err != nil {
		return nil, err
	}
	var p payment.CreateParams
	var err error
	if p.Payer, err = s.payerAt(c); err != nil {
		return nil, err
	}
	if p.ThreeDSecure, err = oneOf(c, "payment_method_options", "card", "request_three_d_secure"); err != nil {
		return nil, err
	}
	if p.Amount, err = newAmount(c); err != nil {
		return nil, err
	}
	if p.Customer, err = keyOf(c, vault.Customers, "customer"); err != nil {
		return nil, err
	}
	if p.Method, p.MethodData, err = s.methodParam(c); err != nil {
		return nil, err
	}
	if p.Automatic, err = automatic(c); err != nil {
		return nil, err
	}
	if p.CaptureMethod == "" {
		p.CaptureMethod = c.version.CaptureMethod()
	}
	if p.ConfirmationMethod, err = oneOf(c, "confirmation_method"); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	p.Confirm, _ = c.form.Bool("confirm")
	token, err := s.agreementAt(c, &p.Agreement)
	if err != nil {
		return nil, err
	}
	if token != nil {
		token.fill(c, &p.Method, p.MethodData, &p.Payer)
		token.fillChanges(&p.Changes)
	}
	return s.Payment.Create(c.ctx, c.scope, p, c.idem)
}

func updateIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, append([]string{cvcToken}, notForIntents...)...); err != nil {
		return nil, err
	}
	var p payment.UpdateParams
	if p.Amount, err = positive(c, "amount"); err != nil {
		return nil, err
	}
	if c.form.Has("currency") {
		if p.Currency, err = currencyParam(c); err != nil {
			return nil, err
		}
	}
	if p.Customer, err = keyOf(c, vault.Customers, "customer"); err != nil {
		return nil, err
	}
	if p.Method, p.MethodData, err = s.methodParam(c); err != nil {
		return nil, err
	}
	if p.ThreeDSecure, err = oneOf(c, "payment_method_options", "card", "request_three_d_secure"); err != nil {
		return nil, err
	}
	p.ClearMethod = p.MethodData == nil && c.form.Cleared("payment_method")
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	return s.Payment.Update(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

func listIntents(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "customer_account"); err != nil {
		return nil, err
	}
	where := map[string]any{}
	if err := filter(s, c, where, vault.Customers, "customer", "customer"); err != nil {
		return nil, err
	}
	return listOf(s, c, payment.Intents, where, renderIntent)
}

func retrieveIntent(s *Server, c *call) (any, error) {
	o, err := named(s, c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := s.checkClientSecret(c, o.Key); err != nil {
		return nil, err
	}
	return renderIntent(s.view(c), o)
}

func confirmIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if c.form.Has("client_secret") {
		if _, err := named(s, c, payment.Intents, "intent"); err != nil {
			return nil, err
		}
		if err := s.checkClientSecret(c, intent); err != nil {
			return nil, err
		}
	}
	if err := refuseUnsupported(c, notForIntents...); err != nil {
		return nil, err
	}
	var p payment.ConfirmParams
	if p.Payer, err = s.payerAt(c); err != nil {
		return nil, err
	}
	if p.ThreeDSecure, err = oneOf(c, "payment_method_options", "card", "request_three_d_secure"); err != nil {
		return nil, err
	}
	if p.Method, p.MethodData, err = s.methodParam(c); err != nil {
		return nil, err
	}
	if p.AmountToConfirm, err = positive(c, "amount_to_confirm"); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	token, err := s.agreementAt(c, &p.Agreement)
	if err != nil {
		return nil, err
	}
	if token != nil {
		token.fill(c, &p.Method, p.MethodData, &p.Payer)
		token.fillChanges(&p.Changes)
	}
	return s.Payment.Confirm(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

func captureIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, "application_fee_amount", "transfer_data"); err != nil {
		return nil, err
	}
	var p payment.CaptureParams
	if last, ok := c.form.Bool("final_capture"); ok {
		p.More = !last
	}
	if p.Amount, err = positive(c, "amount_to_capture"); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	return s.Payment.Capture(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

func incrementIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, "application_fee_amount", "transfer_data"); err != nil {
		return nil, err
	}
	var p payment.IncrementParams
	if p.Amount, err = positive(c, "amount"); err != nil {
		return nil, err
	}
	if p.Changes, err = s.changesOf(c); err != nil {
		return nil, err
	}
	return s.Payment.Increment(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

func cancelIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	reason, err := oneOf(c, "cancellation_reason")
	if err != nil {
		return nil, err
	}
	return s.Payment.Cancel(c.ctx, c.scope, payment.IntentID(intent), reason, c.idem)
}

// ClientSecret is what a browser shows to see and confirm an intent. It is
// computed, so that nothing secret is stored with the intent.
func (s *Server) ClientSecret(scope id.Scope, key int64) string {
	return payment.Intents.ID(scope, key) + s.secretPart(scope, key)
}

// SetupSecret is [Server.ClientSecret] of a setup intent.
func (s *Server) SetupSecret(scope id.Scope, key int64) string {
	return setup.Intents.ID(scope, key) + s.secretPart(scope, key)
}

// secretPart is what follows an intent's id in its client secret. Keys are
// unique across kinds of objects.
func (s *Server) secretPart(scope id.Scope, key int64) string {
	const length, digits = 25, 43 // 25 of the 43 base62 digits of 256 bits are 148 bits
	sum := s.Master.MAC("client_secret", secret.Context(strconv.FormatInt(scope.Key(), 10), strconv.FormatInt(key, 10)))
	text := new(big.Int).SetBytes(sum).Text(62)
	text = strings.Repeat("0", digits-len(text)) + text
	return "_secret_" + text[digits-length:]
}

// checkClientSecret compares the client_secret that a request may show. For
// publishable keys [publishable] sees to it that there is one.
func (s *Server) checkClientSecret(c *call, intent int64) error {
	return matchSecret(c, s.ClientSecret(c.scope, intent), "payment_intent_invalid_parameter", "PaymentIntent")
}

// checkSetupSecret is [Server.checkClientSecret] of a setup intent.
func (s *Server) checkSetupSecret(c *call, intent int64) error {
	return matchSecret(c, s.SetupSecret(c.scope, intent), "setup_intent_invalid_parameter", "SetupIntent")
}

// verifyIntentMicrodeposits refuses: only bank accounts are verified by
// microdeposits, and no intent of ours is paid from one.
func verifyIntentMicrodeposits(s *Server, c *call) (any, error) {
	o, err := named(s, c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := s.checkClientSecret(c, o.Key); err != nil {
		return nil, err
	}
	return nil, fault.New(fault.Invalid, "payment_intent_unexpected_state",
		"This PaymentIntent (%s) does not wait for microdeposits: only bank accounts are verified by them, and its payment method types are: card.", payment.Intents.ID(c.scope, o.Key))
}

func matchSecret(c *call, secret, code, noun string) error {
	shown, ok := c.form.String("client_secret")
	if !ok || subtle.ConstantTimeCompare([]byte(shown), []byte(secret)) == 1 {
		return nil
	}
	return fault.Param("client_secret", code, "The client_secret provided does not match the client_secret associated with this %s.", noun)
}

// currencyParam reads a currency.
func currencyParam(c *call) (money.Currency, error) {
	text, _ := c.form.String("currency")
	currency, ok := money.ParseCurrency(text)
	if ok {
		return currency, nil
	}
	var all []string
	for known := range money.Currencies() {
		all = append(all, string(known))
	}
	return "", fault.Param("currency", "", "Invalid currency: %s. These currencies are supported: %s", strings.ToLower(clip(text)), strings.Join(all, ", "))
}

// newAmount reads amount and currency, both of which the operation requires.
func newAmount(c *call) (money.Amount, error) {
	currency, err := currencyParam(c)
	if err != nil {
		return money.Amount{}, err
	}
	n, err := positive(c, "amount")
	if err != nil {
		return money.Amount{}, err
	}
	amount, err := money.FromAPI(n, currency)
	if err != nil {
		return amount, fault.Param("amount", "parameter_invalid_integer", "Invalid amount: %d can't be charged in %s, whose smallest amount is larger.", n, currency)
	}
	return amount, nil
}

// positive reads an amount that, where it is given, must be more than nothing;
// zero when it is not given.
func positive(c *call, param string) (int64, error) {
	n, ok := c.form.Int64(param)
	if ok && n < 1 {
		return 0, fault.Param(param, "parameter_invalid_integer", "This value must be greater than or equal to 1.")
	}
	return n, nil
}

// oneOf reads a parameter that is one of those the document lists; empty when
// it is not given. The document calls some of its lists incomplete, but no
// other value would be understood here.
func oneOf(c *call, path ...string) (string, error) {
	value, _ := c.form.String(path...)
	param, name := c.op.Params, path[0]
	for i, part := range path {
		param = param.Field(part).Param
		if i > 0 {
			name += "[" + part + "]"
		}
	}
	if value == "" || slices.Contains(param.Enum, value) {
		return value, nil
	}
	return "", fault.Param(name, "", "Invalid %s: must be one of %s", name, strings.Join(param.Enum, ", "))
}

// someOf reads a list of texts, each of which must be one that the document names;
// nil: it was not given.
func someOf(c *call, name string) (*[]string, error) {
	list, ok := c.form.Strings(name)
	if !ok {
		return nil, nil
	}
	known := c.op.Params.Field(name).Param.Element.Enum
	for _, value := range list {
		if !slices.Contains(known, value) {
			return nil, fault.Param(name, "", "Invalid %s: must be one of %s", name, strings.Join(known, ", "))
		}
	}
	return &list, nil
}

func newMetadata(c *call) map[string]string {
	patch, _ := c.form.Metadata("metadata")
	return patch.Set
}

// someAllowed refuses lists of types that have none that there is.
func (s *Server) someAllowed(c *call) error {
	there := s.Payment.Types(c.scope)
	for _, param := range []string{"payment_method_types", "allowed_payment_method_types"} {
		types, ok := c.form.Strings(param)
		if ok && !slices.ContainsFunc(there, func(t string) bool { return slices.Contains(types, t) }) {
			return fault.Param(param, "payment_intent_invalid_parameter", "None of the payment method types \"%s\" is available. Available: %s.", clip(strings.Join(types, ", ")), strings.Join(there, ", "))
		}
	}
	return nil
}

// refuseUnsupported refuses parameters, in bracket form, that are given.
func refuseUnsupported(c *call, params ...string) error {
	for _, param := range params {
		path := strings.FieldsFunc(param, func(r rune) bool { return r == '[' || r == ']' })
		if c.form.Has(path...) && !c.form.Cleared(path...) {
			return unsupported(param, "")
		}
	}
	return nil
}

func unsupported(param, hint string) error {
	return fault.Param(param, "", "%s", strings.TrimSpace("Florin does not support this use of '"+param+"' yet. "+hint))
}
