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
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var intentRoutes = map[string]route{
	"PostPaymentIntents":              {createIntent, merchant.PaymentIntents, merchant.Write},
	"GetPaymentIntents":               {listIntents, merchant.PaymentIntents, merchant.Read},
	"GetPaymentIntentsIntent":         {retrieveIntent, merchant.PaymentIntents, merchant.Read},
	"PostPaymentIntentsIntentConfirm": {confirmIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCapture": {captureIntent, merchant.PaymentIntents, merchant.Write},
	"PostPaymentIntentsIntentCancel":  {cancelIntent, merchant.PaymentIntents, merchant.Write},
}

// notForIntents are parameters of creating and confirming that would be lost
// on us although whoever sends them relies on them: money that goes to others,
// a payer who is asked, another sort of method.
var notForIntents = []string{
	"application_fee_amount", "transfer_data", "on_behalf_of", "customer_account", "confirmation_token", "mandate",
	"payment_method_configuration", "hooks", "amount_to_confirm",
	"payment_method_options[card][capture_method]", "payment_method_options[card][cvc_token]",
	"payment_method_options[card][installments]", "payment_method_options[card][three_d_secure]",
}

func createIntent(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, notForIntents...); err != nil {
		return nil, err
	}
	if err := needConfirm(c, withConfirm...); err != nil {
		return nil, err
	}
	p := payment.CreateParams{Metadata: newMetadata(c)}
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
	if p.Method, err = methodParam(c); err != nil {
		return nil, err
	}
	if p.MethodTypes, p.Automatic, err = methodTypes(c); err != nil {
		return nil, err
	}
	if p.CaptureMethod, err = oneOf(c, "capture_method"); err != nil {
		return nil, err
	}
	if p.CaptureMethod == "" {
		p.CaptureMethod = c.version.CaptureMethod()
	}
	if p.ConfirmationMethod, err = oneOf(c, "confirmation_method"); err != nil {
		return nil, err
	}
	if p.SetupFutureUsage, err = oneOf(c, "setup_future_usage"); err != nil {
		return nil, err
	}
	for name, to := range map[string]*string{
		"description": &p.Description, "transfer_group": &p.TransferGroup,
		"statement_descriptor": &p.Descriptor, "statement_descriptor_suffix": &p.DescriptorSuffix,
	} {
		*to, _ = c.form.String(name)
	}
	p.Confirm, _ = c.form.Bool("confirm")
	return s.Payment.Create(c.ctx, c.scope, p, c.idem)
}

func listIntents(s *Server, c *call) (any, error) {
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
	if p.Method, err = methodParam(c); err != nil {
		return nil, err
	}
	if err := cardAllowed(c); err != nil {
		return nil, err
	}
	if p.CaptureMethod, err = oneOf(c, "capture_method"); err != nil {
		return nil, err
	}
	if p.SetupFutureUsage, err = oneOf(c, "setup_future_usage"); err != nil {
		return nil, err
	}
	return s.Payment.Confirm(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
}

func captureIntent(s *Server, c *call) (any, error) {
	intent, err := pathKey(c, payment.Intents, "intent")
	if err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, "application_fee_amount", "transfer_data", "hooks"); err != nil {
		return nil, err
	}
	if last, ok := c.form.Bool("final_capture"); ok && !last {
		return nil, unsupported("final_capture", "Each PaymentIntent can be captured once.")
	}
	var p payment.CaptureParams
	if p.Amount, err = positive(c, "amount_to_capture"); err != nil {
		return nil, err
	}
	if patch, ok := c.form.Metadata("metadata"); ok {
		p.ClearMetadata, p.Metadata = patch.Clear, patch.Set
		if p.Metadata == nil {
			p.Metadata = map[string]string{}
		}
		for _, name := range patch.Unset {
			p.Metadata[name] = ""
		}
	}
	return s.Payment.Capture(c.ctx, c.scope, payment.IntentID(intent), p, c.idem)
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
	const length, digits = 25, 43 // 25 of the 43 base62 digits of 256 bits are 148 bits
	sum := s.Master.MAC("client_secret", secret.Context(strconv.FormatInt(scope.Key(), 10), strconv.FormatInt(key, 10)))
	text := new(big.Int).SetBytes(sum).Text(62)
	text = strings.Repeat("0", digits-len(text)) + text
	return payment.Intents.ID(scope, key) + "_secret_" + text[digits-length:]
}

