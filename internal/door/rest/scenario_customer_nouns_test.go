package rest

import "net/url"

var _ = shows("PostCustomersCustomerBalanceTransactions", scenario{
	prepare: ofCustomer("amount=-500&currency=usd&description=goodwill&metadata[a]=b"),
	want: map[string]any{"object": "customer_balance_transaction", "amount": -500, "ending_balance": -500, "type": "adjustment",
		"description": "goodwill", "metadata.a": "b"},
	look:  "/v1/customers/*",
	shows: map[string]any{"balance": -500, "currency": "usd"},
	fails: []refusedRequest{
		{"no change", sending("amount=0&currency=usd"), 400, "parameter_invalid_integer"},
		{"far too much", sending("amount=9999999999999&currency=usd"), 400, "parameter_invalid_integer"},
		{"another currency", func(h *harness, s sent) sent {
			h.post("/v1/customers/"+s.in[0]+"/balance_transactions", "amount=5&currency=usd").ok()
			s.form = "amount=5&currency=eur"
			return s
		}, 400, ""},
	},
})

// aBalanceChange makes a customer with a changed balance.
func aBalanceChange(h *harness) sent {
	customer := h.aCustomer()
	change := h.post("/v1/customers/"+customer+"/balance_transactions", "amount=500&currency=usd").ok().str("id")
	return sent{in: []string{customer, change}}
}

var _ = shows("GetCustomersCustomerBalanceTransactions", scenario{
	prepare: func(h *harness) sent {
		s := aBalanceChange(h)
		h.post("/v1/customers/"+s.in[0]+"/balance_transactions", "amount=500&currency=usd").ok()
		return sent{in: s.in[:1], form: "limit=3"}
	},
	want:  map[string]any{"object": "list", "data.0.ending_balance": 1000, "data.1.ending_balance": 500},
	fails: []refusedRequest{{"no such invoice", sending("invoice=in_1"), 400, "resource_missing"}},
})

var _ = shows("GetCustomersCustomerBalanceTransactionsTransaction", scenario{
	prepare: aBalanceChange,
	want:    map[string]any{"amount": 500, "ending_balance": 500},
	fails: []refusedRequest{{"another customer's", func(h *harness, s sent) sent {
		return sent{in: []string{h.aCustomer(), s.in[1]}}
	}, 404, "resource_missing"}},
})

var _ = shows("PostCustomersCustomerBalanceTransactionsTransaction", scenario{
	prepare: func(h *harness) sent {
		s := aBalanceChange(h)
		s.form = "description=late&metadata[a]=b"
		return s
	},
	want:  map[string]any{"description": "late", "metadata.a": "b", "amount": 500},
	shows: map[string]any{"description": "late"},
})

var _ = shows("PostCustomersCustomerTaxIds", scenario{
	prepare: ofCustomer("type=eu_vat&value=DE123456789"),
	want: map[string]any{"object": "tax_id", "type": "eu_vat", "value": "DE123456789", "country": "DE", "owner.type": "customer",
		"verification.status": "unavailable"},
	shows: map[string]any{"data.0.value": "DE123456789"},
	fails: []refusedRequest{
		{"a wrong form", sending("type=eu_vat&value=DE12345678"), 400, "tax_id_invalid"},
		{"another wrong form", sending("type=us_ein&value=12-34567"), 400, "tax_id_invalid"},
		{"no such type", sending("type=moon&value=1"), 400, ""},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"type": "de_stn", "value": "DE123456788"}
	},
})

// aTaxID makes a customer with a tax id.
func aTaxID(h *harness) sent {
	customer := h.aCustomer()
	return sent{in: []string{customer, h.post("/v1/customers/"+customer+"/tax_ids", "type=us_ein&value=12-3456789").ok().str("id")}}
}

var _ = shows("GetCustomersCustomerTaxIds", scenario{
	prepare: func(h *harness) sent {
		s := aTaxID(h)
		h.post("/v1/customers/"+s.in[0]+"/tax_ids", "type=us_ein&value=12-3456789").ok()
		return sent{in: s.in[:1], form: "limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.object": "tax_id", "data.0.value": "12-3456789", "data.0.country": "US"},
})

var _ = shows("GetCustomersCustomerTaxIdsId", scenario{prepare: aTaxID, want: map[string]any{"type": "us_ein", "value": "12-3456789"}})

var _ = shows("DeleteCustomersCustomerTaxIdsId", scenario{
	prepare: aTaxID,
	want:    map[string]any{"object": "tax_id", "deleted": true},
	then: func(h *harness, s sent, _ *answered) {
		h.get("/v1/customers/" + s.in[0] + "/tax_ids/" + s.in[1]).is(404)
		h.get("/v1/customers/" + s.in[0] + "/tax_ids").ok().has(map[string]any{"data.0": nil})
	},
})

// anAttached makes a customer with a payment method.
func anAttached(h *harness) sent {
	customer, method := h.aCustomer(), h.aMethod()
	h.post("/v1/payment_methods/"+method+"/attach", "customer="+customer).ok()
	return sent{in: []string{customer, method}}
}

var _ = shows("GetCustomersCustomerPaymentMethods", scenario{
	prepare: func(h *harness) sent {
		s := anAttached(h)
		h.post("/v1/payment_methods/"+h.aMethod()+"/attach", "customer="+s.in[0]).ok()
		return sent{in: s.in[:1], form: "type=card&limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.object": "payment_method"},
})

var _ = shows("GetCustomersCustomerPaymentMethodsPaymentMethod", scenario{
	prepare: anAttached,
	want:    map[string]any{"object": "payment_method"},
	fails: []refusedRequest{{"another customer's", func(h *harness, s sent) sent {
		return sent{in: []string{h.aCustomer(), s.in[1]}}
	}, 404, "resource_missing"}},
})

var _ = shows("PostPaymentMethodsPaymentMethod", scenario{
	prepare: func(h *harness) sent {
		return sent{in: anAttached(h).in[1:], form: "card[exp_month]=3&card[exp_year]=2040&billing_details[name]=Jo&metadata[a]=b&allow_redisplay=always"}
	},
	want:  map[string]any{"card.exp_month": 3, "card.exp_year": 2040, "billing_details.name": "Jo", "allow_redisplay": "always"},
	shows: map[string]any{"metadata.a": "b"},
	fails: []refusedRequest{
		{"not a customer's", func(h *harness, s sent) sent { return sent{in: []string{h.aMethod()}, form: s.form} }, 400, ""},
		{"no month", sending("card[exp_month]=13"), 402, "invalid_expiry_month"},
		{"no address", sending("billing_details[email]=" + url.QueryEscape("jo")), 400, "email_invalid"},
	},
})

var _ = shows("GetTokensToken", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.post("/v1/tokens", "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044").ok().str("id")}}
	},
	want: map[string]any{"object": "token", "type": "card", "used": false, "card.last4": "4242"},
})
