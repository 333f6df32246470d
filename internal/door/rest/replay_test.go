package rest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/provider"
)

// Each operation that writes is executed once under its key; whoever repeats
// it gets the same bytes, also after everything has moved on.
func TestReplays(t *testing.T) {
	h := newHarness(t)
	hold := []string{"payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual"}
	everything := []string{"expand[]", "latest_charge.balance_transaction", "expand[]", "latest_charge.refunds", "expand[]", "customer", "expand[]", "payment_method"}
	customer := h.post("/v1/customers", "name=Jo").ok().str("id")
	at := func(a *answered, operation string) string { return "/v1/payment_intents/" + a.str("id") + operation }
	charge := h.paid().str("latest_charge")
	create := []string{"amount", "1000", "currency", "usd", "customer", customer}
	steps := []struct {
		name, path, params string
		status             int
	}{
		{"create", "/v1/payment_intents", pairs(append(create, everything...)...), 200},
		{"pay", "/v1/payment_intents", pairs(append(append(create, "payment_method", "pm_card_visa", "confirm", "true"), everything...)...), 200},
		{"decline", "/v1/payment_intents", pairs(append(append(create, "payment_method", "pm_card_visa_chargeDeclined", "confirm", "true"), everything...)...), 402},
		{"confirm", at(h.intent("customer", customer).ok(), "/confirm"), pairs(append(everything, "payment_method", "pm_card_visa")...), 200},
		{"confirm declined", at(h.intent().ok(), "/confirm"), pairs(append(everything, "payment_method", "pm_card_visa_chargeDeclinedLostCard")...), 402},
		{"capture", at(h.intent(hold...).ok(), "/capture"), pairs(append(everything, "amount_to_capture", "400")...), 200},
		{"cancel", at(h.intent(hold...).ok(), "/cancel"), pairs(everything...), 200},
		{"cancel at once", at(h.intent().ok(), "/cancel"), "", 200},
		{"refund", "/v1/refunds", pairs("charge", charge, "amount", "100", "expand[]", "charge.refunds", "expand[]", "balance_transaction", "expand[]", "payment_intent.latest_charge"), 200},
		{"refused", at(h.intent().ok(), "/capture"), "", 400},
		{"refund refused", "/v1/refunds", pairs("charge", charge, "amount", "5000"), 400},
	}
	first := map[string]*answered{}
	for _, s := range steps {
		a := h.post(s.path, s.params, "Idempotency-Key", "key "+s.name).is(s.status)
		if a.header.Get("Idempotent-Replayed") != "" || a.header.Get("Original-Request") != a.header.Get("Request-Id") || a.header.Get("Idempotency-Key") != "key "+s.name {
			t.Errorf("%s: headers of the first answer: %v", s.name, a.header)
		}
		first[s.name] = a
	}
	// Meanwhile what was answered changes.
	h.post("/v1/refunds", pairs("charge", charge)).ok()
	h.post("/v1/refunds", pairs("payment_intent", first["pay"].str("id"))).ok()
	h.post("/v1/refunds", pairs("payment_intent", first["capture"].str("id"), "amount", "50")).ok()
	h.post(at(first["create"], "/cancel"), "").ok()
	for _, s := range steps {
		a := h.post(s.path, s.params, "Idempotency-Key", "key "+s.name).is(s.status)
		if diff := cmp.Diff(string(first[s.name].text), string(a.text)); diff != "" {
			t.Errorf("%s is answered otherwise: %s", s.name, diff)
		}
		original := first[s.name].header.Get("Request-Id")
		if a.header.Get("Idempotent-Replayed") != "true" || a.header.Get("Original-Request") != original || a.header.Get("Request-Id") == original {
			t.Errorf("%s: headers of the replay: %v", s.name, a.header)
		}
	}
	h.checkBooks()
}