// checkClientSecret compares the client_secret that a request may show. For
// publishable keys [publishable] sees to it that there is one.
func (s *Server) checkClientSecret(c *call, intent int64) error {
	shown, ok := c.form.String("client_secret")
	if !ok || subtle.ConstantTimeCompare([]byte(shown), []byte(s.ClientSecret(c.scope, intent))) == 1 {
		return nil
	}
	return fault.Param("client_secret", "payment_intent_invalid_parameter", "The client_secret provided does not match the client_secret associated with this PaymentIntent.")
}

// newAmount reads amount and currency, both of which the operation requires.
func newAmount(c *call) (money.Amount, error) {
	text, _ := c.form.String("currency")
	currency, ok := money.ParseCurrency(text)
	if !ok {
		var all []string
		for known := range money.Currencies() {
			all = append(all, string(known))
		}
		return money.Amount{}, fault.Param("currency", "", "Invalid currency: %s. These currencies are supported: %s", strings.ToLower(clip(text)), strings.Join(all, ", "))
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

func newMetadata(c *call) map[string]string {
	patch, _ := c.form.Metadata("metadata")
	return patch.Set
}

// methodParam reads what to pay with: a payment method's id, a test method's
// name, or a token's id; empty when nothing is said. Card numbers come in
// through payment methods and tokens alone.
func methodParam(c *call) (string, error) {
	const data = "payment_method_data"
	method, ok := c.form.String("payment_method")
	if !c.form.Has(data) {
		return method, nil
	}
	if ok {
		return "", fault.Param(data, "", "You may only specify one of these parameters: payment_method, payment_method_data.")
	}
	if typ, _ := c.form.String(data, "type"); typ != vault.TypeCard {
		return "", fault.Param(data+"[type]", "", "The payment method type \"%s\" is not available. Available: card.", clip(typ))
	}
	if token, ok := c.form.String(data, "card", "token"); ok {
		return token, nil
	}
	if !c.form.Has(data, "card") {
		return "", fault.Param(data+"[card]", "parameter_missing", "Missing required param: %s[card].", data)
	}
	return "", &fault.Error{Kind: fault.Declined, Param: data + "[card]",
		Message: "Card numbers can't be sent here. Make a payment method or a token of the card (POST /v1/payment_methods, POST /v1/tokens) and send its id."}
}

// methodTypes reads which types of payment methods an intent takes: those
// listed, or, unless that is switched off, whatever suits. The older parameter
// payment_method_types lists types that all have to be there; of the newer one
// those that are there are taken.
func methodTypes(c *call) (types []string, automatic string, err error) {
	listed, isListed := c.form.Strings("payment_method_types")
	allowed, isAllowed := c.form.Strings("allowed_payment_method_types")
	enabled, isSet := c.form.Bool("automatic_payment_methods", "enabled")
	switch {
	case enabled && (isListed || isAllowed):
		return nil, "", fault.Param("automatic_payment_methods", "", "You cannot enable `automatic_payment_methods` and specify `payment_method_types` or `allowed_payment_method_types`.")
	case isListed:
		return slices.Compact(listed), "", cardAllowed(c)
	case isAllowed && slices.Contains(allowed, vault.TypeCard):
		return []string{vault.TypeCard}, "", nil
	case isAllowed:
		return nil, "", cardAllowed(c)
	case isSet && !enabled, !isSet && !c.version.AutomaticMethods():
		return nil, "", nil
	}
	if automatic, err = oneOf(c, "automatic_payment_methods", "allow_redirects"); automatic == "" {
		automatic = "always"
	}
	return nil, automatic, err
}

// cardAllowed refuses lists of types that leave out the one there is.
func cardAllowed(c *call) error {
	for _, param := range []string{"payment_method_types", "allowed_payment_method_types"} {
		types, ok := c.form.Strings(param)
		if ok && !slices.Contains(types, vault.TypeCard) {
			return fault.Param(param, "payment_intent_invalid_parameter", "None of the payment method types \"%s\" is available. Available: card.", clip(strings.Join(types, ", ")))
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
