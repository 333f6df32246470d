package rest

import (
	"strings"
	"testing"
)

func TestThePayerIsSentToAuthenticate(t *testing.T) {
	h, acs := guarded(t)
	h.server.PublicURL = "https://pay.example/"
	asked := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&return_url=https://shop.example/done").ok()
	validate(t, "payment_intent", asked.text)
	asked.has(map[string]any{"status": "requires_action", "next_action.type": "redirect_to_url", "next_action.redirect_to_url.return_url": "https://shop.example/done",
		"latest_charge": nil, "last_payment_error": nil})
	if url := asked.str("next_action.redirect_to_url.url"); !strings.HasPrefix(url, "https://pay.example/sandbox/pages/3ds/att_") {
		t.Errorf("sent to %s", url)
	}
	id := asked.str("id")
	acs.answer(true)
	h.back(acs)
	done := h.get("/v1/payment_intents/" + id + "?expand[]=latest_charge").ok()
	validate(t, "payment_intent", done.text)
	done.has(map[string]any{"status": "succeeded", "next_action": nil, "latest_charge.payment_method_details.card.three_d_secure.result": "authenticated",
		"latest_charge.payment_method_details.card.three_d_secure.authentication_flow":           "challenge",
		"latest_charge.payment_method_details.card.three_d_secure.electronic_commerce_indicator": "05",
		"latest_charge.payment_method_details.card.three_d_secure.result_reason":                 nil,
		"latest_charge.payment_method_details.card.three_d_secure.transaction_id":                "ds_1",
		"latest_charge.payment_method_details.card.three_d_secure.version":                       "2.2.0"})
	validate(t, "three_d_secure_details_charge", done.part("latest_charge.payment_method_details.card.three_d_secure"))
	complete(t, "three_d_secure_details_charge", done.part("latest_charge.payment_method_details.card.three_d_secure"))
	events := h.get("/v1/events?type=payment_intent.requires_action").ok()
	events.has(map[string]any{"data.0.data.object.status": "requires_action", "data.0.data.object.next_action.type": "redirect_to_url"})
	validate(t, "event", events.part("data.0"))
	h.checkBooks()
}

func TestNextActionForASDK(t *testing.T) {
	for params, action := range map[string]string{
		"": "use_stripe_sdk", "&return_url=https://shop.example&use_stripe_sdk=true": "use_stripe_sdk", "&return_url=app://shop": "redirect_to_url",
	} {
		h, _ := guarded(t)
		a := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true"+params).ok()
		validate(t, "payment_intent", a.text)
		a.has(map[string]any{"status": "requires_action", "next_action.type": action})
		if action != "use_stripe_sdk" {
			continue
		}
		if url := a.str("next_action.use_stripe_sdk.stripe_js"); !strings.HasPrefix(url, "http://example.com/sandbox/pages/3ds/att_") {
			t.Errorf("sent to %s", url)
		}
	}
}

func TestAuthenticationFails(t *testing.T) {
	h, acs := guarded(t)
	id := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true").ok().str("id")
	acs.answer(false)
	h.back(acs)
	failed := h.get("/v1/payment_intents/" + id).ok()
	validate(t, "payment_intent", failed.text)
	failed.has(map[string]any{"status": "requires_payment_method", "last_payment_error.code": "payment_intent_authentication_failure",
		"last_payment_error.type": "invalid_request_error", "last_payment_error.payment_method.object": "payment_method", "latest_charge": nil, "payment_method": nil})
	h.checkBooks()
}

func TestPayersWhoCannotBeAsked(t *testing.T) {
	h, _ := guarded(t)
	for params, decline := range map[string]string{
		"off_session=true": "authentication_required", "off_session=recurring": "authentication_required",
		"error_on_requires_action=true": "authentication_not_handled",
	} {
		a := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&"+params).is(402)
		validate(t, "api_errors", a.part("error"))
		a.has(map[string]any{"error.type": "card_error", "error.code": "authentication_required", "error.decline_code": decline,
			"error.payment_intent.status": "requires_payment_method", "error.payment_intent.last_payment_error.decline_code": decline})
	}
	h.checkBooks()
}

func TestAuthenticationOnDemand(t *testing.T) {
	for _, how := range []string{"any", "challenge"} {
		h, acs := guarded(t)
		a := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&payment_method_options[card][request_three_d_secure]="+how).ok()
		a.has(map[string]any{"status": "requires_action", "payment_method_options.card.request_three_d_secure": how})
		if len(acs.asked) != 1 || len(acs.sold) != 0 {
			t.Errorf("%s: %d asked", how, len(acs.asked))
		}
	}
	h := harnessWith(t, approving()) // which can't have anybody authenticate
	id := h.post("/v1/payment_intents", "amount=2000&currency=usd").ok().str("id")
	h.post("/v1/payment_intents/"+id+"/confirm", "payment_method=pm_card_visa&payment_method_options[card][request_three_d_secure]=any").ok().
		has(map[string]any{"status": "succeeded", "payment_method_options.card.request_three_d_secure": "any"})
}

func TestCaptureAndCancelWhileThePayerIsAsked(t *testing.T) {
	h, acs := guarded(t)
	id := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&capture_method=manual").ok().str("id")
	h.post("/v1/payment_intents/"+id+"/capture", "").is(400).has(map[string]any{"error.code": "payment_intent_unexpected_state"})
	h.post("/v1/payment_intents/"+id+"/cancel", "").ok().has(map[string]any{"status": "canceled", "next_action": nil})
	acs.answer(true)
	h.back(acs)
	h.get("/v1/payment_intents/" + id).ok().has(map[string]any{"status": "canceled"})
	if len(acs.sold) != 0 {
		t.Error("a cancelled payment was authorised")
	}
	h.checkBooks()
}
