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

// The cards of https://docs.stripe.com/testing that stand for risks and checks:
// what their charges say.
func TestRiskAndChecks(t *testing.T) {
	h := newHarness(t)
	const cvc = "&payment_method_data[card][cvc]=123"
	for _, c := range []struct {
		name, number, rest string
		level, typ         string
		score              any
		cvc, line1, postal any
	}{
		{"plain", "4242424242424242", cvc + address, "normal", "authorized", nil, "pass", "pass", "pass"},
		{"plain, nothing to check", "4242424242424242", "", "normal", "authorized", nil, nil, nil, nil},
		{"highest", "4000000000004954", cvc, "highest", "authorized", 85, "pass", nil, nil},
		{"elevated", "4000000000009235", cvc, "elevated", "manual_review", 70, "pass", nil, nil},
		{"cvc", "4000000000000101", cvc, "normal", "authorized", nil, "fail", nil, nil},
		{"cvc that is not sent", "4000000000000101", "", "normal", "authorized", nil, nil, nil, nil},
		{"postal code", "4000000000000036", cvc + address, "normal", "authorized", nil, "pass", "pass", "fail"},
		{"line 1", "4000000000000028", cvc + address, "normal", "authorized", nil, "pass", "fail", "pass"},
		{"both", "4000000000000010", cvc + address, "normal", "authorized", nil, "pass", "fail", "fail"},
		{"unchecked", "4000000000000044", cvc + address, "normal", "authorized", nil, "pass", "unavailable", "unavailable"},
		{"cvc, elevated", "4000058400307872", cvc, "elevated", "authorized", 67, "fail", nil, nil},
		{"postal code, elevated", "4000058400306072", cvc + address, "elevated", "authorized", 67, "pass", "pass", "fail"},
		{"dispute score", "4000008400000407", cvc, "normal", "authorized", nil, "pass", nil, nil},
		{"fraud warning score", "4000008400000159", cvc, "normal", "authorized", nil, "pass", nil, nil},
		{"dynamic threshold", "4000008400001017", cvc, "normal", "authorized", nil, "pass", nil, nil},
		{"trial abuse", "4001858821843804", cvc, "normal", "authorized", nil, "pass", nil, nil},
		{"captcha", "4000000000001208", cvc, "normal", "authorized", nil, "pass", nil, nil},
		{"another captcha", "4000000000003725", cvc, "normal", "authorized", nil, "pass", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := h.in(t)
			a := h.post("/v1/payment_intents", typed(c.number, c.rest)).ok()
			const charge = "latest_charge."
			a.has(map[string]any{
				"status": "succeeded", charge + "outcome.risk_level": c.level, charge + "outcome.type": c.typ, charge + "outcome.risk_score": c.score,
				charge + "outcome.network_status":                                       "approved_by_network",
				charge + "payment_method_details.card.checks.address_line1_check":       c.line1,
				charge + "payment_method_details.card.checks.address_postal_code_check": c.postal,
				"payment_method.card.checks.address_line1_check":                        c.line1,
				"payment_method.card.checks.address_postal_code_check":                  c.postal,
			})
			if got := a.at(charge + "payment_method_details.card.checks.cvc_check"); got != c.cvc && (c.cvc != nil || got != "unchecked") {
				t.Errorf("cvc_check is %v, want %v", got, c.cvc)
			}
			validate(t, "charge", a.part("latest_charge"))
		})
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

// What is told of each card that is declined, in the error and on the charge.
func TestEveryDecliningCard(t *testing.T) {
	h := newHarness(t)
	const again, never, data = "try_again_later", "do_not_try_again", "confirm_card_data"
	for _, c := range []struct {
		card, code, decline string
		advice, param       any
		message, network    string
	}{
		{"4000000000000002", "card_declined", "generic_decline", again, nil, "Your card was declined.", "05"},
		{"4000000000009995", "card_declined", "insufficient_funds", again, nil, "Your card has insufficient funds.", "51"},
		{"4000000000009987", "card_declined", "lost_card", never, nil, "Your card was declined.", "41"},
		{"4000000000009979", "card_declined", "stolen_card", never, nil, "Your card was declined.", "43"},
		{"4000000000000069", "expired_card", "expired_card", data, "exp_month", "Your card has expired.", "54"},
		{"4000000000000127", "incorrect_cvc", "incorrect_cvc", data, "cvc", "Your card's security code is incorrect.", "N7"},
		{"4000000000000119", "processing_error", "processing_error", again, nil, "An error occurred while processing your card. Try again in a little bit.", "96"},
		{"4000000000006975", "card_declined", "card_velocity_exceeded", nil, nil, "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.", "65"},
		{"4000000000000341", "card_declined", "generic_decline", again, nil, "Your card was declined.", "05"},
	} {
		t.Run(c.card, func(t *testing.T) {
			h := h.in(t)
			a := h.post("/v1/payment_intents", typed(c.card, "&payment_method_data[card][cvc]=123")).is(402).has(map[string]any{
				"error.type": "card_error", "error.code": c.code, "error.decline_code": c.decline, "error.advice_code": c.advice, "error.param": c.param,
				"error.message": c.message, "error.payment_intent.status": "requires_payment_method", "error.payment_intent.last_payment_error.code": c.code,
			})
			ch := h.get("/v1/charges/" + a.str("error.charge")).ok().has(map[string]any{
				"status": "failed", "paid": false, "captured": false, "failure_code": c.code, "failure_message": c.message, "outcome.type": "issuer_declined",
				"outcome.network_status": "declined_by_network", "outcome.reason": c.decline, "outcome.advice_code": c.advice, "outcome.network_decline_code": c.network,
				"outcome.risk_level": "normal",
			})
			validate(t, "charge", ch.text)
		})
	}
	h.post("/v1/payment_intents", "amount=1000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclinedFraudulent").is(402).
		has(map[string]any{"error.code": "card_declined", "error.decline_code": "fraudulent", "error.advice_code": nil})
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
