package rest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// intent makes a PaymentIntent over 10 dollars with further parameters.
func (h *harness) intent(params ...string) *answered {
	h.t.Helper()
	return h.post("/v1/payment_intents", pairs(append([]string{"amount", "1000", "currency", "usd"}, params...)...))
}

// paid makes a PaymentIntent that has succeeded.
func (h *harness) paid(params ...string) *answered {
	h.t.Helper()
	return h.intent(append([]string{"payment_method", "pm_card_visa", "confirm", "true"}, params...)...).ok().has(map[string]any{"status": "succeeded"})
}

// validIntent checks an intent against its schema, whole.
func validIntent(t testing.TB, text []byte) {
	t.Helper()
	validate(t, "payment_intent", text)
	complete(t, "payment_intent", text)
}

func TestIntentPaidAtOnce(t *testing.T) {
	h := newHarness(t)
	a := h.post("/v1/payment_intents", pairs(
		"amount", "2000", "currency", "EUR", "payment_method", "pm_card_visa", "confirm", "true", "description", "Order 7",
		"metadata[order]", "7", "statement_descriptor_suffix", "ORDER 7", "transfer_group", "g", "setup_future_usage", "off_session",
		"receipt_email", "jo@example.com", "return_url", "https://example.com/", "use_stripe_sdk", "true", "off_session", "true",
		"error_on_requires_action", "true", "automatic_payment_methods[enabled]", "true", "automatic_payment_methods[allow_redirects]", "never",
		"expand[]", "latest_charge.balance_transaction", "expand[]", "payment_method",
	)).ok()
	validIntent(t, a.text)
	a.has(map[string]any{
		"object": "payment_intent", "amount": 2000, "amount_received": 2000, "amount_capturable": 0, "currency": "eur", "status": "succeeded",
		"description": "Order 7", "metadata.order": "7", "statement_descriptor_suffix": "ORDER 7", "transfer_group": "g",
		"capture_method": "automatic_async", "confirmation_method": "automatic", "setup_future_usage": "off_session", "livemode": false,
		"automatic_payment_methods.enabled": true, "automatic_payment_methods.allow_redirects": "never", "allowed_payment_method_types": nil,
		"payment_method_types.0": "card", "next_action": nil, "processing": nil, "last_payment_error": nil, "canceled_at": nil,
		"payment_method.object": "payment_method", "payment_method.card.last4": "4242",
		"latest_charge.object": "charge", "latest_charge.paid": true, "latest_charge.captured": true, "latest_charge.amount_captured": 2000,
		"latest_charge.payment_intent": a.str("id"), "latest_charge.description": "Order 7", "latest_charge.metadata.order": "7",
		"latest_charge.balance_transaction.object": "balance_transaction", "latest_charge.balance_transaction.amount": 2000,
		"latest_charge.balance_transaction.type": "charge",
	})
	if id := a.str("id"); !strings.HasPrefix(id, "pi_") || !strings.HasPrefix(a.str("client_secret"), id+"_secret_") || len(a.str("client_secret")) < len(id)+8+25 {
		t.Errorf("id %s, client secret %s", id, a.str("client_secret"))
	}
	validate(t, "charge", a.part("latest_charge"))
	validate(t, "payment_method", a.part("payment_method"))
	validate(t, "balance_transaction", a.part("latest_charge.balance_transaction"))
	h.checkBooks()

	again := h.get("/v1/payment_intents/" + a.str("id")).ok()
	validIntent(t, again.text)
	again.has(map[string]any{"latest_charge": a.str("latest_charge.id"), "payment_method": a.str("payment_method.id"), "client_secret": a.str("client_secret")})
}

