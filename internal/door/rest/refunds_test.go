package rest

import (
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/provider"
)

func TestRefund(t *testing.T) {
	h := newHarness(t)
	intent := h.paid()
	charge := intent.str("latest_charge")
	a := h.post("/v1/refunds", pairs("charge", charge, "amount", "300", "reason", "requested_by_customer", "metadata[a]", "b")).ok()
	validate(t, "refund", a.text)
	complete(t, "refund", a.text)
	a.has(map[string]any{
		"object": "refund", "amount": 300, "currency": "usd", "charge": charge, "payment_intent": intent.str("id"), "status": "succeeded", "metadata.a": "b",
		"reason": "requested_by_customer", "receipt_number": nil, "destination_details.type": "card", "destination_details.card.type": "refund",
		"failure_reason": nil, "pending_reason": nil,
	})
	h.get("/v1/charges/" + charge).ok().has(map[string]any{"refunded": false, "amount_refunded": 300})

	b := h.post("/v1/refunds", pairs("payment_intent", intent.str("id"), "expand[]", "charge.refunds", "expand[]", "balance_transaction", "expand[]", "payment_intent")).ok()
	validate(t, "refund", b.text)
	validate(t, "charge", b.part("charge"))
	b.has(map[string]any{
		"amount": 700, "reason": nil, "charge.refunded": true, "charge.amount_refunded": 1000, "charge.refunds.data.0.id": b.str("id"),
		"charge.refunds.data.1.id": a.str("id"), "charge.refunds.has_more": false, "balance_transaction.amount": -700, "balance_transaction.type": "refund",
		"payment_intent.id": intent.str("id"), "charge.refunds.url": "/v1/charges/" + charge + "/refunds",
	})
	h.get("/v1/refunds/" + a.str("id") + "?expand[]=charge.payment_intent").ok().has(map[string]any{"charge.payment_intent.status": "succeeded"})
	h.get("/v1/refunds?charge=" + charge).ok().has(map[string]any{"data.0.id": b.str("id"), "data.1.id": a.str("id"), "data.2": nil})
	h.get("/v1/refunds?payment_intent=" + intent.str("id") + "&limit=1").ok().has(map[string]any{"data.0.id": b.str("id"), "data.1": nil, "has_more": true})
	h.post("/v1/refunds", "charge="+charge).is(400).has(map[string]any{"error.code": "charge_already_refunded"})
	h.checkBooks()
}

func TestRefundRefusals(t *testing.T) {
	h := newHarness(t)
	intent := h.paid()
	charge := intent.str("latest_charge")
	held := h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").ok()
	failed := h.intent("payment_method", "pm_card_visa_chargeDeclined", "confirm", "true").is(402)
	const either = "One of the following params should be provided for this request: payment_intent or charge."
	for _, c := range []struct {
		params      string
		code, param any
		message     string
	}{
		{"", "parameter_missing", nil, either},
		{"amount=5", "parameter_missing", nil, either},
		{pairs("charge", charge, "payment_intent", intent.str("id")), "parameter_missing", nil, either},
		{"charge=ch_nothing", "resource_missing", "charge", "No such charge: 'ch_nothing'"},
		{"charge=" + intent.str("id"), "resource_missing", "charge", ""},
		{"payment_intent=pi_nothing", "resource_missing", "payment_intent", ""},
		{pairs("charge", charge, "amount", "0"), "parameter_invalid_integer", "amount", ""},
		{pairs("charge", charge, "amount", "-1"), "parameter_invalid_integer", "amount", ""},
		{pairs("charge", charge, "amount", "1001"), nil, "amount", "Refund amount"},
		{pairs("charge", charge, "amount", "9223372036854775807"), nil, "amount", ""},
		{pairs("charge", charge, "reason", "boredom"), nil, "reason", "Invalid reason"},
		{pairs("charge", charge, "reverse_transfer", "true"), nil, "reverse_transfer", ""},
		{pairs("charge", charge, "refund_application_fee", "true"), nil, "refund_application_fee", ""},
		{pairs("charge", charge, "origin", "customer_balance"), nil, "origin", ""},
		{pairs("charge", held.str("latest_charge")), nil, nil, "The charge"},
		{pairs("payment_intent", held.str("id")), nil, nil, "The charge"},
		{pairs("charge", failed.str("error.charge")), nil, "charge", "The charge"},
		{pairs("payment_intent", h.intent().str("id")), nil, "payment_intent", ""},
	} {
		a := h.post("/v1/refunds", c.params).is(400)
		if a.at("error.code") != c.code || a.at("error.param") != c.param || !strings.HasPrefix(a.str("error.message"), c.message) {
			t.Errorf("%s: %s", c.params, a.text)
		}
		validate(t, "api_errors", a.part("error"))
	}
	h.get("/v1/charges/" + charge).ok().has(map[string]any{"amount_refunded": 0})
	h.get("/v1/refunds/re_nothing").is(404).has(map[string]any{"error.param": "refund"})
	h.get("/v1/refunds?charge=ch_nothing").is(400)
	h.checkBooks()
}

func TestRefundOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		says provider.Outcome
		want map[string]any
	}{
		"refused": {provider.Outcome{Status: provider.Declined}, map[string]any{"status": "failed", "failure_reason": "declined", "balance_transaction": nil}},
		"failed":  {provider.Outcome{Status: provider.Failed}, map[string]any{"status": "failed", "failure_reason": "unknown"}},
		"unknown": {provider.Outcome{}, map[string]any{"status": "pending", "pending_reason": "processing", "balance_transaction": nil}},
		"pending": {provider.Outcome{Status: provider.Pending}, map[string]any{"status": "pending", "pending_reason": "processing"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			charge := h.paid().str("latest_charge")
			h.say("refund", c.says)
			a := h.post("/v1/refunds", pairs("charge", charge, "expand[]", "charge")).ok().has(c.want)
			validate(t, "refund", a.text)
			a.has(map[string]any{"charge.amount_refunded": 0, "charge.refunded": false})
			h.checkBooks()
		})
	}
}

// A refund's instructions go to its payer, and are sealed.
func TestRefundInstructions(t *testing.T) {
	h := newHarness(t)
	made := h.post("/v1/refunds", "charge="+h.paid().str("latest_charge")+"&instructions_email=jo@shop.example").ok().has(map[string]any{"instructions_email": "jo@shop.example"})
	validate(t, "refund", made.text)
	h.post("/v1/refunds/"+made.str("id"), "metadata[a]=b&metadata[c]=d").ok().has(map[string]any{"metadata.a": "b", "metadata.c": "d"})
	h.post("/v1/refunds/"+made.str("id"), "metadata[a]=").ok().has(map[string]any{"metadata.a": nil, "metadata.c": "d", "status": "succeeded"})
	told := h.get("/v1/events?type=refund.updated").ok()
	told.has(map[string]any{"data.0.data.object.id": made.str("id"), "data.0.data.previous_attributes.metadata.a": "b"})
	h.post("/v1/refunds", "charge="+h.paid().str("latest_charge")+"&instructions_email=nobody").is(400).has(map[string]any{"error.param": "instructions_email"})
	h.checkBooks()
}

// Money that came from a customer's cash goes back there, in whatever way the refund is
// asked for; each way has an answer of its own.
func TestRefundsOfCashAreAnsweredAlike(t *testing.T) {
	h := newHarness(t)
	customer := h.aCustomer()
	h.sends(customer, "amount=5000&currency=eur")
	charge := h.waiting(customer, "").has(map[string]any{"status": "succeeded"}).str("latest_charge")
	for id, want := range map[string]map[string]any{
		"PostChargesChargeRefund":  {"object": "charge", "id": charge},
		"PostChargesChargeRefunds": {"object": "refund", "charge": charge, "destination_details.type": "customer_cash_balance"},
	} {
		op := spec.ByID(id)
		h.contract(op, h.do(op, sent{in: []string{charge}, form: "amount=100"}).ok().has(want))
	}
	h.get("/v1/charges/" + charge).ok().has(map[string]any{"amount_refunded": 200})
	h.checkBooks()
}
