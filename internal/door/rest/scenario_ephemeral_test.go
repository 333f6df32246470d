package rest

import "testing"

var versioned = []string{"Stripe-Version", Version}

var _ = shows("PostEphemeralKeys", scenario{
	prepare: func(h *harness) sent { return sent{form: "customer=" + h.aCustomer(), headers: versioned} },
	want:    map[string]any{"object": "ephemeral_key"},
	then: func(h *harness, _ sent, a *answered) {
		if a.str("secret")[:8] != "ek_test_" || a.at("expires").(float64)-a.at("created").(float64) != 3600 {
			h.t.Errorf("%s", a.text)
		}
	},
	fails: []refusedRequest{
		{"no version", func(_ *harness, s sent) sent { return sent{form: s.form} }, 400, ""},
		{"no customer", sending(""), 400, "parameter_missing"},
		{"no such customer", sending("customer=cus_1"), 400, "resource_missing"},
		{"a card that is issued", sending("issuing_card=ic_1"), 400, ""},
	},
})

var _ = shows("DeleteEphemeralKeysKey", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.post("/v1/ephemeral_keys", "customer="+h.aCustomer(), versioned...).ok().str("id")}}
	},
	want: map[string]any{"object": "ephemeral_key"},
	then: func(h *harness, s sent, a *answered) {
		if a.at("secret") != nil {
			h.t.Errorf("the secret of a key that has ended: %s", a.text)
		}
		h.send("DELETE", "/v1/ephemeral_keys/"+s.in[0], "").is(404)
	},
})

// A customer's device may look after its own customer, and do nothing else;
// nobody makes such a key but here, and none outlives its deletion.
func TestEphemeralKeys(t *testing.T) {
	h := newHarness(t)
	mine, other := anAttached(h), anAttached(h)
	made := h.post("/v1/ephemeral_keys", "customer="+mine.in[0], versioned...).ok()
	key := made.str("secret")
	loose := h.aMethod()
	for _, test := range []struct {
		method, path, form string
		status             int
	}{
		{"GET", "/v1/customers/" + mine.in[0], "", 200},
		{"GET", "/v1/customers/" + mine.in[0] + "?expand[]=default_source", "", 200},
		{"POST", "/v1/customers/" + mine.in[0], "email=jo@example.com", 200},
		{"GET", "/v1/payment_methods?customer=" + mine.in[0], "", 200},
		{"GET", "/v1/customers/" + mine.in[0] + "/payment_methods", "", 200},
		{"POST", "/v1/payment_methods/" + loose + "/attach", "customer=" + mine.in[0], 200},
		{"POST", "/v1/payment_methods/" + mine.in[1], "metadata[a]=b", 200},
		{"POST", "/v1/payment_methods/" + mine.in[1] + "/detach", "", 200},
		{"POST", "/v1/customers/" + mine.in[0], "balance=-100", 400},
		{"GET", "/v1/customers/" + mine.in[0] + "?expand[]=tax_ids", "", 403},
		{"GET", "/v1/customers/" + other.in[0], "", 403},
		{"GET", "/v1/customers", "", 403},
		{"DELETE", "/v1/customers/" + mine.in[0], "", 403},
		{"GET", "/v1/payment_methods?customer=" + other.in[0], "", 403},
		{"GET", "/v1/payment_methods", "", 403},
		{"GET", "/v1/customers/" + other.in[0] + "/payment_methods", "", 403},
		{"POST", "/v1/payment_methods/" + other.in[1] + "/detach", "", 403},
		{"POST", "/v1/payment_methods/" + other.in[1], "metadata[a]=b", 403},
		{"POST", "/v1/payment_intents", "amount=100&currency=usd", 403},
		{"POST", "/v1/ephemeral_keys", "customer=" + mine.in[0], 403},
		{"GET", "/v1/balance", "", 403},
	} {
		if got := h.send(test.method, test.path, test.form, "Authorization", "Bearer "+key); got.status != test.status {
			t.Errorf("%s %s %s: %d, want %d: %s", test.method, test.path, test.form, got.status, test.status, got.text)
		}
	}
	refused := func(name, key string) {
		t.Helper()
		if got := h.send("GET", "/v1/customers/"+mine.in[0], "", "Authorization", "Bearer "+key); got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	refused("forged", key[:len(key)-1]+"~")
	refused("of the other mode", "ek_live_"+key[8:])
	refused("nothing", "ek_test_")
	refused("cut", key[:40])
	h.send("DELETE", "/v1/ephemeral_keys/"+made.str("id"), "").ok()
	refused("deleted", key)
}
