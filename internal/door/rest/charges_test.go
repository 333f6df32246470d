package rest

import (
	"testing"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/google/go-cmp/cmp"
)

func TestCharge(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Jo").ok().str("id")
	method := h.post("/v1/payment_methods", pairs("type", "card", "card[number]", "4242424242424242", "card[exp_month]", "12", "card[exp_year]", "2034", "card[cvc]", "123",
		"billing_details[name]", "Jo", "billing_details[address][postal_code]", "12345")).ok().str("id")
	intent := h.paid("payment_method", method, "customer", customer, "statement_descriptor_suffix", "SHOP", "metadata[a]", "b")
	a := h.get("/v1/charges/" + intent.str("latest_charge")).ok()
	validate(t, "charge", a.text)
	complete(t, "charge", a.text, "refunds") // which is there when it is expanded
	a.has(map[string]any{
		"object": "charge", "amount": 1000, "amount_captured": 1000, "amount_refunded": 0, "captured": true, "paid": true, "refunded": false, "disputed": false,
		"status": "succeeded", "customer": customer, "payment_intent": intent.str("id"), "payment_method": method, "metadata.a": "b",
		"billing_details.name": "Jo", "billing_details.address.postal_code": "12345", "failure_code": nil, "failure_message": nil,
		"outcome.network_status": "approved_by_network", "outcome.type": "authorized", "outcome.risk_level": "normal", "outcome.reason": nil, "outcome.seller_message": "Payment complete.",
		"payment_method_details.type": "card", "payment_method_details.card.brand": "visa", "payment_method_details.card.network": "visa",
		"payment_method_details.card.last4": "4242", "payment_method_details.card.exp_month": 12, "payment_method_details.card.exp_year": 2034,
		"payment_method_details.card.checks.cvc_check": "pass", "payment_method_details.card.funding": "credit", "payment_method_details.card.country": "US",
		"payment_method_details.card.overcapture.maximum_amount_capturable": 1000, "receipt_url": nil, "statement_descriptor_suffix": "SHOP",
	})
	a = h.get("/v1/charges/" + a.str("id") + "?expand[]=payment_intent&expand[]=customer&expand[]=refunds&expand[]=balance_transaction").ok()
	validate(t, "charge", a.text)
	a.has(map[string]any{"payment_intent.id": intent.str("id"), "customer.name": "Jo", "balance_transaction.net": 1000 - 59, "refunds.object": "list", "refunds.has_more": false, "refunds.data.0": nil})
	h.get("/v1/charges/ch_nothing").is(404).has(map[string]any{"error.code": "resource_missing", "error.param": "charge", "error.message": "No such charge: 'ch_nothing'"})
	h.get("/v1/charges/" + a.str("id") + "?expand[]=colour").is(400)
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		charge payment.Charge
		want   outcome
	}{
		{payment.Charge{NetworkCode: "00"}, outcome{NetworkStatus: "approved_by_network", RiskLevel: "normal", SellerMessage: "Payment complete.", Type: "authorized"}},
		{
			payment.Charge{NetworkCode: "05", Failure: &fault.Error{DeclineCode: "generic_decline", AdviceCode: "try_again_later"}},
			outcome{AdviceCode: "try_again_later", NetworkDeclineCode: "05", NetworkStatus: "declined_by_network", Reason: "generic_decline", RiskLevel: "normal",
				SellerMessage: "The bank did not return any further details with this decline.", Type: "issuer_declined"},
		},
		{
			payment.Charge{Failure: &fault.Error{DeclineCode: "lost_card"}},
			outcome{NetworkStatus: "declined_by_network", Reason: "lost_card", RiskLevel: "normal",
				SellerMessage: "The bank returned the decline code `lost_card`.", Type: "issuer_declined"},
		},
	} {
		if diff := cmp.Diff(c.want, outcomeOf(&c.charge)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestListCharges(t *testing.T) {
	h := newHarness(t)
	customer := h.post("/v1/customers", "name=Jo").ok().str("id")
	first := h.paid("customer", customer)
	second := h.paid()
	for query, want := range map[string][]any{
		"":                                    {second.str("latest_charge"), first.str("latest_charge"), nil},
		"?customer=" + customer:               {first.str("latest_charge"), nil},
		"?payment_intent=" + second.str("id"): {second.str("latest_charge"), nil},
		"?payment_intent=" + second.str("id") + "&customer=" + customer: {nil},
	} {
		a := h.get("/v1/charges" + query).ok().has(map[string]any{"object": "list", "url": "/v1/charges", "has_more": false})
		for i, id := range want {
			if got := a.at("data." + string(rune('0'+i)) + ".id"); got != id {
				t.Errorf("%s: charge %d is %v, want %v", query, i, got, id)
			}
		}
	}
	for _, query := range []string{"?customer=cus_nobody", "?payment_intent=pi_nothing"} {
		h.get("/v1/charges" + query).is(400).has(map[string]any{"error.code": "resource_missing"})
	}
	foreign := h.get("/v1/charges", "Authorization", "Bearer "+otherSecretKey).ok()
	foreign.has(map[string]any{"data.0": nil})
	h.get("/v1/charges?customer="+customer, "Authorization", "Bearer "+otherSecretKey).is(400)
	h.get("/v1/charges/"+first.str("latest_charge"), "Authorization", "Bearer "+otherSecretKey).is(404)
	grouped := h.paid("transfer_group", "g").str("latest_charge")
	h.get("/v1/charges?transfer_group=g").ok().has(map[string]any{"data.0.id": grouped, "data.0.transfer_group": "g", "data.1": nil})
	h.get("/v1/charges?transfer_group=h").ok().has(map[string]any{"data.0": nil})
	h.get("/v1/charges?expand[]=data.balance_transaction").ok().has(map[string]any{"data.1.balance_transaction.object": "balance_transaction"})
}
