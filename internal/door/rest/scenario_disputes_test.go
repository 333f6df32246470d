package rest

import "net/url"

// disputed prepares a dispute; in is its id where a path wants one.
func (h *harness) disputed(card string) (id, charge, intent string) {
	h.t.Helper()
	paid := h.paid("payment_method", card)
	charge, intent = paid.str("latest_charge"), paid.str("id")
	return h.get("/v1/disputes?charge=" + charge).ok().str("data.0.id"), charge, intent
}

var _ = shows("GetDisputes", scenario{
	also: []alternative{{func(h *harness) sent {
		h.disputed("pm_card_createDispute")
		h.disputed("pm_card_createDispute")
		return sent{form: "limit=3"}
	}, []string{"limit"}}},
	prepare: func(h *harness) sent {
		h.disputed("pm_card_createDispute")
		_, charge, _ := h.disputed("pm_card_createDisputeProductNotReceived")
		return sent{form: "charge=" + charge}
	},
	want: map[string]any{"object": "list", "data.0.object": "dispute", "data.0.reason": "product_not_received", "data.1": nil},
	fails: []refusedRequest{
		{"a charge that is not there", sending("charge=ch_missing"), 400, "resource_missing"},
		{"too many", sending("limit=101"), 400, "parameter_invalid_integer"},
	},
	values: func(h *harness, _ sent) map[string]string {
		_, charge, intent := h.disputed("pm_card_createDispute")
		return map[string]string{"charge": charge, "payment_intent": intent}
	},
})

var retrievingDisputes = scenario{
	prepare: func(h *harness) sent {
		id, _, _ := h.disputed("pm_card_createDispute")
		return sent{in: []string{id}}
	},
	want: map[string]any{"object": "dispute", "status": "needs_response"},
}

var _ = shows("GetDisputesDispute", retrievingDisputes)

var updatingDisputes = scenario{
	prepare: func(h *harness) sent {
		id, _, _ := h.disputed("pm_card_createCe3EligibleDispute")
		return sent{in: []string{id}, form: url.Values{"evidence[uncategorized_text]": {"winning_evidence"}, "metadata[order]": {"6735"}}.Encode()}
	},
	want:  map[string]any{"status": "won", "metadata.order": "6735", "evidence.uncategorized_text": "winning_evidence", "evidence_details.submission_count": 1},
	shows: map[string]any{"status": "won", "balance_transactions.1.reporting_category": "dispute_reversal"},
	fails: []refusedRequest{
		{"nothing to submit", sending("submit=true"), 400, ""},
		{"no file", sending("evidence[receipt]=receipt.pdf"), 400, "resource_missing"},
		{"a file for something else", func(h *harness, s sent) sent {
			s.form = "evidence[receipt]=" + h.uploaded("a.png", png, "purpose", "business_logo").ok().str("id")
			return s
		}, 400, ""},
	},
	values: func(h *harness, _ sent) map[string]string {
		values := map[string]string{"submit": "false"}
		for name := range evidenceFiles {
			values["evidence["+name+"]"] = h.file()
		}
		const prior = "evidence[enhanced_evidence][visa_compelling_evidence_3][prior_undisputed_transactions][0][charge]"
		values[prior] = h.paid().str("latest_charge")
		return values
	},
}

var _ = shows("PostDisputesDispute", updatingDisputes)

var closingDisputes = scenario{
	prepare: func(h *harness) sent {
		id, _, _ := h.disputed("pm_card_createDispute")
		return sent{in: []string{id}}
	},
	want:  map[string]any{"status": "lost"},
	look:  "/v1/disputes/*",
	shows: map[string]any{"status": "lost"},
	fails: []refusedRequest{{"closed already", func(h *harness, s sent) sent {
		h.post("/v1/disputes/"+s.in[0]+"/close", "").ok()
		return s
	}, 400, ""}},
}

var _ = shows("PostDisputesDisputeClose", closingDisputes)

// warned prepares an early fraud warning.
func (h *harness) warned() (id, charge, intent string) {
	h.t.Helper()
	paid := h.paid("payment_method", "pm_card_createIssuerFraudRecord")
	charge, intent = paid.str("latest_charge"), paid.str("id")
	return h.get("/v1/radar/early_fraud_warnings?charge=" + charge).ok().str("data.0.id"), charge, intent
}

var _ = shows("GetRadarEarlyFraudWarnings", scenario{
	also: []alternative{{func(h *harness) sent { h.warned(); h.warned(); return sent{form: "limit=3"} }, []string{"limit"}}},
	prepare: func(h *harness) sent {
		_, charge, _ := h.warned()
		return sent{form: "charge=" + charge}
	},
	want:  map[string]any{"object": "list", "data.0.object": "radar.early_fraud_warning", "data.1": nil},
	fails: []refusedRequest{{"a charge that is not there", sending("charge=ch_missing"), 400, "resource_missing"}},
	values: func(h *harness, _ sent) map[string]string {
		_, charge, intent := h.warned()
		return map[string]string{"charge": charge, "payment_intent": intent}
	},
})

var _ = shows("GetRadarEarlyFraudWarningsEarlyFraudWarning", scenario{
	prepare: func(h *harness) sent {
		id, _, _ := h.warned()
		return sent{in: []string{id}}
	},
	want: map[string]any{"actionable": true},
})