// An answer that says processing or pending is given again as it was, also once
// the outcome is known.
func TestReplayOfAnOpenOutcome(t *testing.T) {
	h := harnessWith(t, approving())
	charge := h.paid().str("latest_charge")
	h.say("authorize", provider.Outcome{})
	h.say("refund", provider.Outcome{})
	pay := pairs("amount", "1000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true", "expand[]", "latest_charge")
	refund := pairs("charge", charge, "amount", "100", "expand[]", "charge.refunds")
	processing := h.post("/v1/payment_intents", pay, "Idempotency-Key", "pay").ok().has(map[string]any{"status": "processing", "latest_charge": nil})
	pending := h.post("/v1/refunds", refund, "Idempotency-Key", "refund").ok().has(map[string]any{"status": "pending", "charge.refunds.data.0.status": "pending"})
	repeat := func() {
		t.Helper()
		if diff := cmp.Diff(string(processing.text), string(h.post("/v1/payment_intents", pay, "Idempotency-Key", "pay").text)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(string(pending.text), string(h.post("/v1/refunds", refund, "Idempotency-Key", "refund").text)); diff != "" {
			t.Error(diff)
		}
	}
	repeat()

	yes := provider.Outcome{Status: provider.Approved}
	h.say("authorize", yes)
	h.say("refund", yes)
	settled := func() bool {
		return h.get("/v1/payment_intents/"+processing.str("id")).at("status") == "succeeded" && h.get("/v1/refunds/"+pending.str("id")).at("status") == "succeeded"
	}
	for until := time.Now().Add(30 * time.Second); !settled(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the outcomes stay open")
		}
		if _, err := h.server.Payment.Sweep(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
	}
	repeat()
	h.get("/v1/charges/" + charge + "?expand[]=refunds").ok().has(map[string]any{"amount_refunded": 100, "refunds.data.0.status": "succeeded"})
	if got := h.get("/v1/payment_intents").ok().at("data.2"); got != nil {
		t.Error("there are three intents")
	}
	h.checkBooks()
}

func TestKeyForAnotherRequest(t *testing.T) {
	h := harnessWith(t, approving())
	a := h.post("/v1/payment_intents", "amount=1000&currency=usd", "Idempotency-Key", "k").ok()
	for _, c := range []struct{ path, params string }{
		{"/v1/payment_intents", "amount=1001&currency=usd"},
		{"/v1/payment_intents/" + a.str("id") + "/cancel", ""},
		{"/v1/refunds", "payment_intent=" + a.str("id")},
		{"/v1/customers", "name=Jo"},
	} {
		b := h.post(c.path, c.params, "Idempotency-Key", "k").is(400)
		b.has(map[string]any{"error.type": "idempotency_error", "error.code": nil, "error.param": nil})
		if b.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: a refusal that is no replay says it is one", c.path)
		}
	}
	// Spelled otherwise it is the same request; for another merchant another key.
	h.post("/v1/payment_intents", "currency=usd&amount=1000", "Idempotency-Key", "k").ok().has(map[string]any{"id": a.str("id")})
	other := h.post("/v1/payment_intents", "amount=1001&currency=usd", "Idempotency-Key", "k", "Authorization", "Bearer "+otherSecretKey).ok()
	if other.str("id") == a.str("id") {
		t.Error("two merchants share a key")
	}
	h.post("/v1/payment_intents", "amount=1000&currency=usd", "Idempotency-Key", strings.Repeat("k", 256)).is(400)
	// A request that was never begun leaves its key free.
	h.post("/v1/payment_intents", "amount=0&currency=usd", "Idempotency-Key", "free").is(400)
	h.post("/v1/payment_intents", "amount=1000&currency=usd", "Idempotency-Key", "free").ok()
}

func TestKeyInUse(t *testing.T) {
	h := harnessWith(t, approving())
	h.script.gate, h.script.arrive = make(chan struct{}), make(chan struct{})
	params := pairs("amount", "1000", "currency", "usd", "payment_method", "pm_card_visa", "confirm", "true")
	first := make(chan *answered)
	go func() { first <- h.post("/v1/payment_intents", params, "Idempotency-Key", "k") }()
	select {
	case <-h.script.arrive:
	case <-time.After(20 * time.Second):
		t.Fatal("the first request did not reach the provider")
	}
	a := h.post("/v1/payment_intents", params, "Idempotency-Key", "k").is(http.StatusConflict)
	a.has(map[string]any{"error.type": "idempotency_error", "error.code": "idempotency_key_in_use"})
	// Others see the intent under way.
	h.get("/v1/payment_intents").ok().has(map[string]any{"data.0.status": "processing"})
	close(h.script.gate)
	b := <-first
	b.ok().has(map[string]any{"status": "succeeded"})
	c := h.post("/v1/payment_intents", params, "Idempotency-Key", "k").ok()
	if string(b.text) != string(c.text) {
		t.Errorf("the replay differs: %s", c.text)
	}
	h.checkBooks()
}
