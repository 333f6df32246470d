package rest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
)

// complaining is a harness whose network disputes every sale, as a test has it.
func complaining(t testing.TB, d provider.Dispute) (*harness, *providertest.Network) {
	t.Helper()
	n := providertest.NewNetwork(time.Now)
	n.OnSale = func(reference string, a money.Amount) []provider.Notice {
		d := d
		d.ID, d.Amount, d.Currency, d.Due = "d_"+reference, a.Minor(), a.Currency(), time.Now().Add(7*24*time.Hour)
		return []provider.Notice{{Kind: provider.NoticeDispute, Reference: reference, Dispute: &d}}
	}
	return harnessWith(t, n.Provider()), n
}

func (h *harness) listen() {
	h.t.Helper()
	if err := h.server.Payment.ReadNotices(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

var chargeback = provider.Dispute{Status: "needs_response", Reason: "fraudulent", Network: "10.4"}

// events gives the data of the newest event of a type.
func (h *harness) event(typ string) *answered {
	h.t.Helper()
	a := h.get("/v1/events?type=" + typ).ok()
	if a.at("data.0") == nil {
		h.t.Fatalf("there is no %s", typ)
	}
	return h.get("/v1/events/" + a.str("data.0.id")).ok()
}

func TestDispute(t *testing.T) {
	h, _ := complaining(t, chargeback)
	intent := h.paid()
	charge := intent.str("latest_charge")
	list := h.get("/v1/disputes").ok() // as stripe trigger does, right after the confirm
	id := list.str("data.0.id")
	list.has(map[string]any{"data.1": nil, "has_more": false, "url": "/v1/disputes"})
	a := h.get("/v1/disputes/" + id + "?expand[]=charge&expand[]=payment_intent").ok()
	validate(t, "dispute", a.text)
	complete(t, "dispute", a.text)
	complete(t, "dispute_evidence", a.part("evidence"))
	complete(t, "dispute_evidence_details", a.part("evidence_details"))
	a.has(map[string]any{
		"object": "dispute", "amount": 1000, "currency": "usd", "status": "needs_response", "reason": "fraudulent", "charge.id": charge, "charge.disputed": true,
		"payment_intent.id": intent.str("id"), "is_charge_refundable": false, "livemode": false, "evidence_details.has_evidence": false,
		"evidence_details.past_due": false, "evidence_details.submission_count": 0, "evidence.uncategorized_text": nil,
		"payment_method_details.type": "card", "payment_method_details.card.brand": "visa", "payment_method_details.card.case_type": "chargeback",
		"payment_method_details.card.network_reason_code": "10.4", "balance_transactions.0.amount": -1000, "balance_transactions.0.fee": 1500,
		"balance_transactions.0.net": -2500, "balance_transactions.0.type": "adjustment", "balance_transactions.0.reporting_category": "dispute",
		"balance_transactions.0.source": id, "balance_transactions.1": nil,
	})
	for path, there := range map[string]bool{
		"charge=" + charge: true, "payment_intent=" + intent.str("id"): true, "created[gte]=1": true, "created[lt]=1000": false,
		"charge=" + charge + "&payment_intent=" + intent.str("id"): true,
	} {
		if got := h.get("/v1/disputes?"+path).ok().at("data.0.id") == id; got != there {
			t.Errorf("%s: listed %v", path, got)
		}
	}
	txn := a.str("balance_transactions.0.id")
	h.get("/v1/balance_transactions/" + txn + "?expand[]=source").ok().has(map[string]any{"source.id": id, "source.status": "needs_response"})
	h.get("/v1/balance_transactions?source=" + id).ok().has(map[string]any{"data.0.id": txn})
	h.get("/v1/balance_transactions?type=adjustment").ok().has(map[string]any{"data.0.id": txn})
	h.post("/v1/refunds", "charge="+charge).is(400).has(map[string]any{"error.code": "charge_disputed"})
	e := h.event("charge.dispute.created")
	e.has(map[string]any{"data.object.id": id, "data.object.balance_transactions.0.id": txn, "data.previous_attributes": nil})
	h.event("charge.dispute.funds_withdrawn").has(map[string]any{"data.object.id": id})
	h.checkBooks()
}

func TestDisputeEvidence(t *testing.T) {
	h, _ := complaining(t, chargeback)
	h.paid()
	path := "/v1/disputes/" + h.get("/v1/disputes").ok().str("data.0.id")
	params := url.Values{"submit": {"false"}, "metadata[order]": {"6735"}}
	for _, name := range evidenceFields {
		value := h.file()
		if !evidenceFiles[name] {
			value = "said of " + name
		}
		params.Set("evidence["+name+"]", value)
	}
	a := h.post(path, params.Encode()).ok()
	validate(t, "dispute", a.text)
	a.has(map[string]any{"status": "needs_response", "evidence_details.has_evidence": true, "evidence_details.submission_count": 0, "metadata.order": "6735"})
	for _, name := range evidenceFields {
		if got, want := a.at("evidence."+name), params.Get("evidence["+name+"]"); got != want {
			t.Errorf("%s is %v", name, got)
		}
	}
	h.event("charge.dispute.updated").has(map[string]any{
		"data.object.evidence.customer_name": "said of customer_name", "data.previous_attributes.evidence_details.has_evidence": false, "data.previous_attributes.status": nil})
	a = h.post(path, pairs("evidence[uncategorized_text]", "winning_evidence", "metadata", ""), "Idempotency-Key", "w").ok()
	a.has(map[string]any{"status": "under_review", "evidence_details.submission_count": 1, "evidence.customer_name": "said of customer_name", "metadata.order": nil})
	h.event("charge.dispute.updated").has(map[string]any{"data.object.status": "under_review", "data.previous_attributes.status": "needs_response",
		"data.previous_attributes.evidence_details.submission_count": 0})
	h.listen()
	won := h.get(path).ok()
	validate(t, "dispute", won.text)
	won.has(map[string]any{"status": "won", "balance_transactions.1.amount": 1000, "balance_transactions.1.fee": 0,
		"balance_transactions.1.reporting_category": "dispute_reversal", "is_charge_refundable": true})
	for _, typ := range []string{"charge.dispute.closed", "charge.dispute.funds_reinstated"} {
		h.event(typ).has(map[string]any{"data.object.status": "won", "data.previous_attributes.status": "under_review", "data.previous_attributes.is_charge_refundable": false})
	}
	if again := h.post(path, pairs("evidence[uncategorized_text]", "winning_evidence", "metadata", ""), "Idempotency-Key", "w").ok(); string(again.text) != string(a.text) {
		t.Errorf("the replay differs: %s", again.text)
	}
	h.post(path, pairs("evidence[uncategorized_text]", "more")).is(400)
	h.post(path+"/close", "").is(400)
	h.checkBooks()
}

func TestDisputeRefusals(t *testing.T) {
	h, _ := complaining(t, chargeback)
	h.paid()
	path := "/v1/disputes/" + h.get("/v1/disputes").ok().str("data.0.id")
	for params, param := range map[string]any{
		"submit=true":           "submit",
		"evidence=none":         "evidence",
		"evidence[gossip]=x":    "evidence[gossip]",
		"evidence[receipt]=doc": "evidence[receipt]",
		"submit=perhaps":        "submit",
		"evidence[enhanced_evidence][visa_compliance][fee_acknowledged]=true": "evidence[enhanced_evidence][visa_compliance]",
		"evidence[customer_name]=" + strings.Repeat("x", 5001):                "evidence[customer_name]",
	} {
		a := h.post(path, params).is(400)
		if a.at("error.param") != param {
			t.Errorf("%.60s: %s", params, a.text)
		}
		validate(t, "api_errors", a.part("error"))
	}
	h.get(path).ok().has(map[string]any{"status": "needs_response", "evidence_details.has_evidence": false})
	h.get("/v1/disputes/dp_nothing").is(404).has(map[string]any{"error.param": "dispute"})
	h.post("/v1/disputes/dp_nothing", "").is(404)
	h.post("/v1/disputes/dp_nothing/close", "").is(404)
	h.get("/v1/disputes?charge=ch_nothing").is(400)
	h.post(path+"/close", "").ok().has(map[string]any{"status": "lost"})
	h.event("charge.dispute.closed").has(map[string]any{"data.object.status": "lost", "data.previous_attributes.status": "needs_response"})
	h.checkBooks()
}

func TestInquiry(t *testing.T) {
	h, _ := complaining(t, provider.Dispute{Status: "warning_needs_response", Reason: "product_not_received"})
	charge := h.paid().str("latest_charge")
	a := h.get("/v1/disputes?charge=" + charge).ok()
	a.has(map[string]any{"data.0.status": "warning_needs_response", "data.0.is_charge_refundable": true, "data.0.balance_transactions.0": nil,
		"data.0.payment_method_details.card.case_type": "inquiry"})
	h.post("/v1/disputes/"+a.str("data.0.id"), pairs("evidence[uncategorized_text]", "escalate_inquiry_evidence")).ok().has(map[string]any{"status": "warning_under_review"})
	h.listen()
	a = h.get("/v1/disputes/" + a.str("data.0.id")).ok().has(map[string]any{"status": "needs_response", "is_charge_refundable": false,
		"balance_transactions.0.reporting_category": "dispute", "payment_method_details.card.case_type": "chargeback"})
	validate(t, "dispute", a.text)
	h.checkBooks()
}

func TestEnhancedEvidence(t *testing.T) {
	d := chargeback
	d.Enhanced = []string{"visa_compelling_evidence_3", "visa_compliance", "mastercard_compliance"}
	h, _ := complaining(t, d)
	charge := h.paid().str("latest_charge")
	list := h.get("/v1/disputes?charge=" + charge).ok()
	path, at := "/v1/disputes/"+list.str("data.0.id"), "evidence[enhanced_evidence][visa_compelling_evidence_3]"
	validate(t, "dispute", list.part("data.0"))
	list.has(map[string]any{"data.0.enhanced_eligibility_types.2": "mastercard_compliance",
		"data.0.evidence_details.enhanced_eligibility.visa_compelling_evidence_3.status": "requires_action",
		"data.0.evidence_details.enhanced_eligibility.visa_compliance.status":            "requires_fee_acknowledgement"})
	params := url.Values{"submit": {"false"}, "evidence[enhanced_evidence][mastercard_compliance][fee_acknowledged]": {"true"},
		at + "[disputed_transaction][merchandise_or_services]": {"services"}}
	for i, one := range []string{"[disputed_transaction]", "[prior_undisputed_transactions][0]", "[prior_undisputed_transactions][1]"} {
		if i > 0 {
			params.Set(at+one+"[charge]", charge)
		}
		params.Set(at+one+"[customer_account_id]", "7")
		params.Set(at+one+"[customer_purchase_ip]", "192.0.2.1")
		params.Set(at+one+"[product_description]", "a lesson")
		params.Set(at+one+"[shipping_address][line1]", "1 Main Street")
	}
	a := h.post(path, params.Encode()).ok()
	validate(t, "dispute", a.text)
	const shown = "evidence.enhanced_evidence.visa_compelling_evidence_3."
	a.has(map[string]any{
		shown + "disputed_transaction.merchandise_or_services": "services", shown + "disputed_transaction.shipping_address.line1": "1 Main Street",
		shown + "prior_undisputed_transactions.1.charge": charge, shown + "prior_undisputed_transactions.1.customer_account_id": "7",
		shown + "prior_undisputed_transactions.2":                                   nil,
		"evidence.enhanced_evidence.mastercard_compliance.fee_acknowledged":         true,
		"evidence_details.enhanced_eligibility.visa_compelling_evidence_3.status":   "qualified",
		"evidence_details.enhanced_eligibility.mastercard_compliance.status":        "fee_acknowledged",
		"evidence_details.enhanced_eligibility.visa_compliance.status":              "requires_fee_acknowledgement",
		"evidence_details.enhanced_eligibility.visa_compelling_evidence_3.required": nil,
	})
	// A list takes the place of the one before, and an empty text clears all.
	a = h.post(path, pairs("submit", "false", at+"[prior_undisputed_transactions][0][charge]", charge)).ok()
	a.has(map[string]any{shown + "prior_undisputed_transactions.0.customer_account_id": nil, shown + "prior_undisputed_transactions.1": nil,
		"evidence_details.enhanced_eligibility.visa_compelling_evidence_3.status": "requires_action"})
	a = h.post(path, pairs("submit", "false", "evidence[enhanced_evidence]", "")).ok()
	a.has(map[string]any{shown + "disputed_transaction": nil, "evidence.enhanced_evidence.mastercard_compliance.fee_acknowledged": false, "evidence_details.has_evidence": false})
}

func TestFraudWarning(t *testing.T) {
	n := providertest.NewNetwork(time.Now)
	n.OnSale = func(reference string, _ money.Amount) []provider.Notice {
		return []provider.Notice{{Kind: provider.NoticeFraud, Reference: reference, Reason: "made_with_stolen_card"}}
	}
	h := harnessWith(t, n.Provider())
	intent := h.paid()
	charge := intent.str("latest_charge")
	a := h.get("/v1/radar/early_fraud_warnings?charge=" + charge).ok()
	validate(t, "radar.early_fraud_warning", a.part("data.0"))
	complete(t, "radar.early_fraud_warning", a.part("data.0"))
	a.has(map[string]any{"data.0.actionable": true, "data.0.fraud_type": "made_with_stolen_card", "data.0.charge": charge, "data.0.payment_intent": intent.str("id"), "data.1": nil})
	h.event("radar.early_fraud_warning.created").has(map[string]any{"data.object.id": a.str("data.0.id")})
	h.post("/v1/refunds", "charge="+charge).ok()
	h.get("/v1/radar/early_fraud_warnings/" + a.str("data.0.id") + "?expand[]=charge").ok().has(map[string]any{"actionable": false, "charge.refunded": true})
	h.event("radar.early_fraud_warning.updated").has(map[string]any{"data.previous_attributes.actionable": true})
	h.get("/v1/radar/early_fraud_warnings?payment_intent=" + intent.str("id")).ok().has(map[string]any{"data.0.id": a.str("data.0.id")})
	h.get("/v1/radar/early_fraud_warnings/issfr_nothing").is(404)
	h.checkBooks()
}

func TestRefundThatFailsLater(t *testing.T) {
	n := providertest.NewNetwork(time.Now)
	h := harnessWith(t, n.Provider())
	intent := h.paid()
	charge := intent.str("latest_charge")
	var reference string
	n.OnRefund = func(r string) { reference = r }
	r := h.post("/v1/refunds", pairs("charge", charge, "amount", "300")).ok().has(map[string]any{"status": "succeeded", "failure_balance_transaction": nil})
	n.Tell(provider.Notice{Kind: provider.NoticeRefundFailed, Reference: reference, Reason: "lost_or_stolen_card"})
	h.listen()
	a := h.get("/v1/refunds/" + r.str("id") + "?expand[]=failure_balance_transaction").ok()
	validate(t, "refund", a.text)
	a.has(map[string]any{"status": "failed", "failure_reason": "lost_or_stolen_card", "failure_balance_transaction.type": "refund_failure",
		"failure_balance_transaction.amount": 300, "failure_balance_transaction.source": r.str("id"), "balance_transaction": r.str("balance_transaction")})
	h.get("/v1/charges/" + charge).ok().has(map[string]any{"amount_refunded": 0, "refunded": false})
	h.event("refund.failed").has(map[string]any{"data.object.id": r.str("id"), "data.object.status": "failed"})
	for _, typ := range []string{"refund.updated", "charge.refund.updated"} {
		h.event(typ).has(map[string]any{"data.previous_attributes.status": "succeeded"})
	}
	h.post("/v1/refunds", pairs("charge", charge)).ok().has(map[string]any{"amount": 1000})
	h.checkBooks()
}

// The files of evidence are shown whole to those who expand them, and an answer
// that is given again shows them as it did.
func TestEvidenceShowsItsFiles(t *testing.T) {
	h := newHarness(t)
	id, _, _ := h.disputed("pm_card_createDispute")
	receipt := h.file()
	form := "submit=false&evidence[receipt]=" + receipt + "&evidence[uncategorized_text]=it+was+sent&expand[]=evidence.receipt"
	first := h.post("/v1/disputes/"+id, form, "Idempotency-Key", "evidence").ok().
		has(map[string]any{"evidence.receipt.id": receipt, "evidence.receipt.object": "file", "evidence.receipt.purpose": "dispute_evidence"})
	validate(t, "file", first.part("evidence.receipt"))
	if again := h.post("/v1/disputes/"+id, form, "Idempotency-Key", "evidence").ok(); string(again.text) != string(first.text) {
		t.Errorf("%s\n%s", first.text, again.text)
	}
	h.get("/v1/disputes/" + id).ok().has(map[string]any{"evidence.receipt": receipt})
	h.get("/v1/disputes/" + id + "?expand[]=evidence.customer_signature").ok().has(map[string]any{"evidence.customer_signature": nil})
}
