package rest

import "strings"

// aFunded makes a customer with a cash balance and gives its transaction.
func aFunded(h *harness) sent {
	customer := h.aCustomer()
	t := h.post("/v1/test_helpers/customers/"+customer+"/fund_cash_balance", "amount=5000&currency=usd").ok().str("id")
	return sent{in: []string{customer, t}}
}

var _ = shows("PostTestHelpersCustomersCustomerFundCashBalance", scenario{
	prepare: ofCustomer("amount=5000&currency=usd&reference=INV-1"),
	want: map[string]any{"object": "customer_cash_balance_transaction", "net_amount": 5000, "ending_balance": 5000, "type": "funded",
		"funded.bank_transfer.type": "us_bank_transfer", "funded.bank_transfer.reference": "INV-1"},
	look:  "/v1/customers/*/cash_balance",
	shows: map[string]any{"available.usd": 5000},
	fails: []refusedRequest{
		{"nothing", sending("amount=0&currency=usd"), 400, "parameter_invalid_integer"},
		{"no such bank", sending("amount=5&currency=chf"), 400, ""},
	},
})

var _ = shows("GetCustomersCustomerCashBalance", scenario{
	prepare: ofCustomer(""),
	want: map[string]any{"object": "cash_balance", "available": nil, "settings.reconciliation_mode": "automatic",
		"settings.using_merchant_default": true},
})

var _ = shows("PostCustomersCustomerCashBalance", scenario{
	prepare: ofCustomer("settings[reconciliation_mode]=manual"),
	want:    map[string]any{"settings.reconciliation_mode": "manual", "settings.using_merchant_default": false},
	shows:   map[string]any{"settings.reconciliation_mode": "manual"},
	fails:   []refusedRequest{{"another mode", sending("settings[reconciliation_mode]=later"), 400, ""}},
})

var _ = shows("GetCustomersCustomerCashBalanceTransactions", scenario{
	prepare: func(h *harness) sent {
		s := aFunded(h)
		h.post("/v1/test_helpers/customers/"+s.in[0]+"/fund_cash_balance", "amount=1&currency=usd").ok()
		return sent{in: s.in[:1], form: "limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.ending_balance": 5001, "data.1.ending_balance": 5000},
})

var _ = shows("GetCustomersCustomerCashBalanceTransactionsTransaction", scenario{
	prepare: aFunded,
	want:    map[string]any{"net_amount": 5000, "currency": "usd"},
	fails: []refusedRequest{{"another customer's", func(h *harness, s sent) sent {
		return sent{in: []string{h.aCustomer(), s.in[1]}}
	}, 404, "resource_missing"}},
})

const instructions = "funding_type=bank_transfer&bank_transfer[type]=eu_bank_transfer&currency=eur&bank_transfer[eu_bank_transfer][country]="

var _ = shows("PostCustomersCustomerFundingInstructions", scenario{
	prepare: ofCustomer(instructions + "DE"),
	// Only one value of each goes with the rest: the others are refused, below.
	elsewhere: []string{"currency", "bank_transfer[requested_address_types][0]", "funding_type"},
	want: map[string]any{"object": "funding_instructions", "currency": "eur", "bank_transfer.country": "DE",
		"bank_transfer.financial_addresses.0.type": "iban"},
	then: func(h *harness, s sent, a *answered) {
		const iban = "bank_transfer.financial_addresses.0.iban.iban"
		again := h.post("/v1/customers/"+s.in[0]+"/funding_instructions", s.form).ok()
		if !strings.HasPrefix(a.str(iban), "DE") || len(a.str(iban)) != 22 || again.str(iban) != a.str(iban) {
			h.t.Errorf("%s, and then %s", a.str(iban), again.str(iban))
		}
		other := h.post("/v1/customers/"+h.aCustomer()+"/funding_instructions", s.form).ok()
		if other.str(iban) == a.str(iban) {
			h.t.Errorf("two customers have %s", a.str(iban))
		}
		h.post("/v1/customers/"+s.in[0]+"/funding_instructions", "funding_type=bank_transfer&bank_transfer[type]=jp_bank_transfer&currency=jpy").ok().
			has(map[string]any{"bank_transfer.financial_addresses.0.zengin.account_type": "futsu"})
	},
	fails: []refusedRequest{
		{"no such country", sending(instructions + "CH"), 400, ""},
		{"another currency", sending(strings.Replace(instructions, "=eur", "=usd", 1) + "DE"), 400, ""},
		{"another bank", sending("funding_type=bank_transfer&bank_transfer[type]=us_bank_transfer&currency=usd"), 400, ""},
		{"another address", sending(instructions + "DE&bank_transfer[requested_address_types][]=zengin"), 400, ""},
	},
})

// byTransfer is the form of a payment in euros that is to come by bank transfer.
const (
	byTransfer  = "amount=5000&currency=eur&payment_method_types[]=customer_balance&payment_method_data[type]=customer_balance&"
	fromGermany = "payment_method_options[customer_balance][funding_type]=bank_transfer&payment_method_options[customer_balance][bank_transfer][type]=eu_bank_transfer&" +
		"payment_method_options[customer_balance][bank_transfer][eu_bank_transfer][country]=DE"
)

// transferOptions are the parameters of that.
const transferOptions = "payment_method_options[customer_balance]"

// waiting makes a payment that waits for a bank transfer, and gives its answer.
func (h *harness) waiting(customer, more string) *answered {
	h.t.Helper()
	return h.post("/v1/payment_intents", byTransfer+fromGermany+"&confirm=true&customer="+customer+more).ok()
}

// send has money come from a customer.
func (h *harness) sends(customer string, form string) *answered {
	h.t.Helper()
	return h.post("/v1/test_helpers/customers/"+customer+"/fund_cash_balance", form).ok()
}

// byHand prepares a payment that waits, of a customer whose money is applied by
// hand and has come.
func byHand(form string) func(*harness) sent {
	return func(h *harness) sent {
		customer := h.aCustomer()
		h.post("/v1/customers/"+customer+"/cash_balance", "settings[reconciliation_mode]=manual").ok()
		h.sends(customer, "amount=6000&currency=eur")
		return sent{in: []string{h.waiting(customer, "").str("id")}, form: form}
	}
}

var _ = shows("PostPaymentIntentsIntentApplyCustomerBalance", scenario{
	prepare: byHand("amount=2000&currency=eur"),
	want:    map[string]any{"status": "requires_action", "next_action.display_bank_transfer_instructions.amount_remaining": 3000},
	shows:   map[string]any{"status": "requires_action", "next_action.display_bank_transfer_instructions.amount_remaining": 3000},
	// What goes with the intent is its own currency alone; the others are refused, below.
	elsewhere: []string{"currency"},
	then: func(h *harness, s sent, _ *answered) {
		h.post("/v1/payment_intents/"+s.in[0]+"/apply_customer_balance", "").ok().has(map[string]any{"status": "succeeded", "amount_received": 5000, "next_action": nil})
	},
	fails: []refusedRequest{
		{"more than it needs", sending("amount=5001"), 400, "amount_too_large"},
		{"another currency", sending("currency=usd"), 400, ""},
		{"does not wait", func(h *harness, _ sent) sent { return sent{in: []string{h.paid().str("id")}} }, 400, "payment_intent_unexpected_state"},
		{"has not come", func(h *harness, _ sent) sent {
			return sent{in: []string{h.waiting(h.aCustomer(), "").str("id")}}
		}, 400, ""},
	},
})