func TestMethodTypes(t *testing.T) {
	h := harnessWith(t, approving())
	automatic := map[string]any{
		"automatic_payment_methods.enabled": true, "automatic_payment_methods.allow_redirects": "always",
		"payment_method_types.0": "card", "allowed_payment_method_types": nil,
	}
	listed := map[string]any{"automatic_payment_methods": nil, "payment_method_types.0": "card", "payment_method_types.1": nil, "allowed_payment_method_types.0": "card"}
	for _, c := range []struct {
		params []string
		want   map[string]any
	}{
		{nil, automatic},
		{[]string{"automatic_payment_methods[enabled]", "true"}, automatic},
		{[]string{"automatic_payment_methods[enabled]", "false"}, listed},
		{[]string{"payment_method_types[]", "card"}, listed},
		{[]string{"payment_method_types[]", "card", "payment_method_types[]", "card"}, listed},
		{[]string{"allowed_payment_method_types[]", "klarna", "allowed_payment_method_types[]", "card"}, listed},
		{[]string{"payment_method_types[]", "card", "automatic_payment_methods[enabled]", "false"}, listed},
	} {
		a := h.intent(c.params...).ok().has(c.want)
		validIntent(t, a.text)
	}
	for _, params := range [][]string{
		{"payment_method_types[]", "card", "automatic_payment_methods[enabled]", "true"},
		{"allowed_payment_method_types[]", "card", "automatic_payment_methods[enabled]", "true"},
		{"payment_method_types[]", "klarna"},
		{"payment_method_types[]", "card", "payment_method_types[]", "klarna"},
		{"allowed_payment_method_types[]", "klarna"},
	} {
		h.intent(params...).is(400).has(map[string]any{"error.type": "invalid_request_error"})
	}
}

