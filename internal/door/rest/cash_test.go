package rest

import (
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/ledger"
)

const instructionsAt = "next_action.display_bank_transfer_instructions."

// A payment by bank transfer from its instructions to its refund, as clients and
// their webhooks see it.
func TestBankTransfer(t *testing.T) {
	h := newHarness(t)
	customer := h.aCustomer()
	made := h.waiting(customer, "")
	made.has(map[string]any{
		"status": "requires_action", "next_action.type": "display_bank_transfer_instructions", instructionsAt + "amount_remaining": 5000,
		instructionsAt + "currency": "eur", instructionsAt + "type": "eu_bank_transfer", instructionsAt + "financial_addresses.0.type": "iban",
		instructionsAt + "financial_addresses.0.iban.country": "DE", "payment_method_options.customer_balance.funding_type": "bank_transfer",
		"payment_method_options.customer_balance.bank_transfer.eu_bank_transfer.country": "DE",
	})
	intent, reference := made.str("id"), made.str(instructionsAt+"reference")
	asked := h.post("/v1/customers/"+customer+"/funding_instructions", instructions+"DE").ok()
	if at := "financial_addresses.0.iban.iban"; asked.str("bank_transfer."+at) != made.str(instructionsAt+at) {
		t.Error("the instructions of the payment name another account than those of the customer")
	}
	h.sends(customer, "amount=2000&currency=eur&reference=Invoice+"+strings.ToLower(reference))
	h.get("/v1/payment_intents/" + intent).ok().has(map[string]any{"status": "requires_action", instructionsAt + "amount_remaining": 3000, "amount_received": 0})
	h.sends(customer, "amount=4000&currency=eur")
	h.get("/v1/payment_intents/" + intent + "?expand[]=latest_charge.balance_transaction").ok().has(map[string]any{
		"status": "succeeded", "amount_received": 5000, "next_action": nil, "latest_charge.payment_method_details.type": "customer_balance",
		"latest_charge.paid": true, "latest_charge.balance_transaction.type": "payment", "latest_charge.balance_transaction.status": "available"})
	refund := h.post("/v1/refunds", "amount=1500&payment_intent="+intent).ok()
	refund.has(map[string]any{"status": "succeeded", "destination_details.type": "customer_cash_balance"})
	h.get("/v1/customers/" + customer + "/cash_balance").ok().has(map[string]any{"available.eur": 2500})
	list := "/v1/customers/" + customer + "/cash_balance_transactions?expand[]=data.applied_to_payment.payment_intent&expand[]=data.refunded_from_payment.refund"
	h.get(list).ok().has(map[string]any{
		"data.0.type": "refunded_from_payment", "data.0.refunded_from_payment.refund.id": refund.str("id"), "data.0.net_amount": 1500, "data.0.ending_balance": 2500,
		"data.1.type": "applied_to_payment", "data.1.net_amount": -3000, "data.1.applied_to_payment.payment_intent.id": intent, "data.2.type": "funded",
	})
	h.get("/v1/events?type=payment_intent.partially_funded").ok().has(map[string]any{"data.0.data.object." + instructionsAt + "amount_remaining": 3000})
	h.get("/v1/events?type=cash_balance.funds_available").ok().has(map[string]any{"data.0.data.object.available.eur": 1000})
	h.booksInOrder()
}

// What was sent pays at once, and what is canceled comes back.
func TestCashPaysAtOnce(t *testing.T) {
	h := newHarness(t)
	customer := h.aCustomer()
	h.sends(customer, "amount=7000&currency=eur")
	h.waiting(customer, "").has(map[string]any{"status": "succeeded", "amount_received": 5000})
	second := h.waiting(customer, "")
	second.has(map[string]any{"status": "requires_action", instructionsAt + "amount_remaining": 3000})
	h.post("/v1/payment_intents/"+second.str("id")+"/cancel", "").ok().has(map[string]any{"status": "canceled", "next_action": nil})
	h.get("/v1/customers/" + customer + "/cash_balance_transactions?expand[]=data.unapplied_from_payment.payment_intent").ok().has(map[string]any{
		"data.0.type": "unapplied_from_payment", "data.0.net_amount": 2000, "data.0.unapplied_from_payment.payment_intent.status": "canceled"})
	h.booksInOrder()
}

