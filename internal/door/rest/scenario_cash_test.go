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
	values: func(*harness, sent) map[string]string {
		return map[string]string{"currency": "usd", "bank_transfer[requested_address_types][0]": "zengin", "bank_transfer[eu_bank_transfer][country]": "FR"}
	},
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
