package rest

// aCustomer makes a customer and gives its id.
func (h *harness) aCustomer(params ...string) string {
	h.t.Helper()
	return h.post("/v1/customers", pairs(append([]string{"name", "Jenny Rosen"}, params...)...)).ok().str("id")
}

// shownWhole has a customer show what is shown to those who expand it.
const shownWhole = "expand[]=cash_balance&expand[]=tax&expand[]=tax_ids"

func ofCustomer(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.aCustomer()}, form: form} }
}

var _ = shows("PostCustomers", scenario{
	prepare: func(*harness) sent { return sent{form: "name=Jo&email=jo@example.com&metadata[a]=b&" + shownWhole} },
	want:    map[string]any{"object": "customer", "name": "Jo", "metadata.a": "b"},
	shows:   map[string]any{"data.0.name": "Jo"},
	fails:   []refusedRequest{{"no address", sending("email=jo"), 400, "email_invalid"}},
})

var _ = shows("GetCustomers", scenario{
	prepare: func(h *harness) sent { h.aCustomer(); h.aCustomer(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "customer"},
})

var _ = shows("GetCustomersCustomer", scenario{prepare: ofCustomer(""), want: map[string]any{"object": "customer"}})

var _ = shows("PostCustomersCustomer", scenario{
	prepare: ofCustomer("description=good&expand[]=default_source&" + shownWhole),
	want:    map[string]any{"description": "good"},
	shows:   map[string]any{"description": "good"},
	needs:   map[string]string{"card": aTypedCard},
	values: func(h *harness, s sent) map[string]string {
		h.post("/v1/customers/"+s.in[0]+"/sources", "source=tok_visa").ok()
		other := h.post("/v1/customers/"+s.in[0]+"/sources", "source=tok_amex").ok().str("id")
		return map[string]string{"source": "tok_mastercard", "card[number]": "4242424242424242", "default_source": other, "default_card": other}
	},
	fails: []refusedRequest{{"no such source", sending("source=tok_nothing"), 400, "resource_missing"}},
})

var _ = shows("DeleteCustomersCustomer", scenario{
	prepare: ofCustomer(""),
	want:    map[string]any{"object": "customer", "deleted": true},
	shows:   map[string]any{"deleted": true},
})

// aMethod makes a payment method of a card and gives its id.
func (h *harness) aMethod() string {
	h.t.Helper()
	return h.post("/v1/payment_methods", "type=card&card[token]=tok_visa").ok().str("id")
}

var _ = shows("PostPaymentMethods", scenario{
	prepare: func(*harness) sent {
		return sent{form: "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044&card[cvc]=123&billing_details[name]=Jo"}
	},
	want:    map[string]any{"object": "payment_method", "billing_details.name": "Jo", "card.last4": "4242"},
	values:  func(*harness, sent) map[string]string { return map[string]string{"card[token]": "tok_mastercard"} },
	instead: map[string]string{"card[token]": "card[number]"},
	fails:   []refusedRequest{{"another type", sending("type=paypal"), 400, ""}},
})

var _ = shows("GetPaymentMethods", scenario{
	prepare: func(h *harness) sent { h.aMethod(); h.aMethod(); return sent{form: "type=card&limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "payment_method"},
})

var _ = shows("GetPaymentMethodsPaymentMethod", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.aMethod()}} },
	want:    map[string]any{"object": "payment_method", "customer": nil},
})

var _ = shows("PostPaymentMethodsPaymentMethodAttach", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.aMethod()}, form: "customer=" + h.aCustomer()} },
	want:    map[string]any{"object": "payment_method"},
})

var _ = shows("PostPaymentMethodsPaymentMethodDetach", scenario{
	prepare: func(h *harness) sent {
		id := h.aMethod()
		h.post("/v1/payment_methods/"+id+"/attach", "customer="+h.aCustomer()).ok()
		return sent{in: []string{id}}
	},
	want: map[string]any{"object": "payment_method", "customer": nil},
})

var _ = shows("PostTokens", scenario{
	prepare: func(*harness) sent {
		return sent{form: "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044&card[cvc]=123"}
	},
	want:    map[string]any{"object": "token", "card.last4": "4242", "used": false},
	instead: map[string]string{"bank_account": "card", "cvc_update": "card"},
	// A security code never shows; TestSecurityCodeIsCollectedAgain uses one.
	elsewhere: []string{"cvc_update[cvc]"},
	needs:     map[string]string{"bank_account": "bank_account[country]=US&bank_account[routing_number]=110000000&bank_account[account_number]=000123456700"},
	then: func(h *harness, _ sent, a *answered) {
		use := "type=card&card[token]=" + a.str("id")
		h.post("/v1/payment_methods", use).ok().has(map[string]any{"card.exp_year": 2044})
		h.post("/v1/payment_methods", use).is(400).has(map[string]any{"error.code": "token_already_used"})
	},
	fails: []refusedRequest{
		{"a mistyped number", sending("card[number]=4242424242424241&card[exp_month]=12&card[exp_year]=2044"), 402, "incorrect_number"},
		{"no security code", sending("cvc_update[cvc]=12"), 402, "invalid_cvc"},
		{"a card and a code", func(_ *harness, s sent) sent { s.form += "&cvc_update[cvc]=123"; return s }, 400, ""},
	},
})
