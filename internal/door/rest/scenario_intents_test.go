package rest

var _ = shows("PostPaymentIntentsIntent", scenario{
	also: []alternative{{func(h *harness) sent {
		return sent{in: []string{h.post("/v1/payment_intents", byTransfer).ok().str("id")}, form: fromGermany}
	}, []string{transferOptions}}},
	prepare: func(h *harness) sent {
		return sent{in: []string{h.intent().ok().str("id")}, form: "amount=1500&description=Two+lamps&expand[]=payment_method&" + visa}
	},
	want:  map[string]any{"amount": 1500, "description": "Two lamps"},
	shows: map[string]any{"amount": 1500, "description": "Two lamps"},
	fails: []refusedRequest{{"paid", func(h *harness, s sent) sent {
		s.in = []string{h.paid().str("id")}
		return s
	}, 400, "payment_intent_unexpected_state"}},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"customer": h.post("/v1/customers", "name=Jo").ok().str("id"), "payment_method": "pm_card_mastercard", "payment_method_types": "card",
			"allowed_payment_method_types": "card", "excluded_payment_method_types": "klarna"}
	},
})

var _ = shows("GetPaymentIntentsIntentAmountDetailsLineItems", scenario{
	prepare: func(h *harness) sent {
		const lamp, bulb = "amount_details[line_items][0]", "amount_details[line_items][1]"
		return sent{form: "limit=2", in: []string{h.intent("amount", "1000", lamp+"[product_name]", "Lamp", lamp+"[quantity]", "2", lamp+"[unit_cost]", "400",
			bulb+"[product_name]", "Bulb", bulb+"[quantity]", "1", bulb+"[unit_cost]", "200").ok().str("id")}}
	},
	want: map[string]any{"object": "list", "data.0.product_name": "Lamp", "data.0.quantity": 2},
})

// generous prepares an authorisation that may be raised, and captured in parts.
func generous(form string) func(*harness) sent {
	return func(h *harness) sent {
		return sent{in: []string{h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual",
			"payment_method_options[card][request_incremental_authorization]", "if_available",
			"payment_method_options[card][request_multicapture]", "if_available").ok().str("id")}, form: form}
	}
}

var _ = shows("PostPaymentIntentsIntentIncrementAuthorization", scenario{
	prepare: generous("amount=1400"),
	want:    map[string]any{"amount": 1400, "amount_capturable": 1400, "status": "requires_capture"},
	shows:   map[string]any{"amount": 1400},
	fails: []refusedRequest{
		{"not granted", func(h *harness, s sent) sent { s.in = held("")(h).in; return s }, 400, "payment_intent_invalid_parameter"},
		{"less than before", sending("amount=900"), 400, "payment_intent_invalid_parameter"},
		{"declined", sending("amount=1051"), 402, "card_declined"},
	},
})

var _ = shows("PostChargesCharge", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.paid().str("latest_charge")}, form: "description=Two+lamps&fraud_details[user_report]=safe&receipt_email=jo@shop.example"}
	},
	want:  map[string]any{"description": "Two lamps", "fraud_details.user_report": "safe", "receipt_email": "jo@shop.example"},
	shows: map[string]any{"description": "Two lamps", "fraud_details.user_report": "safe"},
	fails: []refusedRequest{{"another group", func(h *harness, _ sent) sent {
		return sent{in: []string{h.paid("transfer_group", "a").str("latest_charge")}, form: "transfer_group=b"}
	}, 400, ""}},
	values: func(h *harness, _ sent) map[string]string {
		return map[string]string{"customer": h.post("/v1/customers", "name=Jo").ok().str("id")}
	},
})

var _ = shows("PostChargesChargeCapture", scenario{
	prepare: func(h *harness) sent {
		s := held("amount=400")(h)
		s.in = []string{h.get("/v1/payment_intents/" + s.in[0]).ok().str("latest_charge")}
		return s
	},
	want:  map[string]any{"captured": true, "amount_captured": 400},
	shows: map[string]any{"captured": true, "amount_captured": 400},
	look:  "/v1/charges/*",
	fails: []refusedRequest{{"captured", func(h *harness, _ sent) sent {
		return sent{in: []string{h.paid().str("latest_charge")}}
	}, 400, "charge_already_captured"}},
})

var _ = shows("PostRefundsRefund", scenario{
	prepare: func(h *harness) sent { s := refunded(h); s.form = "metadata[a]=b"; return s },
	want:    map[string]any{"object": "refund", "metadata.a": "b"},
	shows:   map[string]any{"metadata.a": "b"},
})

// card refunds are with the network before anybody could take them back.
const cardRefunds = "refunds to cards never wait for the payer"

func unchanged(_ *harness, s sent) sent { return s }

var _ = shows("PostRefundsRefundCancel", scenario{
	prepare: refunded,
	never:   cardRefunds,
	fails:   []refusedRequest{{"to a card", unchanged, 400, ""}},
})

var _ = shows("PostTestHelpersRefundsRefundExpire", scenario{
	prepare: refunded,
	never:   cardRefunds,
	fails:   []refusedRequest{{"to a card", unchanged, 400, ""}},
})
