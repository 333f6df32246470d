package rest

// searches prepares a search of what two payments have left.
func searches(query string) func(*harness) sent {
	return func(h *harness) sent {
		customer := h.aCustomer()
		for range 2 {
			h.paid("customer", customer)
		}
		h.aCustomer()
		h.index()
		return sent{form: pairs("query", query)}
	}
}

// pages are values of the parameters of a search.
func pages(noun string) func(*harness, sent) map[string]string {
	return func(h *harness, s sent) map[string]string {
		next, _ := h.get("/v1/" + noun + "/search?limit=1&" + s.form).ok().at("next_page").(string)
		return map[string]string{"page": next, "limit": "1", "query": "created<1"}
	}
}

var searchFails = []refusedRequest{
	{"no query", sending(""), 400, "parameter_missing"},
	{"no field", sending("query=colour%3A%22red%22"), 400, ""},
}

var _ = shows("GetChargesSearch", scenario{
	prepare: searches("created>0"), want: map[string]any{"object": "search_result", "data.0.object": "charge"},
	fails: searchFails, values: pages("charges"),
})

var _ = shows("GetPaymentIntentsSearch", scenario{
	prepare: searches("created>0"), want: map[string]any{"object": "search_result", "data.0.object": "payment_intent"},
	fails: searchFails, values: pages("payment_intents"),
})

var _ = shows("GetCustomersSearch", scenario{
	prepare: searches("created>0"), want: map[string]any{"object": "search_result", "data.0.object": "customer"},
	fails: searchFails, values: pages("customers"),
})
