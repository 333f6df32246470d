package rest

import "testing"

// reviewed prepares a payment that somebody should look at.
func (h *harness) reviewed(more ...string) (review, charge, intent string) {
	h.t.Helper()
	paid := h.paid(append([]string{"payment_method", "pm_card_riskLevelElevated"}, more...)...)
	review = paid.str("review")
	return review, paid.str("latest_charge"), paid.str("id")
}

func aReview(h *harness) sent {
	review, _, _ := h.reviewed()
	return sent{in: []string{review}}
}

var _ = shows("GetReviews", scenario{
	prepare: func(h *harness) sent { aReview(h); aReview(h); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "review", "data.0.open": true},
})

var _ = shows("GetReviewsReview", scenario{prepare: aReview, want: map[string]any{"open": true, "reason": "rule", "opened_reason": "rule", "closed_reason": nil}})

var _ = shows("PostReviewsReviewApprove", scenario{
	prepare: aReview,
	want:    map[string]any{"open": false, "reason": "approved", "closed_reason": "approved"},
	look:    "/v1/reviews/*",
	shows:   map[string]any{"open": false},
	fails: []refusedRequest{{"closed already", func(h *harness, s sent) sent {
		h.post("/v1/reviews/"+s.in[0]+"/approve", "").ok()
		return s
	}, 400, ""}},
})

// A review ends with whatever decides about the payment.
func TestReviewsEnd(t *testing.T) {
	h := newHarness(t)
	review, charge, intent := h.reviewed()
	h.event("review.opened").has(map[string]any{"data.object.id": review, "data.object.charge": charge, "data.object.payment_intent": intent})
	h.get("/v1/charges/" + charge + "?expand[]=review").ok().has(map[string]any{"review.id": review, "review.open": true})
	h.get("/v1/reviews").ok().has(map[string]any{"data.0.id": review, "data.1": nil})
	ends := func(id, reason string) {
		t.Helper()
		whole := h.get("/v1/reviews/" + id + "?expand[]=charge").ok().has(map[string]any{"open": false, "reason": reason, "closed_reason": reason})
		validate(t, "review", whole.text)
		h.event("review.closed").has(map[string]any{"data.object.id": id, "data.object.closed_reason": reason})
	}
	h.post("/v1/refunds", "amount=100&charge="+charge).ok()
	h.get("/v1/reviews/" + review).ok().has(map[string]any{"open": true})
	h.post("/v1/refunds", "charge="+charge).ok()
	ends(review, "refunded")
	h.get("/v1/reviews").ok().has(map[string]any{"data.0": nil})

	review, charge, _ = h.reviewed()
	h.post("/v1/refunds", "reason=fraudulent&charge="+charge).ok()
	ends(review, "refunded_as_fraud")

	held := h.post("/v1/payment_intents", "amount=1000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_riskLevelElevated").ok()
	h.post("/v1/payment_intents/"+held.str("id")+"/cancel", "").ok()
	ends(held.str("review"), "canceled")
	h.checkBooks()
}
