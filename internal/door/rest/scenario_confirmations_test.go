package rest

func (h *harness) confirmationToken(params string) string {
	h.t.Helper()
	return h.post("/v1/test_helpers/confirmation_tokens", params).ok().str("id")
}

var _ = shows("PostTestHelpersConfirmationTokens", scenario{
	prepare: func(h *harness) sent {
		return sent{form: "payment_method=pm_card_visa&return_url=https://shop.example"}
	},
	want: map[string]any{"object": "confirmation_token", "use_stripe_sdk": true, "payment_intent": nil, "return_url": "https://shop.example",
		"payment_method_preview.card.last4": "4242", "payment_method_preview.type": "card"},
	then: func(h *harness, _ sent, a *answered) {
		complete(h.t, "confirmation_token", a.text)
		h.get("/v1/confirmation_tokens/" + a.str("id")).ok().has(map[string]any{"id": a.str("id"), "expires_at": a.at("expires_at")})
		if life := a.at("expires_at").(float64) - a.at("created").(float64); life < 12*60*60-2 || life > 12*60*60+2 {
			h.t.Errorf("it lives for %v s", life)
		}
	},
	fails: []refusedRequest{
		{"of nothing", sending(""), 400, "parameter_missing"},
		{"of nothing there", sending("payment_method=pm_1"), 400, "resource_missing"},
		{"leading nowhere", sending("payment_method=pm_card_visa&return_url=nowhere"), 400, "url_invalid"},
	},
})

var _ = shows("GetConfirmationTokensConfirmationToken", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.confirmationToken("payment_method_data[type]=card&payment_method_data[card][token]=tok_visa&payment_method_data[billing_details][name]=Ada" +
			"&setup_future_usage=off_session&shipping[name]=Ada&shipping[address][line1]=Street+1")}}
	},
	want: map[string]any{"payment_method_preview.billing_details.name": "Ada", "setup_future_usage": "off_session", "shipping.name": "Ada",
		"shipping.address.line1": "Street 1", "setup_intent": nil},
})
