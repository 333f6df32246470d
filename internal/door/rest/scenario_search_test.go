package rest

import "net/url"

// indexed is a search that finds what make makes.
func indexed(query string, make func(h *harness)) func(*harness) sent {
	return func(h *harness) sent {
		make(h)
		h.index()
		return sent{form: "query=" + url.QueryEscape(query) + "&limit=3"}
	}
}

var unreadableQuery = []refusedRequest{
	{"a query that is none", sending("query=jo"), 400, ""},
	{"a field that is none", sending("query=colour:1"), 400, ""},
	{"no query", sending("limit=1"), 400, "parameter_missing"},
	{"a page of nothing", sending("query=created>1&page=x"), 400, ""},
	{"too many", sending("query=created>1&limit=101"), 400, "parameter_invalid_integer"},
}

var _ = shows("GetCustomersSearch", scenario{
	prepare: indexed(`name~"jenny" OR email:"x@example.com"`, func(h *harness) { h.aCustomer() }),
	want:    map[string]any{"object": "search_result", "data.0.object": "customer", "url": "/v1/customers/search"},
	fails:   unreadableQuery,
	values:  searched,
})

var _ = shows("GetPaymentIntentsSearch", scenario{
	prepare: indexed(`status:"succeeded" AND amount>0`, func(h *harness) { h.paid() }),
	want:    map[string]any{"object": "search_result", "data.0.object": "payment_intent"},
	fails:   unreadableQuery,
	values:  searched,
})

var _ = shows("GetChargesSearch", scenario{
	prepare: indexed(`payment_method_details.card.last4:"4242"`, func(h *harness) { h.paid() }),
	want:    map[string]any{"object": "search_result", "data.0.object": "charge"},
	fails:   unreadableQuery,
	values:  searched,
})

// searched are values that a search can use.
func searched(h *harness, s sent) map[string]string {
	return map[string]string{"query": "created<1"}
}

var _ = shows("PostStripecliSessions", scenario{
	prepare: func(*harness) sent { return sent{form: "device_name=here&websocket_features[]=webhooks"} },
	want:    map[string]any{"websocket_authorized_feature": "webhooks"},
	fails:   []refusedRequest{{"thin events", sending("websocket_features[]=v2_events"), 400, ""}},
	then: func(h *harness, _ sent, a *answered) {
		if _, ok := h.server.readSession(a.str("websocket_id")); !ok {
			h.t.Error("the session can't be used")
		}
	},
})