// Every type of bank transfer has its accounts.
func TestTypesOfBankTransfer(t *testing.T) {
	h := newHarness(t)
	for currency, want := range map[string]map[string]any{
		"gbp": {"type": "gb_bank_transfer", "financial_addresses.0.sort_code.sort_code": sortOfTests},
		"jpy": {"type": "jp_bank_transfer", "financial_addresses.0.zengin.account_type": "futsu"},
		"mxn": {"type": "mx_bank_transfer", "financial_addresses.0.spei.bank_code": speiOfTests},
		"usd": {"type": "us_bank_transfer", "financial_addresses.0.aba.routing_number": routingOfTests, "financial_addresses.1.swift.swift_code": swiftOfTests},
	} {
		form := strings.Replace(byTransfer, "eur", currency, 1) + "confirm=true&customer=" + h.aCustomer() + "&" + transferOptions +
			"[funding_type]=bank_transfer&" + transferOptions + "[bank_transfer][type]=" + want["type"].(string)
		all := map[string]any{}
		for path, value := range want {
			all[instructionsAt+path] = value
		}
		h.post("/v1/payment_intents", form).ok().has(all)
	}
	// The example of the standard: https://en.wikipedia.org/wiki/CLABE.
	if got := checkDigit("03218000011835971"); got != "9" {
		t.Errorf("the check digit of a CLABE is %s", got)
	}
}

func TestBankTransferRefusals(t *testing.T) {
	h := newHarness(t)
	customer := h.aCustomer()
	const confirmed = byTransfer + "confirm=true&"
	for name, c := range map[string]struct{ form, code, param string }{
		"no customer":       {confirmed + fromGermany, "parameter_missing", "customer"},
		"no funding":        {confirmed + "customer=" + customer, "parameter_missing", transferOptions + "[funding_type]"},
		"no type":           {confirmed + transferOptions + "[funding_type]=bank_transfer&customer=" + customer, "parameter_missing", transferOptions + "[bank_transfer][type]"},
		"another currency":  {strings.Replace(confirmed, "eur", "usd", 1) + fromGermany + "&customer=" + customer, "", "currency"},
		"another country":   {confirmed + strings.Replace(fromGermany, "=DE", "=CH", 1) + "&customer=" + customer, "", transferOptions + "[bank_transfer][eu_bank_transfer][country]"},
		"another address":   {confirmed + fromGermany + "&customer=" + customer + "&" + transferOptions + "[bank_transfer][requested_address_types][]=zengin", "", transferOptions + "[bank_transfer][requested_address_types]"},
		"captured by hand":  {confirmed + fromGermany + "&capture_method=manual&customer=" + customer, "payment_intent_invalid_parameter", "capture_method"},
		"kept for later":    {confirmed + fromGermany + "&setup_future_usage=off_session&customer=" + customer, "payment_intent_invalid_parameter", "setup_future_usage"},
		"nobody to be told": {confirmed + fromGermany + "&error_on_requires_action=true&customer=" + customer, "payment_intent_action_required", ""},
	} {
		h.in(t).post("/v1/payment_intents", c.form).is(400).has(map[string]any{"error.code": text(c.code), "error.param": text(c.param)})
		if t.Failed() {
			t.Fatal(name)
		}
	}
	h.booksInOrder()
}

// booksInOrder fails the test where payments, cash balances or the ledger do not
// agree.
func (h *harness) booksInOrder() {
	h.t.Helper()
	report := func(f ledger.Finding) { h.t.Errorf("the books: %s", f.String()) }
	for _, err := range []error{h.server.Payment.Check(h.t.Context(), report), h.server.Cash.Check(h.t.Context(), report), ledger.Check(h.t.Context(), h.server.DB, report)} {
		if err != nil {
			h.t.Error(err)
		}
	}
}
