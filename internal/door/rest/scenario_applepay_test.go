package rest

import "fmt"

// anAppleDomain makes one that there was not.
func (h *harness) anAppleDomain() (id, name string) {
	h.t.Helper()
	name = fmt.Sprintf("shop%d.example", h.server.DB.IDs().Next())
	return h.post("/v1/apple_pay/domains", "domain_name="+name).ok().str("id"), name
}

func ofAppleDomain(h *harness) sent {
	id, _ := h.anAppleDomain()
	return sent{in: []string{id}}
}

var _ = shows("PostApplePayDomains", scenario{
	prepare: func(h *harness) sent {
		return sent{form: fmt.Sprintf("domain_name=Shop%d.Example", h.server.DB.IDs().Next())}
	},
	want: map[string]any{"object": "apple_pay_domain", "livemode": false},
	then: func(h *harness, s sent, a *answered) {
		h.post("/v1/apple_pay/domains", s.form).ok().has(map[string]any{"id": a.str("id")})
		h.get("/v1/apple_pay/domains?domain_name=" + a.str("domain_name")).ok().has(map[string]any{"data.0.id": a.str("id"), "data.1": nil})
	},
	values: func(*harness, sent) map[string]string { return map[string]string{"domain_name": "other.example"} },
	fails:  []refusedRequest{{"no name", sending("domain_name=https://shop.example"), 400, ""}, {"nothing", sending(""), 400, "parameter_missing"}},
})

var _ = shows("GetApplePayDomains", scenario{
	prepare: func(h *harness) sent { h.anAppleDomain(); h.anAppleDomain(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "apple_pay_domain"},
	values: func(h *harness, _ sent) map[string]string {
		_, name := h.anAppleDomain()
		return map[string]string{"domain_name": name}
	},
})

var _ = shows("GetApplePayDomainsDomain", scenario{prepare: ofAppleDomain, want: map[string]any{"object": "apple_pay_domain"}})

var _ = shows("DeleteApplePayDomainsDomain", scenario{
	prepare: ofAppleDomain,
	want:    map[string]any{"object": "apple_pay_domain", "deleted": true},
	then: func(h *harness, s sent, _ *answered) {
		h.get("/v1/apple_pay/domains/" + s.in[0]).is(404)
		h.send("DELETE", "/v1/apple_pay/domains/"+s.in[0], "").is(404)
	},
})
