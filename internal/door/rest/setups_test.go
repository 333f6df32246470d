package rest

import (
	"context"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/setup"
)

// setUp begins to set a card up that needs authentication.
func (h *harness) setUp(params string) *answered {
	h.t.Helper()
	a := h.post("/v1/setup_intents", "confirm=true&payment_method=pm_card_visa&"+params).ok()
	validate(h.t, "setup_intent", a.text)
	complete(h.t, "setup_intent", a.text)
	return a
}

// setupBack has the holder come back.
func (h *harness) setupBack(a *answered) *answered {
	h.t.Helper()
	latest := h.get("/v1/setup_intents/" + a.str("id")).ok().str("latest_attempt")
	key, _ := setup.Attempts.Prefix.Parse(latest)
	if _, _, err := h.server.Setup.Returned(context.Background(), h.scope(), setup.AttemptID(key)); err != nil {
		h.t.Fatal(err)
	}
	got := h.get("/v1/setup_intents/" + a.str("id") + "?expand[]=latest_attempt&expand[]=mandate&expand[]=payment_method").ok()
	validate(h.t, "setup_intent", got.text)
	validate(h.t, "setup_attempt", got.part("latest_attempt"))
	complete(h.t, "setup_attempt", got.part("latest_attempt"))
	return got
}

// A card that was set up while its holder was there pays while the holder is
// away.
func TestSetUpThenPaidAway(t *testing.T) {
	h, acs := guarded(t)
	customer := h.post("/v1/customers", "").ok().str("id")
	asked := h.setUp("return_url=https://shop.example&" + online + "&customer=" + customer)
	asked.has(map[string]any{"status": "requires_action", "next_action.type": "redirect_to_url", "usage": "off_session", "customer": customer})
	if pending := h.get("/v1/mandates/" + asked.str("mandate")).ok(); pending.str("status") != "pending" {
		t.Errorf("%s", pending.text)
	}
	acs.answer(true)
	got := h.setupBack(asked).has(map[string]any{"status": "succeeded", "next_action": nil, "latest_attempt.status": "succeeded", "mandate.status": "active",
		"payment_method.customer": customer, "latest_attempt.payment_method_details.card.three_d_secure.result": "authenticated"})
	validate(t, "mandate", got.part("mandate"))
	validate(t, "three_d_secure_details", got.part("latest_attempt.payment_method_details.card.three_d_secure"))
	h.post("/v1/payment_intents", "amount=900&currency=usd&confirm=true&off_session=true&customer="+customer+"&payment_method="+got.str("payment_method.id")).ok().
		has(map[string]any{"status": "succeeded"})
	for _, typ := range []string{"setup_intent.created", "setup_intent.requires_action", "setup_intent.succeeded", "mandate.updated"} {
		e := h.get("/v1/events?type=" + typ).ok()
		validate(t, "event", e.part("data.0"))
		validate(t, strings.Split(typ, ".")[0], e.part("data.0.data.object"))
	}
}

func TestSetUpFails(t *testing.T) {
	h, acs := guarded(t)
	asked := h.setUp("")
	asked.has(map[string]any{"next_action.type": "use_stripe_sdk"})
	acs.answer(false)
	h.setupBack(asked).has(map[string]any{"status": "requires_payment_method", "last_setup_error.code": "setup_intent_authentication_failure",
		"last_setup_error.payment_method.object": "payment_method", "latest_attempt.status": "failed", "latest_attempt.setup_error.code": "setup_intent_authentication_failure",
		"latest_attempt.payment_method_details.card.three_d_secure.result_reason": "rejected"})
	validate(t, "event", h.get("/v1/events?type=setup_intent.setup_failed").ok().part("data.0"))
}

// Declining test cards fail with what is left behind inside the error.
func TestSetUpOfDecliningCards(t *testing.T) {
	h := newHarness(t)
	for method, want := range map[string][2]string{
		"pm_card_chargeDeclined": {"card_declined", "generic_decline"}, "pm_card_visa_chargeDeclinedInsufficientFunds": {"card_declined", "insufficient_funds"},
		"pm_card_visa_chargeDeclinedLostCard": {"card_declined", "lost_card"}, "pm_card_chargeDeclinedExpiredCard": {"expired_card", "expired_card"},
		"pm_card_chargeDeclinedIncorrectCvc": {"incorrect_cvc", "incorrect_cvc"}, "pm_card_chargeDeclinedProcessingError": {"processing_error", "processing_error"},
		"pm_card_threeDSecureRequiredProcessingError": {"card_declined", "generic_decline"},
	} {
		a := h.post("/v1/setup_intents", "confirm=true&payment_method="+method).is(402)
		validate(t, "api_errors", a.part("error"))
		a.has(map[string]any{"error.type": "card_error", "error.code": want[0], "error.decline_code": want[1], "error.setup_intent.status": "requires_payment_method",
			"error.setup_intent.last_setup_error.code": want[0], "error.payment_method.object": "payment_method"})
		id := a.str("error.setup_intent.id")
		h.post("/v1/setup_intents/"+id+"/confirm", "payment_method=pm_card_visa").ok().has(map[string]any{"status": "succeeded", "last_setup_error": nil})
		attempts := h.get("/v1/setup_attempts?setup_intent=" + id).ok().has(map[string]any{"data.0.status": "succeeded", "data.1.status": "failed", "data.1.setup_error.code": want[0]})
		validate(t, "setup_attempt", attempts.part("data.1"))
	}
}

