package rest

// aDispute has a payment disputed and gives the dispute's id.
func (h *harness) aDispute() string {
	h.t.Helper()
	charge := h.intent("payment_method", "pm_card_createDispute", "confirm", "true").ok().str("latest_charge")
	return h.get("/v1/disputes?charge=" + charge).ok().str("data.0.id")
}

func ofDispute(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.aDispute()}, form: form} }
}

var _ = shows("GetDisputes", scenario{
	prepare: func(h *harness) sent { h.aDispute(); h.aDispute(); return sent{form: "limit=2"} },
	want:    map[string]any{"object": "list", "data.0.object": "dispute", "data.0.status": "needs_response"},
	values: func(h *harness, _ sent) map[string]string {
		paid := h.paid()
		return map[string]string{"charge": paid.str("latest_charge"), "payment_intent": paid.str("id")}
	},
})

var _ = shows("GetDisputesDispute", scenario{prepare: ofDispute(""), want: map[string]any{"object": "dispute", "reason": "fraudulent"}})

var _ = shows("PostDisputesDispute", scenario{
	prepare: ofDispute("metadata[order]=6735&submit=false"),
	want:    map[string]any{"object": "dispute", "metadata.order": "6735", "status": "needs_response"},
	shows:   map[string]any{"metadata.order": "6735"},
	values:  func(h *harness, _ sent) map[string]string { return map[string]string{"submit": "true"} },
})

var _ = shows("PostDisputesDisputeClose", scenario{
	prepare: ofDispute(""),
	want:    map[string]any{"object": "dispute", "status": "lost"},
	shows:   map[string]any{"status": "lost"},
	fails: []refusedRequest{{"closed already", func(h *harness, s sent) sent {
		h.post("/v1/disputes/"+s.in[0]+"/close", "").ok()
		return s
	}, 400, ""}},
})

// aWarning has a payment reported as fraud and gives the warning's id.
func (h *harness) aWarning() string {
	h.t.Helper()
	charge := h.intent("payment_method", "pm_card_createIssuerFraudRecord", "confirm", "true").ok().str("latest_charge")
	return h.get("/v1/radar/early_fraud_warnings?charge=" + charge).ok().str("data.0.id")
}

var _ = shows("GetRadarEarlyFraudWarnings", scenario{
	prepare: func(h *harness) sent { h.aWarning(); h.aWarning(); return sent{form: "limit=2"} },
	want:    map[string]any{"object": "list", "data.0.object": "radar.early_fraud_warning"},
	values: func(h *harness, _ sent) map[string]string {
		paid := h.paid()
		return map[string]string{"charge": paid.str("latest_charge"), "payment_intent": paid.str("id")}
	},
})

var _ = shows("GetRadarEarlyFraudWarningsEarlyFraudWarning", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.aWarning()}} },
	want:    map[string]any{"object": "radar.early_fraud_warning", "actionable": true},
})
