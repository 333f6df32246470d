package rest

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// eventually has Florin look after what is open until something is so.
func (h *harness) eventually(so func() bool) {
	h.t.Helper()
	for begun := time.Now(); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			h.t.Fatal("it does not come about")
		}
		if _, err := h.server.Payment.Sweep(h.t.Context(), 100); err != nil {
			h.t.Fatal(err)
		}
		h.listen()
	}
}

// As much evidence as may be given reaches the provider.
func TestAllEvidence(t *testing.T) {
	h := newHarness(t)
	id, _, _ := h.disputed("pm_card_createDispute")
	params := url.Values{}
	for _, name := range []string{"access_activity_log", "cancellation_rebuttal", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
		"cancellation_policy_disclosure", "duplicate_charge_explanation"} {
		params.Set("evidence["+name+"]", strings.Repeat("ä", 20_000))
	}
	h.post("/v1/disputes/"+id, params.Encode()).ok().has(map[string]any{"status": "under_review"})
	h.checkBooks()
}

// Evidence decides disputes by its words.
func TestEvidenceDecides(t *testing.T) {
	h := newHarness(t)
	for _, r := range evidenceRows {
		t.Run(r.card+" "+r.text, func(t *testing.T) {
			h := h.in(t)
			charge := h.paid("payment_method", "pm_card_"+r.card).str("latest_charge")
			path := "/v1/disputes/" + h.get("/v1/disputes?charge="+charge).ok().str("data.0.id")
			if r.text == "" {
				h.post(path+"/close", "")
			} else {
				h.post(path, pairs("evidence[uncategorized_text]", r.text)).ok()
			}
			h.listen()
			a := h.get(path).ok().has(map[string]any{"status": r.status})
			validate(t, "dispute", a.text)
		})
	}
	h.checkBooks()
}