func TestIntentStepByStep(t *testing.T) {
	h := newHarness(t)
	a := h.intent().ok().has(map[string]any{"status": "requires_payment_method", "payment_method": nil, "latest_charge": nil, "amount_received": 0})
	validIntent(t, a.text)
	path := "/v1/payment_intents/" + a.str("id")
	h.post(path+"/confirm", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
	h.post(path+"/capture", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})

	a = h.post(path+"/confirm", pairs("payment_method", "pm_card_mastercard", "capture_method", "manual")).ok()
	validIntent(t, a.text)
	a.has(map[string]any{"status": "requires_capture", "amount_capturable": 1000, "amount_received": 0, "capture_method": "manual"})
	h.post(path+"/confirm", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})

	a = h.post(path+"/capture", pairs("amount_to_capture", "700", "final_capture", "true", "metadata[a]", "b", "expand[]", "latest_charge")).ok()
	validIntent(t, a.text)
	a.has(map[string]any{
		"status": "succeeded", "amount": 1000, "amount_capturable": 0, "amount_received": 700, "metadata.a": "b",
		"latest_charge.amount": 1000, "latest_charge.amount_captured": 700, "latest_charge.amount_refunded": 0, "latest_charge.captured": true,
		"latest_charge.payment_method_details.card.brand": "mastercard", "latest_charge.payment_method_details.card.amount_authorized": 1000,
	})
	h.post(path+"/capture", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
	h.post(path+"/cancel", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
	h.checkBooks()
}

func TestCaptureMetadata(t *testing.T) {
	h := harnessWith(t, approving())
	hold := func() string {
		return "/v1/payment_intents/" + h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual", "metadata[a]", "1", "metadata[b]", "2").ok().str("id") + "/capture"
	}
	h.post(hold(), "metadata[a]=&metadata[c]=3").ok().has(map[string]any{"metadata.a": nil, "metadata.b": "2", "metadata.c": "3"})
	h.post(hold(), "metadata=").ok().has(map[string]any{"metadata.a": nil, "metadata.b": nil})
	var many []string
	for i := range 49 {
		many = append(many, "metadata["+strings.Repeat("k", i+1)[:min(i+1, 30)]+string(rune('A'+i%26))+"]", "x")
	}
	path := hold()
	h.post(path, pairs(many...)).is(400).has(map[string]any{"error.param": "metadata"})
	h.post(path, "").ok().has(map[string]any{"metadata.a": "1"})
}

func TestCancel(t *testing.T) {
	h := newHarness(t)
	for name, c := range map[string]struct {
		params []string
		want   map[string]any
	}{
		"without a method": {nil, map[string]any{"latest_charge": nil}},
		"with a method":    {[]string{"payment_method", "pm_card_visa"}, map[string]any{"latest_charge": nil}},
		"authorised": {
			[]string{"payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual"},
			map[string]any{"latest_charge.refunded": true, "latest_charge.amount_refunded": 1000, "latest_charge.captured": false, "latest_charge.balance_transaction": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			path := "/v1/payment_intents/" + h.intent(c.params...).ok().str("id")
			a := h.post(path+"/cancel", "cancellation_reason=duplicate&expand[]=latest_charge").ok().has(c.want)
			a.has(map[string]any{"status": "canceled", "cancellation_reason": "duplicate", "amount_capturable": 0, "amount_received": 0})
			if a.at("canceled_at") == nil {
				t.Error("it doesn't say when")
			}
			validIntent(t, a.text)
			h.post(path+"/cancel", "").is(400)
			h.post(path+"/confirm", "payment_method=pm_card_visa").is(400)
		})
	}
	h.post("/v1/payment_intents/"+h.intent().str("id")+"/cancel", "cancellation_reason=boredom").is(400).has(map[string]any{"error.param": "cancellation_reason"})
	h.checkBooks()
}

// declines are the test cards that an issuer refuses, and what is told of it.
var declines = []struct{ method, code, reason, advice, param, network string }{
	{"pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later", "", "05"},
	{"pm_card_chargeCustomerFail", "card_declined", "generic_decline", "try_again_later", "", "05"},
	{"pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later", "", "51"},
	{"pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again", "", "41"},
	{"pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again", "", "43"},
	{"pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data", "exp_month", "54"},
	{"pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data", "cvc", "N7"},
	{"pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later", "", "96"},
	{"pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded", "", "", "65"},
	{"pm_card_chargeDeclinedFraudulent", "card_declined", "fraudulent", "", "", "59"},
}

func TestDeclines(t *testing.T) {
	h := newHarness(t)
	orNil := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	for _, d := range declines {
		t.Run(d.method, func(t *testing.T) {
			h := h.in(t)
			a := h.intent("payment_method", d.method, "confirm", "true", "expand[]", "latest_charge").is(402)
			want := map[string]any{"type": "card_error", "code": d.code, "decline_code": d.reason, "advice_code": orNil(d.advice), "param": orNil(d.param), "payment_method.object": "payment_method"}
			for path, value := range want {
				a.has(map[string]any{"error." + path: value, "error.payment_intent.last_payment_error." + path: value})
			}
			validate(t, "api_errors", a.part("error"))
			validIntent(t, a.part("error.payment_intent"))
			validate(t, "charge", a.part("error.payment_intent.latest_charge"))
			charge := a.str("error.charge")
			a.has(map[string]any{
				"error.payment_intent.status": "requires_payment_method", "error.payment_intent.payment_method": nil,
				"error.payment_intent.last_payment_error.charge": charge, "error.payment_intent.latest_charge.id": charge,
				"error.payment_intent.latest_charge.outcome.reason": d.reason, "error.payment_intent.latest_charge.outcome.network_decline_code": d.network,
				"error.payment_intent.latest_charge.outcome.type": "issuer_declined", "error.payment_intent.latest_charge.outcome.network_status": "declined_by_network",
			})
			got := h.get("/v1/charges/" + charge).ok()
			validate(t, "charge", got.text)
			got.has(map[string]any{"status": "failed", "paid": false, "captured": false, "failure_code": d.code, "failure_message": a.str("error.message"), "balance_transaction": nil})

			path := "/v1/payment_intents/" + a.str("error.payment_intent.id")
			h.get(path).ok().has(map[string]any{"last_payment_error.charge": charge, "latest_charge": charge})
			h.post(path+"/confirm", "payment_method=pm_card_visa").ok().has(map[string]any{"status": "succeeded", "last_payment_error": nil})
		})
	}
	h.checkBooks()
}

// What certainly did not happen, and was not judged either, leaves no charge.
func TestProviderFailed(t *testing.T) {
	h := newHarness(t)
	h.say("authorize", provider.Outcome{Status: provider.Failed})
	a := h.intent("payment_method", "pm_card_visa", "confirm", "true").is(402)
	a.has(map[string]any{
		"error.type": "card_error", "error.code": "processing_error", "error.charge": nil,
		"error.payment_intent.status": "requires_payment_method", "error.payment_intent.latest_charge": nil, "error.payment_intent.last_payment_error.charge": nil,
	})
	validate(t, "api_errors", a.part("error"))
	h.checkBooks()
}

func TestUnknownOutcome(t *testing.T) {
	h := newHarness(t)
	h.say("authorize", provider.Outcome{})
	a := h.intent("payment_method", "pm_card_visa", "confirm", "true").ok().has(map[string]any{"status": "processing", "latest_charge": nil, "amount_received": 0})
	validIntent(t, a.text)
	path := "/v1/payment_intents/" + a.str("id")
	h.post(path+"/confirm", "payment_method=pm_card_visa").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
	h.post(path+"/cancel", "").is(429).has(map[string]any{"error.code": "lock_timeout"})
	h.checkBooks()
}

// While the outcome of a capture is open nothing else may be done.
func TestOpenCaptureLocks(t *testing.T) {
	h := newHarness(t)
	path := "/v1/payment_intents/" + h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").ok().str("id")
	h.say("capture", provider.Outcome{})
	h.post(path+"/capture", "").ok().has(map[string]any{"status": "requires_capture", "amount_capturable": 1000})
	for _, operation := range []string{"/capture", "/cancel"} {
		a := h.post(path+operation, "", "Idempotency-Key", "second"+operation).is(429)
		a.has(map[string]any{"error.code": "lock_timeout", "error.type": "invalid_request_error"})
		if got := a.header.Get("Stripe-Should-Retry"); got != "false" {
			t.Errorf("Stripe-Should-Retry is %q", got)
		}
	}
	h.checkBooks()
}

func TestCaptureAndVoidRefused(t *testing.T) {
	h := newHarness(t)
	path := "/v1/payment_intents/" + h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").ok().str("id")
	h.say("capture", provider.Outcome{Status: provider.Declined, Reason: "generic_decline"})
	h.say("reverse", provider.Outcome{Status: provider.Declined})
	for _, operation := range []string{"/capture", "/cancel"} {
		a := h.post(path+operation, "").is(402).has(map[string]any{"error.type": "card_error", "error.payment_intent.status": "requires_capture"})
		validIntent(t, a.part("error.payment_intent"))
	}
	h.get(path).ok().has(map[string]any{"cancellation_reason": nil, "canceled_at": nil, "amount_capturable": 1000})
	h.checkBooks()
}

// refusals are requests that are wrong, and what is said of them.
func TestIntentRefusals(t *testing.T) {
	h := harnessWith(t, approving())
	known := "/v1/payment_intents/" + h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").ok().str("id")
	open := "/v1/payment_intents/" + h.intent().ok().str("id")
	foreign := h.post("/v1/payment_intents", "amount=1000&currency=usd", "Authorization", "Bearer "+otherSecretKey).ok().str("id")
	for _, c := range []struct {
		path, params string
		status       int
		code, param  any
		message      string
	}{
		{"/v1/payment_intents", "currency=usd", 400, "parameter_missing", "amount", "Missing required param: amount."},
		{"/v1/payment_intents", "amount=1000", 400, "parameter_missing", "currency", "Missing required param: currency."},
		{"/v1/payment_intents", "amount=1000&currency=usd&colour=red", 400, "parameter_unknown", "colour", "Received unknown parameter: colour"},
		{"/v1/payment_intents", "amount=1000&currency=XXX", 400, nil, "currency", "Invalid currency: xxx. "},
		{"/v1/payment_intents", "amount=ten&currency=usd", 400, "parameter_invalid_integer", "amount", "Invalid integer: ten"},
		{"/v1/payment_intents", "amount=0&currency=usd", 400, "parameter_invalid_integer", "amount", "This value must be greater"},
		{"/v1/payment_intents", "amount=-5&currency=usd", 400, "parameter_invalid_integer", "amount", "This value must be greater"},
		{"/v1/payment_intents", "amount=49&currency=usd", 400, "amount_too_small", "amount", ""},
		{"/v1/payment_intents", "amount=9999999999999&currency=usd", 400, "amount_too_large", "amount", ""},
		{"/v1/payment_intents", "amount=10001&currency=kwd", 400, "parameter_invalid_integer", "amount", "Invalid amount: 10001"},
		{"/v1/payment_intents", "amount=550&currency=ugx", 400, "parameter_invalid_integer", "amount", "Invalid amount: 550"},
		{"/v1/payment_intents", "amount=1000&currency=usd&customer=cus_nobody", 400, "resource_missing", "customer", "No such customer: 'cus_nobody'"},
		{"/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_nothing", 400, "resource_missing", "payment_method", "No such PaymentMethod: 'pm_nothing'"},
		{"/v1/payment_intents", "amount=1000&currency=usd&confirm=true", 400, "payment_intent_unexpected_state", nil, ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&capture_method=never", 400, nil, "capture_method", ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&transfer_data[destination]=acct_1", 400, nil, "transfer_data", "Florin does not support"},
		{"/v1/payment_intents", "amount=1000&currency=usd&payment_method_options[card][request_three_d_secure]=never", 400, nil, "payment_method_options[card][request_three_d_secure]", ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&return_url=https://shop.example", 400, nil, "return_url", "The parameter `return_url` can only be used with confirm=true."},
		{"/v1/payment_intents", "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa&return_url=javascript:alert(1)", 400, "url_invalid", "return_url", "Not a valid URL"},
		{open + "/confirm", "payment_method=pm_card_visa&return_url=nowhere", 400, "url_invalid", "return_url", ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa&payment_method_data[type]=card", 400, nil, "payment_method_data", ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&payment_method_data[type]=klarna", 400, nil, "payment_method_data[type]", ""},
		{"/v1/payment_intents", "amount=1000&currency=usd&payment_method_data[type]=card", 400, "parameter_missing", "payment_method_data[card]", ""},
		{"/v1/payment_intents/pi_nothing/confirm", "", 404, "resource_missing", "intent", "No such payment_intent: 'pi_nothing'"},
		{"/v1/payment_intents/pi_nothing/capture", "", 404, "resource_missing", "intent", ""},
		{"/v1/payment_intents/pi_nothing/cancel", "", 404, "resource_missing", "intent", ""},
		{"/v1/payment_intents/" + foreign + "/cancel", "", 404, "resource_missing", "intent", "No such payment_intent: '" + foreign + "'"},
		{"/v1/payment_intents/" + foreign + "/confirm", "payment_method=pm_card_visa", 404, "resource_missing", "intent", ""},
		{open + "/confirm", "payment_method=pm_card_visa&allowed_payment_method_types[]=klarna", 400, "payment_intent_invalid_parameter", "allowed_payment_method_types", ""},
		{open + "/confirm", "payment_method=pm_card_visa&client_secret=wrong", 400, "payment_intent_invalid_parameter", "client_secret", "The client_secret provided does not match"},
		{open + "/confirm", "payment_method=pm_card_visa&confirmation_token=ctoken_1", 400, "resource_missing", "confirmation_token", ""},
		{known + "/capture", "amount_to_capture=0", 400, "parameter_invalid_integer", "amount_to_capture", ""},
		{known + "/capture", "amount_to_capture=-1", 400, "parameter_invalid_integer", "amount_to_capture", ""},
		{known + "/capture", "amount_to_capture=1001", 400, "amount_too_large", "amount_to_capture", ""},
		{known + "/capture", "final_capture=false", 400, nil, "final_capture", ""},
		{known + "/capture", "application_fee_amount=5", 400, nil, "application_fee_amount", ""},
	} {
		a := h.post(c.path, c.params)
		if a.status != c.status || a.at("error.code") != c.code || a.at("error.param") != c.param || a.at("error.type") != "invalid_request_error" ||
			!strings.HasPrefix(a.str("error.message"), c.message) {
			t.Errorf("POST %s %s: status %d, want %d, code %v, param %v\n%s", c.path, c.params, a.status, c.status, c.code, c.param, a.text)
		}
		validate(t, "api_errors", a.part("error"))
	}
	h.get("/v1/payment_intents/pi_nothing").is(404).has(map[string]any{"error.code": "resource_missing", "error.param": "intent"})
	h.get("/v1/payment_intents/" + foreign).is(404)
	h.get(known).ok().has(map[string]any{"amount_capturable": 1000})
	h.checkBooks()
}

func TestIntentWithCustomerAndToken(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "email=jo@example.com&name=Jo&payment_method=pm_card_visa").ok().str("id")
	method := h.get("/v1/payment_methods?customer=" + customer).ok().str("data.0.id")
	a := h.paid("customer", customer, "payment_method", method, "expand[]", "customer", "expand[]", "payment_method.customer", "expand[]", "latest_charge.customer")
	validIntent(t, a.text)
	a.has(map[string]any{
		"customer.object": "customer", "customer.email": "jo@example.com", "payment_method.id": method,
		"payment_method.customer.id": customer, "latest_charge.customer.name": "Jo",
	})
	h.intent("payment_method", method).is(400).has(map[string]any{"error.param": "payment_method"})
	h.get("/v1/payment_intents?customer=" + customer + "&expand[]=data.customer").ok().has(map[string]any{"data.0.id": a.str("id"), "data.0.customer.id": customer, "data.1": nil})

	a = h.intent("payment_method_data[type]", "card", "payment_method_data[card][token]", "tok_mastercard", "confirm", "true", "expand[]", "payment_method").ok()
	a.has(map[string]any{"status": "succeeded", "payment_method.card.brand": "mastercard"})
	token := h.post("/v1/tokens", "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034&card[cvc]=123").ok().str("id")
	for i, params := range [][]string{{"payment_method_data[type]", "card", "payment_method_data[card][token]", token}, {"payment_method", token}} {
		a = h.intent(append(params, "confirm", "true")...)
		if i == 0 {
			a.ok().has(map[string]any{"status": "succeeded"})
		} else {
			a.is(400).has(map[string]any{"error.code": "token_already_used"})
		}
	}
	h.checkBooks()
}

func TestAmountsOfOtherCurrencies(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct{ amount, currency string }{{"500", "jpy"}, {"1500", "kwd"}, {"10000", "ugx"}, {"50000", "isk"}, {"7000", "mga"}, {"99999", "eur"}} {
		a := h.post("/v1/payment_intents", pairs("amount", c.amount, "currency", c.currency, "payment_method", "pm_card_visa", "confirm", "true", "expand[]", "latest_charge.balance_transaction")).ok()
		want, err := json.Number(c.amount).Float64()
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"amount", "amount_received", "latest_charge.amount", "latest_charge.amount_captured", "latest_charge.balance_transaction.amount"} {
			if a.at(path) != want {
				t.Errorf("%s %s: %s is %v", c.amount, c.currency, path, a.at(path))
			}
		}
	}
	h.checkBooks()
}