func TestSetupParameters(t *testing.T) {
	h := newHarness(t)
	a := h.post("/v1/setup_intents", "usage=on_session&flow_directions[]=inbound&excluded_payment_method_types[]=klarna&payment_method_types[]=card"+
		"&payment_method_options[card][request_three_d_secure]=any&payment_method_options[card][network]=visa&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa").ok()
	validate(t, "setup_intent", a.text)
	a.has(map[string]any{"status": "requires_confirmation", "usage": "on_session", "flow_directions.0": "inbound", "excluded_payment_method_types.0": "klarna",
		"payment_method_options.card.request_three_d_secure": "any", "payment_method_options.card.network": "visa", "automatic_payment_methods": nil})
	done := h.post("/v1/setup_intents/"+a.str("id")+"/confirm", "expand[]=latest_attempt").ok()
	done.has(map[string]any{"status": "succeeded", "latest_attempt.usage": "on_session", "latest_attempt.flow_directions.0": "inbound",
		"latest_attempt.payment_method_details.card.three_d_secure.result": "attempt_acknowledged", "latest_attempt.payment_method_details.card.last4": "4242"})
	h.get("/v1/setup_intents?payment_method=" + a.str("payment_method")).ok().has(map[string]any{"data.0.id": a.str("id"), "has_more": false})
	h.post("/v1/setup_intents", "automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never").ok().
		has(map[string]any{"automatic_payment_methods.allow_redirects": "never", "automatic_payment_methods.enabled": true})
	h.post("/v1/setup_intents/"+a.str("id"), "metadata[a]=b&description=d").ok().has(map[string]any{"metadata.a": "b", "description": "d"})
	id := h.post("/v1/setup_intents", "payment_method=pm_card_visa").ok().str("id")
	h.post("/v1/setup_intents/"+id, "payment_method=").ok().has(map[string]any{"status": "requires_payment_method", "payment_method": nil})
	offline := h.post("/v1/setup_intents", "confirm=true&payment_method=pm_card_visa&mandate_data[customer_acceptance][type]=offline&expand[]=mandate").ok()
	offline.has(map[string]any{"mandate.customer_acceptance.type": "offline", "mandate.customer_acceptance.accepted_at": nil})
	validate(t, "mandate", offline.part("mandate"))
}

// A browser sees and confirms a setup intent whose secret it knows, and sees of
// it what is for browsers. That its owner does so is an agreement.
func TestSetUpFromABrowser(t *testing.T) {
	h := newHarness(t)
	a := h.post("/v1/setup_intents", "metadata[a]=b&customer="+h.post("/v1/customers", "").ok().str("id")).ok()
	browser := []string{"Authorization", "Bearer " + testPublishableKey, "User-Agent", "Firefox"}
	path, secret := "/v1/setup_intents/"+a.str("id"), pairs("client_secret", a.str("client_secret"))
	h.send("GET", path, "", browser...).is(401).has(map[string]any{"error.code": "secret_key_required"})
	h.send("GET", path+"?client_secret=seti_1_secret_2", "", browser...).is(400).has(map[string]any{"error.code": "setup_intent_invalid_parameter", "error.param": "client_secret"})
	h.send("GET", "/v1/setup_intents", "", browser...).is(401)
	h.send("POST", path, "description=x", browser...).is(401)
	h.send("POST", path+"/cancel", "", browser...).is(401)
	seen := h.send("GET", path+"?"+secret, "", browser...).ok()
	for _, hidden := range []string{"metadata", "customer", "latest_attempt", "mandate", "application"} {
		if _, shown := seen.body[hidden]; shown {
			t.Errorf("a browser sees %s", hidden)
		}
	}
	done := h.send("POST", path+"/confirm", secret+"&payment_method=pm_card_visa", browser...).ok().has(map[string]any{"status": "succeeded", "client_secret": a.str("client_secret")})
	if _, shown := done.body["mandate"]; shown {
		t.Error("a browser sees the mandate")
	}
	h.get(path + "?expand[]=mandate").ok().has(map[string]any{"mandate.customer_acceptance.online.ip_address": "127.0.0.1",
		"mandate.customer_acceptance.online.user_agent": "Firefox", "mandate.status": "active"})
	other := h.post("/v1/payment_intents", "amount=100&currency=usd").ok()
	h.send("GET", "/v1/payment_intents/"+other.str("id")+"?"+secret, "", browser...).is(400).has(map[string]any{"error.code": "payment_intent_invalid_parameter"})
}
