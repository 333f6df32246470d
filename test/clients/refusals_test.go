//go:build unix

package clients

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// What is wrong is refused, in Stripe's form, without a trace in the books or
// an error in the log.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{})
	c := caller{t, s}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	with := func(name, value string) map[string]string {
		return map[string]string{"Content-Type": form["Content-Type"], name: value}
	}
	const intents, pay = "/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true"
	for _, x := range []struct {
		name, key, method, path, body string
		header                        map[string]string
		status                        int
		code                          any
		says                          string
	}{
		{"no key", "", "POST", intents, pay, form, 401, nil, "You did not provide an API key"},
		{"nobody's key", "sk_test_wrongwrongwrongwrong", "POST", intents, pay, form, 401, nil, "Invalid API Key provided: sk_test_"},
		{"live key of nobody", "sk_live_wrongwrongwrongwrong", "GET", intents, "", nil, 401, nil, "Invalid API Key provided: sk_live_"},
		{"endless key", "sk_test_" + strings.Repeat("x", 10_000), "GET", intents, "", nil, 401, nil, "Invalid API Key provided"},
		{"publishable key", s.PublishableKey, "POST", intents, pay, form, 401, "secret_key_required", "publishable"},
		{"no key and no such path", "", "GET", "/v1/nothing", "", nil, 401, nil, "You did not provide an API key"},
		{"JSON", s.SecretKey, "POST", intents, `{"amount": 2000, "currency": "usd"}`, with("Content-Type", "application/json"), 400, nil, "application/x-www-form-urlencoded"},
		{"unknown content type", s.SecretKey, "POST", intents, pay, with("Content-Type", "text/;"), 400, nil, "application/x-www-form-urlencoded"},
		{"two megabytes", s.SecretKey, "POST", intents, pay + "&description=" + strings.Repeat("x", 2<<20), form, 400, nil, "larger than"},
		{"no such path", s.SecretKey, "POST", "/v1/nothing", pay, form, 404, nil, "Unrecognized request URL (POST: /v1/nothing)"},
		{"outside v1", s.SecretKey, "GET", "/nothing", "", nil, 404, nil, "Unrecognized request URL"},
		{"path with dots", s.SecretKey, "GET", "/v1/payment_intents/..%2fcustomers", "", nil, 404, "resource_missing", "No such payment_intent"},
		{"a method there is not", s.SecretKey, "PUT", intents, pay, form, 404, nil, "Unrecognized request URL (PUT: /v1/payment_intents)"},
		{"another method there is not", s.SecretKey, "DELETE", intents, "", nil, 404, nil, "Unrecognized request URL"},
		{"an operation there is not yet", s.SecretKey, "POST", "/v1/products", "name=x", form, 404, nil, "does not implement"},
		{"broken escape", s.SecretKey, "POST", intents, pay + "&description=%zz", form, 400, "invalid_characters", ""},
		{"not UTF-8", s.SecretKey, "POST", intents, pay + "&description=%ff", form, 400, "invalid_characters", ""},
		{"a zero byte", s.SecretKey, "POST", intents, pay + "&description=%00", form, 400, "invalid_characters", ""},
		{"brackets that don't close", s.SecretKey, "POST", intents, pay + "&metadata[a=1", form, 400, "parameter_unknown", ""},
		{"brackets without end", s.SecretKey, "POST", intents, pay + "&metadata" + strings.Repeat("[a]", 1000) + "=1", form, 400, nil, ""},
		{"many parameters", s.SecretKey, "POST", intents, pay + strings.Repeat("&x[]=1", 50_000), form, 400, nil, ""},
		{"not a version", s.SecretKey, "POST", intents, pay, with("Stripe-Version", "tomorrow"), 400, nil, "Invalid Stripe API version"},
		{"endless idempotency key", s.SecretKey, "POST", intents, pay, with("Idempotency-Key", strings.Repeat("k", 256)), 400, nil, "255 characters"},
		{"not to be expanded", s.SecretKey, "GET", intents + "?expand[]=data.amount", "", nil, 400, nil, "cannot be expanded"},
		{"expanded too far", s.SecretKey, "GET", intents + "?expand[]=data.a.b.c.d.e", "", nil, 400, "property_expansion_max_depth", ""},
		{"an id of another kind", s.SecretKey, "GET", intents + "/cus_123", "", nil, 404, "resource_missing", "No such payment_intent: 'cus_123'"},
		{"a limit too high", s.SecretKey, "GET", intents + "?limit=101", "", nil, 400, "parameter_invalid_integer", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := caller{t, s}.ask(x.key, x.method, x.path, x.body, x.header).is(x.status, map[string]any{"error.type": "invalid_request_error", "error.code": x.code})
			if message := r.str("error.message"); !strings.Contains(message, x.says) || len(message) > 2000 {
				t.Errorf("the message is %.3000q, want one with %q", message, x.says)
			}
			if id := r.header.Get("Request-Id"); !strings.HasPrefix(id, "req_") {
				t.Errorf("the request's id is %q", id)
			}
			if x.key != "" && strings.Contains(r.text, x.key) {
				t.Error("the answer repeats the key")
			}
		})
	}
	c.curl(intents).is(http.StatusOK, map[string]any{"data.0": nil})
	c.curl("/v1/charges").is(http.StatusOK, map[string]any{"data.0": nil})
	c.curl("/v1/events").is(http.StatusOK, map[string]any{"data.0": nil})
	finish(t, s)
}

// A card number goes nowhere but into the vault: not into the log, not into an
// answer, not into an error.
func TestCardNumberStaysInside(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{})
	c := caller{t, s}
	const cvc = "9876"
	numbers := []string{"378282246310005", "4000056655665556", "4001858821843804", "3566002020360505", "4000058400307872"}
	for _, number := range numbers {
		card := []string{"type=card", "card[number]=" + number, "card[exp_month]=12", "card[exp_year]=2044", "card[cvc]=" + cvc}
		method := c.curl("/v1/payment_methods", card...).is(http.StatusOK, nil)
		for _, r := range []*reply{
			method,
			c.curl("/v1/payment_methods", append(card[:3:3], "card[exp_year]=1999")...).is(http.StatusPaymentRequired, nil),
			c.curl("/v1/tokens", card[1:]...).is(http.StatusOK, nil),
			c.curl("/v1/payment_intents", "amount=2000", "currency=usd", "confirm=true", "payment_method="+method.str("id")).is(http.StatusOK, nil),
			c.curl("/v1/payment_intents", "amount=2000", "currency=usd", "confirm=true", "payment_method="+number).is(http.StatusBadRequest, nil),
			c.curl("/v1/payment_intents", "amount=2000", "currency=usd", "metadata[card]=1", "colour="+number).is(http.StatusBadRequest, nil),
			c.curl("/v1/payment_methods?"+strings.Join(card, "&")).is(http.StatusBadRequest, nil),
		} {
			if strings.Contains(r.text, number) {
				t.Errorf("%s: the answer shows the number: %s", r.asked, r.text)
			}
		}
	}
	finish(t, s)
	for line := range strings.Lines(s.Log()) { // lines without a level are the greeting, with random paths
		if strings.Contains(line, "level=") && (slices.ContainsFunc(numbers, func(n string) bool { return strings.Contains(line, n) }) || strings.Contains(line, cvc)) {
			t.Errorf("the log shows what it must not: %s", line)
		}
	}
}
