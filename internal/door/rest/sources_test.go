package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

// A plug-in of before there were payment methods keeps cards as sources, finds
// them under the ids it was given, and payments take them by those.
func TestSourcesOfACustomer(t *testing.T) {
	h := newHarness(t)
	made := h.post("/v1/customers", "source=tok_visa&expand[]=default_source&expand[]=sources").ok()
	validate(t, "card", made.part("default_source"))
	customer, first := made.str("id"), made.str("default_source.id")
	made.has(map[string]any{"sources.data.0.id": first, "sources.data.1": nil, "default_source.customer": customer})
	path := "/v1/customers/" + customer
	second := h.post(path+"/sources", "source=tok_mastercard").ok().str("id")
	h.get(path + "?expand[]=sources").ok().has(map[string]any{"default_source": first, "sources.data.0.id": second, "sources.data.1.id": first})
	h.get(path + "/cards?starting_after=" + second).ok().has(map[string]any{"data.0.id": first, "data.1": nil})

	h.event("customer.source.created").has(map[string]any{"data.object.id": second, "data.object.object": "card", "data.object.customer": customer})
	h.post(path+"/sources/"+second, "exp_year=2040").ok()
	h.event("customer.source.updated").has(map[string]any{"data.object.exp_year": 2040, "data.previous_attributes.exp_month": nil})

	h.post(path, "default_source="+second).ok().has(map[string]any{"default_source": second})
	h.post(path, "default_card="+first).ok().has(map[string]any{"default_source": first})
	h.post(path, "default_source=card_nothing").is(400).has(map[string]any{"error.code": "resource_missing", "error.param": "default_source"})

	paid := h.post("/v1/payment_intents", "amount=1000&currency=usd&confirm=true&customer="+customer+"&payment_method="+second).ok()
	paid.has(map[string]any{"status": "succeeded"})
	method := paid.str("payment_method")
	h.get("/v1/payment_methods/" + second).ok().has(map[string]any{"id": method, "card.last4": "4444"})
	h.get(path + "/sources/" + method).ok().has(map[string]any{"id": second})

	third := h.post(path, "source=tok_amex").ok().str("default_source")
	h.get(path + "/sources/" + first).is(404)
	h.event("customer.source.deleted").has(map[string]any{"data.object.id": first, "data.object.customer": customer, "data.object.last4": "4242"})
	h.send("DELETE", path+"/cards/"+third, "").ok().has(map[string]any{"id": third, "deleted": true})
	h.get(path).ok().has(map[string]any{"default_source": second})
	h.post("/v1/payment_methods/"+second+"/detach", "").ok()
	h.event("customer.source.deleted").has(map[string]any{"data.object.id": second})
	h.get(path + "?expand[]=sources").ok().has(map[string]any{"default_source": nil, "sources.data.0": nil})
	h.checkBooks()
}

// What showed sources is answered again with those that there were.
func TestSourcesAreReplayed(t *testing.T) {
	d := newDesk(t)
	customer := d.post("/v1/customers", "source=tok_visa").at("id")
	path := "/v1/customers/" + customer
	d.replayed("POST", path+"/sources", "source=tok_mastercard", func(first *deskReply) {
		d.as(d.sk, "DELETE", path+"/sources/"+first.ok().at("id"), "").ok()
	}).ok()
	d.replayed("POST", path, "source=tok_visa&expand[]=sources&expand[]=default_source", func(first *deskReply) {
		d.post(path+"/sources", "source=tok_amex")
		d.as(d.sk, "DELETE", path+"/sources/"+first.ok().at("default_source.id"), "").ok()
	}).ok()
	kept := d.get(path, "").at("default_source")
	d.replayed("DELETE", path+"/sources/"+kept, "", nil).ok()
}

// Charges are made without an intent of the caller's.
func TestChargingDirectly(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "source=tok_visa").ok().str("id")
	other := h.post("/v1/customers/"+customer+"/sources", "source=tok_mastercard").ok().str("id")
	first := h.post("/v1/charges", "amount=1000&currency=usd&customer="+customer).ok().has(map[string]any{"payment_method_details.card.last4": "4242"})
	validate(t, "charge", first.text)
	h.post("/v1/charges", "amount=1000&currency=usd&customer="+customer+"&source="+other).ok().has(map[string]any{"payment_method_details.card.last4": "4444"})
	h.post("/v1/charges", "amount=1000&currency=usd&source="+other).is(400)

	held := h.post("/v1/charges", "amount=1000&currency=usd&source=tok_visa&capture=false").ok().has(map[string]any{"captured": false, "paid": true})
	h.post("/v1/charges/"+held.str("id")+"/capture", "amount=600").ok().has(map[string]any{"captured": true, "amount_captured": 600})
	h.post("/v1/charges/"+held.str("id")+"/refund", "").ok().has(map[string]any{"amount_refunded": 600, "refunded": true})

	refused := h.post("/v1/charges", "amount=1000&currency=usd&source=tok_visa_chargeDeclined").is(402).has(map[string]any{"error.code": "card_declined", "error.payment_intent": nil})
	h.get("/v1/charges/" + refused.str("error.charge")).ok().has(map[string]any{"status": "failed", "paid": false})
	h.checkBooks()
}

// A charge whose outcome nobody knows is not there yet: the answer says so, and
// says so again.
func TestChargingDirectlyIntoTheUnknown(t *testing.T) {
	h := harnessWith(t, approving())
	h.say("authorize", provider.Outcome{Status: provider.Unknown})
	const key = "the-same"
	open := h.post("/v1/charges", "amount=1000&currency=usd&source=tok_visa", "Idempotency-Key", key).is(429).has(map[string]any{"error.code": "lock_timeout"})
	again := h.post("/v1/charges", "amount=1000&currency=usd&source=tok_visa", "Idempotency-Key", key).is(429)
	if string(open.text) != string(again.text) || open.header.Get("Stripe-Should-Retry") != "false" {
		t.Errorf("%s\n%s", open.text, again.text)
	}
	h.get("/v1/payment_intents").ok().has(map[string]any{"data.0.status": "processing", "data.1": nil})
}
