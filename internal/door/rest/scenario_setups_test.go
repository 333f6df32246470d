package rest

// online is the agreement of a customer who sits at a computer.
const online = "mandate_data[customer_acceptance][type]=online&mandate_data[customer_acceptance][accepted_at]=1800000000" +
	"&mandate_data[customer_acceptance][online][ip_address]=203.0.113.7&mandate_data[customer_acceptance][online][user_agent]=Safari"

// setupIntent makes one.
func (h *harness) setupIntent(params string) string {
	h.t.Helper()
	return h.post("/v1/setup_intents", params).ok().str("id")
}

func onSetup(params string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.setupIntent(params)}} }
}

var _ = shows("PostSetupIntents", scenario{
	also: []alternative{{func(*harness) sent {
		return sent{form: "confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://shop.example"}
	}, redirected}},
	prepare: func(h *harness) sent {
		return sent{form: "description=later&usage=on_session&metadata[a]=b&customer=" + h.post("/v1/customers", "").ok().str("id")}
	},
	want: map[string]any{"status": "requires_payment_method", "usage": "on_session", "description": "later", "metadata.a": "b", "latest_attempt": nil},
	look: "/v1/setup_intents",
	fails: []refusedRequest{
		{"no such usage", sending("usage=never"), 400, ""},
		{"nothing to confirm", sending("confirm=true"), 400, "setup_intent_unexpected_state"},
		{"not confirmed", sending("return_url=https://shop.example"), 400, ""},
		{"of another type", sending("payment_method_types[]=klarna"), 400, "payment_intent_invalid_parameter"},
		{"on behalf of somebody", sending("on_behalf_of=acct_1"), 400, ""},
		{"no customer", sending("customer=cus_1"), 400, "resource_missing"},
		{"declined", sending("confirm=true&payment_method=pm_card_chargeDeclined"), 402, "card_declined"},
	},
})

var _ = shows("GetSetupIntents", scenario{
	prepare: func(h *harness) sent { h.setupIntent(""); return sent{} },
	want:    map[string]any{"object": "list", "data.0.object": "setup_intent"},
	fails:   []refusedRequest{{"no cursor", sending("starting_after=seti_1"), 400, "resource_missing"}},
})

var _ = shows("GetSetupIntentsIntent", scenario{
	prepare: onSetup("payment_method=pm_card_visa"),
	want:    map[string]any{"object": "setup_intent", "status": "requires_confirmation", "usage": "off_session"},
	fails:   []refusedRequest{{"another's secret", sending("client_secret=seti_1_secret_2"), 400, "setup_intent_invalid_parameter"}},
})

var _ = shows("PostSetupIntentsIntent", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.setupIntent("metadata[a]=1")}, form: "payment_method=pm_card_visa&description=new&metadata[b]=2"}
	},
	want:  map[string]any{"status": "requires_confirmation", "description": "new", "metadata.a": "1", "metadata.b": "2"},
	shows: map[string]any{"description": "new"},
	fails: []refusedRequest{
		{"of another type", sending("payment_method_types[]=klarna"), 400, "payment_intent_invalid_parameter"},
		{"when it is over", func(h *harness, s sent) sent {
			return sent{in: []string{h.setupIntent("payment_method=pm_card_visa&confirm=true")}, form: "payment_method=pm_card_mastercard"}
		}, 400, "setup_intent_unexpected_state"},
	},
})

