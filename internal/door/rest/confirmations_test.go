package rest

import (
	"testing"
)

// A confirmation token says how a payment is confirmed, once; what the request
// itself says wins.
func TestConfirmationToken(t *testing.T) {
	h, acs := guarded(t)
	customer := h.post("/v1/customers", "").ok().str("id")
	token := h.confirmationToken("payment_method=pm_card_visa&return_url=https://shop.example/token&setup_future_usage=off_session" +
		"&shipping[name]=Ada&shipping[address][line1]=Street+1")
	made := h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&use_stripe_sdk=false&customer="+customer+"&confirmation_token="+token).ok()
	made.has(map[string]any{"status": "requires_action", "next_action.redirect_to_url.return_url": "https://shop.example/token", "setup_future_usage": "off_session",
		"shipping.name": "Ada", "shipping.address.line1": "Street 1"})
	h.get("/v1/confirmation_tokens/" + token).ok().has(map[string]any{"payment_intent": made.str("id"), "setup_intent": nil})
	acs.answer(true)
	h.back(acs)
	h.get("/v1/payment_intents/" + made.str("id") + "?expand[]=payment_method").ok().has(map[string]any{"status": "succeeded", "payment_method.customer": customer})
	used := h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&confirmation_token="+token).is(400)
	used.has(map[string]any{"error.code": "payment_intent_confirmation_token_invalid", "error.param": "confirmation_token"})
	validate(t, "api_errors", used.part("error"))
	open := h.post("/v1/payment_intents", "amount=2000&currency=usd").ok().str("id")
	h.post("/v1/payment_intents/"+open+"/confirm", "confirmation_token="+token).is(400).has(map[string]any{"error.code": "payment_intent_confirmation_token_invalid"})
	h.post("/v1/payment_intents/"+open+"/confirm", "confirmation_token=ctoken_1").is(400).has(map[string]any{"error.code": "resource_missing"})
	h.post("/v1/payment_intents", "amount=2000&currency=usd&confirmation_token="+token).is(400).has(map[string]any{"error.param": "confirmation_token"})

	second := h.confirmationToken("payment_method=pm_card_visa&return_url=https://shop.example/token")
	own := h.post("/v1/payment_intents/"+open+"/confirm", "confirmation_token="+second+"&payment_method=pm_card_mastercard&return_url=https://shop.example/own&use_stripe_sdk=false&expand[]=payment_method").ok()
	own.has(map[string]any{"next_action.redirect_to_url.return_url": "https://shop.example/own", "payment_method.card.brand": "mastercard"})
	sdk := h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&confirmation_token="+h.confirmationToken("payment_method=pm_card_visa&return_url=https://shop.example")).ok()
	sdk.has(map[string]any{"next_action.type": "use_stripe_sdk"})
}

// The same request again is answered as it was, and uses nothing up.
func TestConfirmationTokenAgain(t *testing.T) {
	h := newHarness(t)
	token := h.confirmationToken("payment_method=pm_card_visa")
	form := "amount=2000&currency=usd&confirm=true&confirmation_token=" + token
	first := h.post("/v1/payment_intents", form, "Idempotency-Key", "once").ok().has(map[string]any{"status": "succeeded"})
	again := h.post("/v1/payment_intents", form, "Idempotency-Key", "once").ok()
	if string(first.text) != string(again.text) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s, then %s", first.text, again.text)
	}
	setup := h.confirmationToken("payment_method=pm_card_visa")
	made := h.post("/v1/setup_intents", "confirm=true&confirmation_token="+setup).ok().has(map[string]any{"status": "succeeded"})
	h.get("/v1/confirmation_tokens/" + setup).ok().has(map[string]any{"setup_intent": made.str("id"), "payment_intent": nil})
	h.post("/v1/setup_intents", "confirm=true&confirmation_token="+setup).is(400).has(map[string]any{"error.code": "setup_intent_confirmation_token_invalid"})
	// A request that is refused for another reason leaves the token as it is.
	kept := h.confirmationToken("payment_method=pm_card_visa")
	h.post("/v1/payment_intents/"+first.str("id")+"/confirm", "confirmation_token="+kept).is(400)
	h.get("/v1/confirmation_tokens/" + kept).ok().has(map[string]any{"payment_intent": nil})
}

// A permission that is given with a payment is good once the payment is, and
// others may rest on it.
func TestMandatesOfPayments(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "").ok().str("id")
	paid := h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&setup_future_usage=off_session&payment_method=pm_card_visa&customer="+customer+"&"+online+"&expand[]=latest_charge").ok()
	mandate := paid.str("latest_charge.payment_method_details.card.mandate")
	shown := h.get("/v1/mandates/" + mandate).ok().has(map[string]any{"status": "active", "payment_method": paid.str("payment_method")})
	validate(t, "mandate", shown.text)
	again := h.post("/v1/payment_intents", "amount=900&currency=usd&confirm=true&off_session=true&payment_method="+paid.str("payment_method")+"&customer="+customer+"&mandate="+mandate+"&expand[]=latest_charge").ok()
	again.has(map[string]any{"status": "succeeded", "latest_charge.payment_method_details.card.mandate": mandate})
	for form, code := range map[string]any{
		"payment_method=pm_card_visa&mandate=" + mandate: "payment_intent_mandate_invalid", "payment_method=pm_card_visa&mandate=mandate_1": "resource_missing",
		"payment_method=pm_card_visa&mandate=" + mandate + "&" + online: nil,
	} {
		h.post("/v1/payment_intents", "amount=900&currency=usd&confirm=true&"+form).is(400).has(map[string]any{"error.code": code, "error.param": "mandate"})
	}
	h.post("/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined&"+online).is(402)
	events := h.get("/v1/events?type=mandate.updated").ok().has(map[string]any{"data.0.data.object.status": "inactive", "data.1.data.object.status": "active",
		"data.1.data.previous_attributes.status": "pending"})
	validate(t, "mandate", events.part("data.0.data.object"))
	h.checkBooks()
}

func TestWishForAuthenticationIsUpdated(t *testing.T) {
	h := newHarness(t)
	id := h.post("/v1/payment_intents", "amount=2000&currency=usd&payment_method=pm_card_visa").ok().str("id")
	h.post("/v1/payment_intents/"+id, "payment_method_options[card][request_three_d_secure]=any").ok().
		has(map[string]any{"payment_method_options.card.request_three_d_secure": "any"})
	h.post("/v1/payment_intents/"+id+"/confirm", "expand[]=latest_charge").ok().has(map[string]any{"status": "succeeded",
		"latest_charge.payment_method_details.card.three_d_secure.result": "attempt_acknowledged"})
}
