package rest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDisputeCards pays with each of Stripe's test cards that are disputed
// (https://docs.stripe.com/testing#disputes), and sees the dispute as soon as the
// confirm has answered.
func TestDisputeCards(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		card, status, reason, kind, enhanced string
		number                               int
		amount                               any
	}{
		{"pm_card_createDispute", "needs_response", "fraudulent", "chargeback", "", 1, 1000.},
		{"pm_card_createDisputeProductNotReceived", "needs_response", "product_not_received", "chargeback", "", 1, 1000.},
		{"pm_card_createDisputeInquiry", "warning_needs_response", "fraudulent", "inquiry", "", 1, 1000.},
		{"pm_card_createMultipleDisputes", "needs_response", "fraudulent", "chargeback", "", 2, 500.},
		{"pm_card_createCe3EligibleDispute", "needs_response", "fraudulent", "chargeback", "visa_compelling_evidence_3", 1, 1000.},
		{"pm_card_createComplianceDispute", "needs_response", "noncompliant", "compliance", "visa_compliance", 1, 1000.},
		{"pm_card_createMastercardComplianceDispute", "needs_response", "noncompliant", "compliance", "mastercard_compliance", 1, 1000.},
		{"pm_card_createAutoRepresentmentEligibleDispute", "needs_response", "fraudulent", "chargeback", "", 1, 1000.},
	} {
		t.Run(c.card, func(t *testing.T) {
			h := h.in(t)
			charge := h.paid("payment_method", c.card).str("latest_charge")
			a := h.get("/v1/disputes?charge=" + charge).ok()
			if got := len(a.at("data").([]any)); got != c.number {
				t.Fatalf("%d disputes, want %d", got, c.number)
			}
			validate(t, "dispute", a.part("data.0"))
			a.has(map[string]any{"data.0.status": c.status, "data.0.reason": c.reason, "data.0.amount": c.amount,
				"data.0.payment_method_details.card.case_type": c.kind})
			types := []any{}
			if c.enhanced != "" {
				types = append(types, c.enhanced)
			}
			if diff := cmp.Diff(types, a.at("data.0.enhanced_eligibility_types")); diff != "" {
				t.Error(diff)
			}
			h.get("/v1/charges/" + charge).ok().has(map[string]any{"disputed": true})
		})
	}
	h.listen()
	h.checkBooks()
}

// TestEvidenceDecides answers disputes with the words of Stripe's test mode.
func TestEvidenceDecides(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct{ card, text, status string }{
		{"pm_card_createDispute", "winning_evidence", "won"},
		{"pm_card_createDispute", "losing_evidence", "lost"},
		{"pm_card_createDispute", "something else", "under_review"},
		{"pm_card_createDispute", "", "lost"}, // giving in
		{"pm_card_createDisputeInquiry", "winning_evidence", "warning_closed"},
		{"pm_card_createDisputeInquiry", "escalate_inquiry_evidence", "needs_response"},
		{"pm_card_createDisputeInquiry", "", "warning_closed"},
	} {
		t.Run(c.card+" "+c.text, func(t *testing.T) {
			h := h.in(t)
			charge := h.paid("payment_method", c.card).str("latest_charge")
			path := "/v1/disputes/" + h.get("/v1/disputes?charge="+charge).ok().str("data.0.id")
			if c.text == "" {
				h.post(path+"/close", "")
			} else {
				h.post(path, pairs("evidence[uncategorized_text]", c.text)).ok()
			}
			h.listen()
			a := h.get(path).ok().has(map[string]any{"status": c.status})
			validate(t, "dispute", a.text)
		})
	}
	h.checkBooks()
}

func TestFraudWarningCard(t *testing.T) {
	h := newHarness(t)
	charge := h.paid("payment_method", "pm_card_createIssuerFraudRecord").str("latest_charge")
	h.get("/v1/radar/early_fraud_warnings?charge=" + charge).ok().has(map[string]any{"data.0.actionable": true, "data.1": nil})
}

// TestRefundCards: one refund is pending before it succeeds, one fails after it
// had succeeded.
func TestRefundCards(t *testing.T) {
	h := newHarness(t)
	pending := h.paid("payment_method", "pm_card_pendingRefund").str("latest_charge")
	failing := h.paid("payment_method", "pm_card_refundFail").str("latest_charge")
	a := h.post("/v1/refunds", "charge="+pending).ok().has(map[string]any{"status": "pending", "pending_reason": "processing"})
	b := h.post("/v1/refunds", "charge="+failing).ok().has(map[string]any{"status": "succeeded"})
	h.eventually(func() bool {
		return h.get("/v1/refunds/"+a.str("id")).ok().at("status") == "succeeded" && h.get("/v1/refunds/"+b.str("id")).ok().at("status") == "failed"
	})
	h.get("/v1/events?type=refund.updated").ok().has(map[string]any{"data.1.type": "refund.updated", "data.2": nil})
	h.event("refund.failed").has(map[string]any{"data.object.id": b.str("id"), "data.object.failure_reason": "expired_or_canceled_card"})
	h.get("/v1/charges/" + pending).ok().has(map[string]any{"refunded": true})
	h.get("/v1/charges/" + failing).ok().has(map[string]any{"refunded": false, "amount_refunded": 0})
	h.checkBooks()
}

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
