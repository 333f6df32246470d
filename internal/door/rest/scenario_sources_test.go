package rest

// aSource makes a customer with two sources, of which the second is not the
// default one.
func aSource(form string) func(h *harness) sent {
	return func(h *harness) sent {
		customer := h.aCustomer()
		h.post("/v1/customers/"+customer+"/sources", "source=tok_visa").ok()
		return sent{in: []string{customer, h.post("/v1/customers/"+customer+"/sources", "source=tok_mastercard").ok().str("id")}, form: form}
	}
}

const aTypedCard = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044"

var creatingSources = scenario{
	prepare: ofCustomer("source=tok_visa&metadata[a]=b"),
	want:    map[string]any{"object": "card", "brand": "Visa", "last4": "4242", "metadata.a": "b"},
	shows:   map[string]any{"data.0.object": "card"},
	needs:   map[string]string{"card": aTypedCard},
	instead: map[string]string{"card": "source"},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"card[number]": "4242424242424242", "card[exp_month]": "12", "card[exp_year]": "2044", "source": "tok_amex", "card[object]": "card"}
	},
	fails: []refusedRequest{
		{"nothing to keep", sending(""), 400, "parameter_missing"},
		{"no such token", sending("source=tok_nothing"), 400, "resource_missing"},
		{"a payment method", func(h *harness, s sent) sent { s.form = "source=" + h.aMethod(); return s }, 400, "resource_missing"},
		{"a card that is declined", sending("source=tok_chargeDeclined"), 402, "card_declined"},
		{"both", sending("source=tok_visa&" + aTypedCard), 400, "parameters_exclusive"},
	},
}

var listingSources = scenario{
	prepare: func(h *harness) sent {
		s := aSource("")(h)
		h.post("/v1/payment_methods/"+h.aMethod()+"/attach", "customer="+s.in[0]).ok()
		return sent{in: s.in[:1], form: "limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.brand": "MasterCard", "data.1.brand": "Visa", "data.2": nil},
}

var retrievingSources = scenario{
	prepare: aSource(""),
	want:    map[string]any{"object": "card", "brand": "MasterCard"},
	fails: []refusedRequest{{"another customer's", func(h *harness, s sent) sent {
		return sent{in: []string{h.aCustomer(), s.in[1]}}
	}, 404, "resource_missing"}},
}

var updatingSources = scenario{
	prepare: aSource("exp_month=3&exp_year=2041&name=Jo&address_zip=12345&address_line1=Quay&metadata[a]=b"),
	want:    map[string]any{"exp_month": 3, "exp_year": 2041, "name": "Jo", "address_zip": "12345", "address_line1": "Quay", "metadata.a": "b"},
	shows:   map[string]any{"exp_year": 2041},
	values:  func(*harness, sent) map[string]string { return map[string]string{"exp_month": "7", "exp_year": "2042"} },
	fails: []refusedRequest{
		{"no month", sending("exp_month=13"), 402, "invalid_expiry_month"},
		{"no number", sending("exp_year=soon"), 402, "invalid_expiry_year"},
	},
}

var deletingSources = scenario{
	prepare: aSource(""),
	want:    map[string]any{"object": "card", "deleted": true},
	then: func(h *harness, s sent, _ *answered) {
		h.get("/v1/customers/" + s.in[0] + "/sources/" + s.in[1]).is(404)
		left := h.get("/v1/customers/" + s.in[0] + "/sources").ok().has(map[string]any{"data.1": nil})
		h.send("DELETE", "/v1/customers/"+s.in[0]+"/sources/"+left.str("data.0.id"), "").ok()
		h.get("/v1/customers/" + s.in[0]).ok().has(map[string]any{"default_source": nil})
	},
}

var (
	_ = shows("PostCustomersCustomerSources", creatingSources)
	_ = shows("GetCustomersCustomerSources", also(listingSources, func(s *scenario) {
		s.values = func(*harness, sent) map[string]string { return map[string]string{"object": "bank_account"} }
	}))
	_ = shows("GetCustomersCustomerSourcesId", retrievingSources)
	_ = shows("PostCustomersCustomerSourcesId", updatingSources)
	_ = shows("DeleteCustomersCustomerSourcesId", deletingSources)
	_ = shows("PostCustomersCustomerCards", creatingSources)
	_ = shows("GetCustomersCustomerCards", listingSources)
	_ = shows("GetCustomersCustomerCardsId", retrievingSources)
	_ = shows("PostCustomersCustomerCardsId", updatingSources)
	_ = shows("DeleteCustomersCustomerCardsId", deletingSources)
)

// also is a scenario with a change.
func also(s scenario, change func(*scenario)) scenario {
	change(&s)
	return s
}
