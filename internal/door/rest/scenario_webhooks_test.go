package rest

// anEndpoint makes a webhook endpoint that is told of nothing that happens here,
// and gives its id.
func (h *harness) anEndpoint() string {
	h.t.Helper()
	return h.post("/v1/webhook_endpoints", "url=https://example.com/hook&enabled_events[]=price.created&description=first").ok().str("id")
}

func ofEndpoint(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.anEndpoint()}, form: form} }
}

// anEvent is the id of an event that has happened.
func (h *harness) anEvent() string {
	h.t.Helper()
	h.aCustomer()
	return h.get("/v1/events?type=customer.created&limit=1").ok().str("data.0.id")
}

var _ = shows("PostWebhookEndpoints", scenario{
	prepare: func(*harness) sent {
		return sent{form: "url=https://example.com/hook&enabled_events[]=price.created&description=new&metadata[a]=b"}
	},
	want:  map[string]any{"object": "webhook_endpoint", "status": "enabled", "description": "new", "metadata.a": "b"},
	shows: map[string]any{"data.0.description": "new", "data.0.secret": nil},
	fails: []refusedRequest{
		{"no address", sending("url=nowhere&enabled_events[]=*"), 400, "url_invalid"},
		{"connected accounts", sending("url=https://example.com&enabled_events[]=*&connect=true"), 400, ""},
	},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"url": "https://example.com/other", "enabled_events": "charge.failed", "enabled_events[0]": "charge.failed", "connect": "false", "api_version": "2024-06-20"}
	},
})

var _ = shows("GetWebhookEndpoints", scenario{
	prepare: func(h *harness) sent { h.anEndpoint(); h.anEndpoint(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "webhook_endpoint"},
})

var _ = shows("GetWebhookEndpointsWebhookEndpoint", scenario{prepare: ofEndpoint(""), want: map[string]any{"object": "webhook_endpoint", "secret": nil}})

var _ = shows("PostWebhookEndpointsWebhookEndpoint", scenario{
	prepare: ofEndpoint("disabled=true&metadata[a]=b"),
	want:    map[string]any{"status": "disabled", "metadata.a": "b"},
	shows:   map[string]any{"status": "disabled", "metadata.a": "b"},
	fails:   []refusedRequest{{"no address", sending("url=nowhere"), 400, "url_invalid"}},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"url": "https://example.com/other", "enabled_events": "charge.failed", "enabled_events[0]": "charge.failed"}
	},
})

var _ = shows("DeleteWebhookEndpointsWebhookEndpoint", scenario{
	prepare: ofEndpoint(""),
	want:    map[string]any{"object": "webhook_endpoint", "deleted": true},
	look:    "/v1/webhook_endpoints",
	shows:   map[string]any{"object": "list"},
})

var _ = shows("FlorinPostWebhookEndpointsWebhookEndpointRollSecret", scenario{
	prepare: ofEndpoint("expires_in=60"),
	// For how long the old secret signs too shows in what is sent: TestRollingASecret.
	elsewhere: []string{"expires_in"},
	want:      map[string]any{"object": "webhook_endpoint"},
	then: func(h *harness, _ sent, a *answered) {
		if a.str("secret") == "" {
			h.t.Error("the new secret is not shown")
		}
	},
	fails: []refusedRequest{{"for too long", sending("expires_in=90000"), 400, ""}},
})

var _ = shows("FlorinGetWebhookEndpointsWebhookEndpointDeliveries", scenario{
	also: []alternative{{func(h *harness) sent {
		endpoint := h.anEndpoint()
		for range 3 {
			h.post("/v1/florin/webhook_replays", "webhook_endpoint="+endpoint+"&event="+h.anEvent()).ok()
		}
		return sent{in: []string{endpoint}, form: "limit=3"}
	}, []string{"limit"}}},
	prepare: func(h *harness) sent {
		endpoint := h.anEndpoint()
		h.post("/v1/florin/webhook_replays", "webhook_endpoint="+endpoint+"&event="+h.anEvent()).ok()
		return sent{in: []string{endpoint}, form: "status=pending&limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.object": "florin.webhook_delivery", "data.0.status": "pending"},
})

var _ = shows("FlorinGetEventsIdDeliveries", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.anEvent()}} },
	want:    map[string]any{"object": "list"},
})

var _ = shows("FlorinPostWebhookReplays", scenario{
	prepare: func(h *harness) sent {
		return sent{form: "webhook_endpoint=" + h.anEndpoint() + "&event=" + h.anEvent()}
	},
	want:  map[string]any{"object": "florin.webhook_replay", "events_replayed": 1},
	fails: []refusedRequest{{"no endpoint", sending("event=evt_nothing"), 400, "parameter_missing"}},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"created": "1700000000"}
	},
})

func (h *harness) aReplay() string {
	h.t.Helper()
	return h.post("/v1/florin/webhook_replays", "webhook_endpoint="+h.anEndpoint()+"&event="+h.anEvent()).ok().str("id")
}

var _ = shows("FlorinGetWebhookReplays", scenario{
	prepare: func(h *harness) sent { h.aReplay(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "florin.webhook_replay"},
})

var _ = shows("FlorinGetWebhookReplaysId", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.aReplay()}} },
	want:    map[string]any{"object": "florin.webhook_replay", "events_replayed": 1},
})
