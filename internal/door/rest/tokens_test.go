package rest

import "testing"

// The holder of a card that is kept types its security code again: the payment
// is sent with it, once.
func TestSecurityCodeIsCollectedAgain(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "source=tok_visa").ok()
	pay := "amount=1000&currency=usd&confirm=true&expand[]=latest_charge&customer=" + customer.str("id") + "&payment_method=" + customer.str("default_source")
	const checked = "latest_charge.payment_method_details.card.checks.cvc_check"
	h.post("/v1/payment_intents", pay).ok() // takes the code that came with the card
	without := h.post("/v1/payment_intents", pay).ok().at(checked)

	made := h.post("/v1/tokens", "cvc_update[cvc]=123").ok().has(map[string]any{"type": "cvc_update", "used": false, "card": nil})
	validate(t, "token", made.text)
	token := made.str("id")
	const param = "&payment_method_options[card][cvc_token]="
	with := h.post("/v1/payment_intents", pay+param+token).ok().at(checked)
	if with != "pass" || without == "pass" {
		t.Errorf("checked with it: %v, without: %v", with, without)
	}
	h.get("/v1/tokens/" + token).ok().has(map[string]any{"id": token, "used": true})
	for refused, code := range map[string]string{pay + param + token: "token_already_used", pay + param + "cvctok_1": "resource_missing"} {
		h.post("/v1/payment_intents", refused).is(400).has(map[string]any{"error.code": code, "error.param": "payment_method_options[card][cvc_token]"})
	}
	h.post("/v1/payment_intents", "amount=1000&currency=usd"+param+token).is(400).has(map[string]any{"error.param": "payment_method_options[card][cvc_token]"})
	h.post("/v1/payment_methods", "type=card&card[token]="+token).is(400)
	// A payment that is not begun leaves the token unused.
	unused := h.post("/v1/tokens", "cvc_update[cvc]=123").ok().str("id")
	h.post("/v1/payment_intents", pay+"&mandate=mandate_1"+param+unused).is(400)
	h.get("/v1/tokens/" + unused).ok().has(map[string]any{"used": false})
	intent := h.post("/v1/payment_intents", "amount=1000&currency=usd&customer="+customer.str("id")).ok().str("id")
	h.post("/v1/payment_intents/"+intent+"/confirm", "expand[]=latest_charge&payment_method="+customer.str("default_source")+param+unused).ok().
		has(map[string]any{checked: "pass"})
	h.checkBooks()
}