func TestPublishableKey(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Jo").ok().str("id")
	a := h.intent("customer", customer, "metadata[cost]", "1").ok()
	path, shown := "/v1/payment_intents/"+a.str("id"), a.str("client_secret")
	browser := []string{"Authorization", "Bearer " + testPublishableKey}
	other := h.intent().ok().str("client_secret")

	h.get(path, browser...).is(401).has(map[string]any{"error.code": "secret_key_required"})
	h.get(path+"?client_secret="+other, browser...).is(400).has(map[string]any{"error.param": "client_secret"})
	h.get(path + "?client_secret=" + other).is(400).has(map[string]any{"error.param": "client_secret"})
	h.get(path + "?client_secret=" + shown).ok()
	h.post(path+"/confirm", pairs("payment_method", "pm_card_visa"), browser...).is(401)
	h.post(path+"/confirm", pairs("payment_method", "pm_card_visa", "client_secret", other), browser...).is(400)
	h.post("/v1/payment_intents/pi_nothing/confirm", "client_secret="+shown, browser...).is(404)
	h.post(path+"/cancel", "", browser...).is(401)
	h.get("/v1/payment_intents", browser...).is(401)

	a = h.get(path+"?client_secret="+shown+"&expand[]=customer&expand[]=latest_charge&expand[]=payment_method.customer", browser...).ok()
	for _, field := range []string{"customer", "metadata", "latest_charge", "statement_descriptor", "transfer_group"} {
		if _, there := a.body[field]; there {
			t.Errorf("a browser sees %s", field)
		}
	}
	validate(t, "payment_intent", a.text)
	a = h.post(path+"/confirm", pairs("payment_method", "pm_card_visa", "client_secret", shown, "expand[]", "payment_method.customer"), browser...).ok()
	a.has(map[string]any{"status": "succeeded", "payment_method.object": "payment_method"})
	if strings.Contains(string(a.text), `"Jo"`) {
		t.Errorf("a browser sees the customer: %s", a.text)
	}
	h.checkBooks()
}
