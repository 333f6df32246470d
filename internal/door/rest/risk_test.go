package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// address is billing details that an issuer checks.
const address = "&payment_method_data[billing_details][address][line1]=1+Road&payment_method_data[billing_details][address][postal_code]=12345"

// typed is a payment with a card as somebody types it.
func typed(number, rest string) string {
	return "amount=1000&currency=usd&confirm=true&expand[]=latest_charge&expand[]=payment_method&payment_method_data[type]=card&payment_method_data[card][number]=" + number +
		"&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034" + rest
}

// What is not sent is not checked, even of the cards that stand for a failure.
func TestWhatIsNotSentIsNotChecked(t *testing.T) {
	h := newHarness(t)
	for _, number := range []string{"4242424242424242", "4000000000000101", "4000000000000010"} {
		a := h.post("/v1/payment_intents", typed(number, "")).ok().has(map[string]any{"status": "succeeded"})
		for _, checks := range []string{"latest_charge.payment_method_details.card.checks.", "payment_method.card.checks."} {
			a.has(map[string]any{checks + "address_line1_check": nil, checks + "address_postal_code_check": nil})
			if got := a.at(checks + "cvc_check"); got != nil && got != "unchecked" {
				t.Errorf("%s: cvc_check is %v", number, got)
			}
		}
		validate(t, "charge", a.part("latest_charge"))
	}
	h.checkBooks()
}

// A payment that is too risky is blocked before any provider hears of it, and
// can be made otherwise.
func TestBlocked(t *testing.T) {
	h := newHarness(t)
	h.say("authorize", provider.Outcome{Status: provider.Approved}) // if it were asked
	for _, with := range []string{typed("4100000000000019", ""), "amount=1000&currency=usd&confirm=true&payment_method=pm_card_radarBlock"} {
		a := h.post("/v1/payment_intents", with, "Idempotency-Key", "k"+with[len(with)-8:]).is(402).has(map[string]any{
			"error.type": "card_error", "error.code": "card_declined", "error.decline_code": "fraudulent", "error.advice_code": nil, "error.message": "Your card was declined.",
			"error.payment_intent.status": "requires_payment_method", "error.payment_intent.last_payment_error.decline_code": "fraudulent",
		})
		again := h.post("/v1/payment_intents", with, "Idempotency-Key", "k"+with[len(with)-8:]).is(402)
		if string(again.text) != string(a.text) {
			t.Errorf("replayed otherwise: %s", again.text)
		}
		ch := h.get("/v1/charges/" + a.str("error.charge")).ok().has(map[string]any{
			"status": "failed", "paid": false, "failure_code": "card_declined", "outcome.type": "blocked", "outcome.network_status": "not_sent_to_network",
			"outcome.reason": "highest_risk_level", "outcome.risk_level": "highest", "outcome.network_decline_code": nil,
		})
		validate(t, "charge", ch.text)
		complete(t, "charge", ch.text, "refunds")
		intent := a.str("error.payment_intent.id")
		h.get("/v1/events?type=charge.failed&limit=1").ok().has(map[string]any{"data.0.data.object.payment_intent": intent})
		h.get("/v1/events?type=payment_intent.payment_failed&limit=1").ok().has(map[string]any{"data.0.data.object.id": intent})
		h.post("/v1/payment_intents/"+intent+"/confirm", "payment_method=pm_card_visa").ok().has(map[string]any{"status": "succeeded"})
	}
	h.checkBooks()
}

// The bounds of amounts, by currency and by card.
func TestAmountBounds(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		amount, currency, card string
		code                   any
	}{
		{"50", "usd", "visa", nil}, {"49", "usd", "visa", "amount_too_small"}, {"30", "gbp", "visa", nil}, {"29", "gbp", "visa", "amount_too_small"},
		{"50", "jpy", "visa", nil}, {"49", "jpy", "visa", "amount_too_small"}, {"1000", "mxn", "visa", nil}, {"999", "mxn", "visa", "amount_too_small"},
		{"500", "ugx", "visa", nil}, {"550", "ugx", "visa", "parameter_invalid_integer"}, {"100", "isk", "visa", nil}, {"150", "isk", "visa", "parameter_invalid_integer"},
		{"1010", "kwd", "visa", nil}, {"1015", "kwd", "visa", "parameter_invalid_integer"},
		{"999999999999", "usd", "visa", nil}, {"1000000000000", "usd", "visa", "amount_too_large"},
		{"999999999", "usd", "amex", nil}, {"1000000000", "usd", "amex", "amount_too_large"},
		{"999999999", "inr", "visa", nil}, {"1000000000", "inr", "visa", "amount_too_large"},
		{"9999999999", "cop", "visa", nil}, {"10000000000", "cop", "visa", "amount_too_large"},
	} {
		a := h.post("/v1/payment_intents", "amount="+c.amount+"&currency="+c.currency+"&confirm=true&payment_method=pm_card_"+c.card)
		if a.at("error.code") != c.code || (a.status == 200) != (c.code == nil) {
			t.Errorf("%s %s on %s: %d %v, want %v", c.amount, c.currency, c.card, a.status, a.at("error.code"), c.code)
		}
	}
	h.checkBooks()
}