var _ = shows("PostSetupIntentsIntentConfirm", scenario{
	also: []alternative{{func(h *harness) sent {
		return sent{in: []string{h.setupIntent("")}, form: "payment_method=pm_card_authenticationRequired&return_url=https://shop.example"}
	}, redirected}, {func(h *harness) sent {
		return sent{in: []string{h.setupIntent("")}, form: "payment_method=pm_card_authenticationRequired"}
	}, []string{"return_url"}}},
	prepare: func(h *harness) sent {
		return sent{in: []string{h.setupIntent("")}, form: "payment_method=pm_card_visa&" + online}
	},
	want:  map[string]any{"status": "succeeded", "next_action": nil, "last_setup_error": nil},
	shows: map[string]any{"status": "succeeded"},
	fails: []refusedRequest{
		{"nothing to confirm", sending(""), 400, "setup_intent_unexpected_state"},
		{"declined", sending("payment_method=pm_card_chargeDeclinedExpiredCard"), 402, "expired_card"},
		{"no address of a customer", sending("payment_method=pm_card_visa&mandate_data[customer_acceptance][type]=online&mandate_data[customer_acceptance][online][ip_address]=here&mandate_data[customer_acceptance][online][user_agent]=a"), 400, ""},
		{"again", func(h *harness, s sent) sent {
			return sent{in: []string{h.setupIntent("payment_method=pm_card_visa&confirm=true")}}
		}, 400, "setup_intent_unexpected_state"},
	},
})

var _ = shows("PostSetupIntentsIntentCancel", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.setupIntent("")}, form: "cancellation_reason=duplicate"}
	},
	want:  map[string]any{"status": "canceled", "cancellation_reason": "duplicate"},
	shows: map[string]any{"status": "canceled"},
	fails: []refusedRequest{
		{"no such reason", sending("cancellation_reason=boredom"), 400, ""},
		{"when it is over", func(h *harness, s sent) sent {
			return sent{in: []string{h.setupIntent("payment_method=pm_card_visa&confirm=true")}}
		}, 400, "setup_intent_unexpected_state"},
	},
})

// There is nothing here that microdeposits would verify.
var _ = shows("PostSetupIntentsIntentVerifyMicrodeposits", scenario{
	prepare: onSetup("payment_method=pm_card_visa"),
	never:   "nothing here is verified by microdeposits",
	fails: []refusedRequest{
		{"of a card", sending("descriptor_code=SM11AA"), 400, "setup_intent_unexpected_state"},
		{"another's secret", sending("client_secret=seti_1_secret_2"), 400, "setup_intent_invalid_parameter"},
	},
})

var _ = shows("PostPaymentIntentsIntentVerifyMicrodeposits", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.intent().ok().str("id")}} },
	never:   "nothing here is verified by microdeposits",
	fails: []refusedRequest{
		{"of a card", sending("descriptor_code=SM11AA"), 400, "payment_intent_unexpected_state"},
		{"another's secret", sending("client_secret=pi_1_secret_2"), 400, "payment_intent_invalid_parameter"},
	},
})

var _ = shows("GetSetupAttempts", scenario{
	also: []alternative{{func(h *harness) sent {
		intent := h.setupIntent("")
		h.post("/v1/setup_intents/"+intent+"/confirm", "payment_method=pm_card_chargeDeclined").is(402)
		h.post("/v1/setup_intents/"+intent+"/confirm", "payment_method=pm_card_visa").ok()
		return sent{form: "limit=3&setup_intent=" + intent}
	}, []string{"limit"}}},
	prepare: func(h *harness) sent {
		return sent{form: "setup_intent=" + h.setupIntent("payment_method=pm_card_visa&confirm=true")}
	},
	want:  map[string]any{"data.0.object": "setup_attempt", "data.0.status": "succeeded", "data.0.usage": "off_session", "has_more": false},
	fails: []refusedRequest{{"of nothing", sending(""), 400, "parameter_missing"}, {"of nothing there", sending("setup_intent=seti_1"), 400, "resource_missing"}},
})

var _ = shows("GetMandatesMandate", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.post("/v1/setup_intents", "payment_method=pm_card_visa&confirm=true&"+online).ok().str("mandate")}}
	},
	want: map[string]any{"object": "mandate", "status": "active", "type": "multi_use", "customer_acceptance.type": "online", "customer_acceptance.accepted_at": 1800000000,
		"customer_acceptance.online.ip_address": "203.0.113.7", "customer_acceptance.online.user_agent": "Safari", "payment_method_details.type": "card"},
})
