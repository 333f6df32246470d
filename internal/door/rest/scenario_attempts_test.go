package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/provider"
)

func (h *harness) anAttempt() string {
	h.t.Helper()
	paid := h.post("/v1/payment_intents", "amount=700&currency=usd&payment_method=pm_card_visa&confirm=true").ok().str("id")
	return h.get("/v1/florin/attempts?payment_intent=" + paid).ok().str("data.0.id")
}

var _ = shows("FlorinGetAttempts", scenario{
	prepare: func(h *harness) sent { h.anAttempt(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "florin.attempt", "data.0.operation": "sale", "data.0.status": "approved"},
})

var _ = shows("FlorinGetAttemptsAttempt", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.anAttempt()}} },
	want:    map[string]any{"object": "florin.attempt", "amount": 700, "currency": "usd", "break_since": nil, "resolution": nil, "provider": "sandbox"},
})

var _ = shows("FlorinPostAttemptsAttemptResolve", scenario{
	prepare: func(h *harness) sent {
		attempt := h.anAttempt()
		h.deny(attempt)
		return sent{in: []string{attempt}, form: "outcome=succeeded&evidence=seen"}
	},
	want:  map[string]any{"object": "florin.attempt", "status": "approved", "break_since": nil, "resolution.outcome": "succeeded", "resolution.evidence": "seen"},
	look:  "/v1/florin/attempts/*",
	shows: map[string]any{"resolution.outcome": "succeeded"},
	fails: []refusedRequest{
		{"what is booked", sending("outcome=failed&evidence=seen"), 400, ""},
		{"without evidence", sending("outcome=succeeded"), 400, "parameter_missing"},
	},
})

// deny has the provider say that an attempt which it approved was declined, so
// that a break is open.
func (h *harness) deny(attempt string) {
	h.t.Helper()
	err := h.server.Payment.Pushed(h.t.Context(), "sandbox", provider.Notice{ID: "denied " + attempt, Kind: provider.NoticeOutcome, Reference: attempt,
		Standing: &provider.Standing{Status: provider.Declined, Reason: "generic_decline"}})
	if err != nil {
		h.t.Fatal(err)
	}
}

var _ = shows("FlorinGetMessages", scenario{
	prepare: func(h *harness) sent { return sent{form: "object=" + h.anAttempt()} },
	want:    map[string]any{"object": "list", "data.0.object": "florin.provider_message", "data.0.direction": "sent", "data.1.direction": "received"},
	fails:   []refusedRequest{{"nothing there", sending("object=pi_nothing"), 400, "resource_missing"}},
})

// What an attempt and its messages show holds no card data: see package leak,
// which looks at all answers of the suite.
func TestMessagesAreMasked(t *testing.T) {
	h := newHarness(t)
	attempt := h.anAttempt()
	a := h.get("/v1/florin/messages?object=" + attempt).ok()
	if body := a.str("data.0.body"); body == "" {
		t.Error("nothing is shown")
	}
}

// Of several merchants none says what became of its own payment, or what explains a
// difference: that is for whoever runs Florin.
func TestMerchantsDoNotSettleTheirOwn(t *testing.T) {
	h := newHarness(t) // which has two merchants
	h.server.MaySettle = h.server.Merchant.Alone
	attempt, difference := h.anAttempt(), h.aBreak(h.scope())
	h.deny(attempt)
	h.post("/v1/florin/attempts/"+attempt+"/resolve", "outcome=succeeded&evidence=seen").is(403).has(map[string]any{"error.type": "invalid_request_error"})
	h.post("/v1/florin/breaks/"+difference+"/resolve", "by=Ada&why=because&posting=none").is(403)
	h.get("/v1/florin/attempts/" + attempt).ok().has(map[string]any{"resolution": nil})
	h.get("/v1/florin/breaks/" + difference).ok().has(map[string]any{"state": "open"})
	h.post("/v1/florin/breaks/"+difference, "owner=Ada").ok()
}
