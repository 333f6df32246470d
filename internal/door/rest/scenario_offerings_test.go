package rest

import "testing"

func (h *harness) configuration() string {
	h.t.Helper()
	return h.post("/v1/payment_method_configurations", "name=Mine").ok().str("id")
}

// offers are values for what a configuration says of a method.
func offers(*harness, sent) map[string]string {
	all := map[string]string{"active": "true", "name": "Others"}
	for _, name := range offeredMethods() {
		all[name+"[display_preference][preference]"] = "on"
	}
	all["klarna[display_preference][preference]"] = "off"
	return all
}

var _ = shows("PostPaymentMethodConfigurations", scenario{
	prepare: func(*harness) sent {
		return sent{form: "name=Mine&klarna[display_preference][preference]=on&card[display_preference][preference]=off"}
	},
	want: map[string]any{"object": "payment_method_configuration", "name": "Mine", "is_default": false, "klarna.available": false, "klarna.display_preference.value": "on",
		"card.display_preference.value": "off", "card.available": false, "link.display_preference.preference": "none"},
	shows:  map[string]any{"data.0.name": "Mine"},
	fails:  []refusedRequest{{"another's", sending("parent=pmc_1"), 400, ""}},
	values: offers,
})

var _ = shows("GetPaymentMethodConfigurations", scenario{
	prepare: func(h *harness) sent { h.configuration(); return sent{form: "limit=3&active=true"} },
	want:    map[string]any{"object": "list", "data.0.object": "payment_method_configuration"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"active": "false", "application": "ca_1", "starting_after": h.configuration(), "ending_before": h.configuration()}
	},
})

var _ = shows("GetPaymentMethodConfigurationsConfiguration", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.configuration()}} },
	want:    map[string]any{"card.available": true, "card.display_preference.value": "on"},
})

var _ = shows("PostPaymentMethodConfigurationsConfiguration", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.configuration()}, form: "active=false&name=Theirs&card[display_preference][preference]=off"}
	},
	shows: map[string]any{"active": false, "name": "Theirs", "card.display_preference.preference": "off"},
	fails: []refusedRequest{{"the default", func(h *harness, _ sent) sent {
		for _, o := range h.get("/v1/payment_method_configurations?limit=100").ok().at("data").([]any) {
			if follow(o, "is_default") == true {
				return sent{in: []string{follow(o, "id").(string)}, form: "active=false"}
			}
		}
		h.t.Fatal("there is no default configuration")
		return sent{}
	}, 400, ""}},
	values: offers,
})

func (h *harness) domain(name string) string {
	h.t.Helper()
	return h.post("/v1/payment_method_domains", "domain_name="+name).ok().str("id")
}

var _ = shows("PostPaymentMethodDomains", scenario{
	prepare: func(*harness) sent { return sent{form: "domain_name=New.Shop.example"} },
	want:    map[string]any{"object": "payment_method_domain", "domain_name": "new.shop.example", "enabled": true, "apple_pay.status": "inactive"},
	shows:   map[string]any{"data.0.domain_name": "new.shop.example"},
	fails:   []refusedRequest{{"an address", sending("domain_name=https://shop.example/"), 400, ""}},
	values: func(*harness, sent) map[string]string {
		return map[string]string{"domain_name": "other.example", "enabled": "false"}
	},
})

var _ = shows("GetPaymentMethodDomains", scenario{
	prepare: func(h *harness) sent {
		h.domain("one.example")
		h.domain("two.example")
		return sent{form: "limit=3&enabled=true"}
	},
	want: map[string]any{"object": "list", "data.0.object": "payment_method_domain"},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"domain_name": "one.example", "enabled": "false", "starting_after": h.domain("three.example"), "ending_before": h.domain("one.example")}
	},
})

var _ = shows("GetPaymentMethodDomainsPaymentMethodDomain", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.domain("one.example")}} },
	want:    map[string]any{"domain_name": "one.example"},
})

var _ = shows("PostPaymentMethodDomainsPaymentMethodDomain", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.domain("four.example")}, form: "enabled=false"} },
	shows:   map[string]any{"enabled": false},
})

var _ = shows("PostPaymentMethodDomainsPaymentMethodDomainValidate", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.domain("five.example")}} },
	want:    map[string]any{"google_pay.status": "inactive"},
	shows:   map[string]any{"apple_pay.status_details.error_message": "Florin does not take apple_pay payments, so the domain can't be registered with its provider."},
})

// A domain is there once, however often it is registered, and the default
// configuration as well.
func TestOfferingsAreThereOnce(t *testing.T) {
	h := newHarness(t)
	if first, again := h.domain("shop.example"), h.domain("SHOP.example"); first != again {
		t.Errorf("%s and %s", first, again)
	}
	h.get("/v1/payment_method_configurations").ok().has(map[string]any{"data.0.is_default": true})
	if n := len(h.get("/v1/payment_method_configurations").ok().at("data").([]any)); n != 1 {
		t.Errorf("%d configurations", n)
	}
}
