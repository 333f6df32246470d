package rest

// card is a card that pays.
const visa = "payment_method=pm_card_visa"

var _ = shows("PostPaymentIntents", scenario{
	also: []alternative{{func(*harness) sent {
		return sent{form: "amount=1000&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired"}
	}, challenged}, {func(*harness) sent {
		return sent{form: "amount=1000&currency=usd&confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://shop.example"}
	}, redirected}, {func(*harness) sent {
		return sent{form: "amount=1000&currency=usd&confirm=true&expand[]=latest_charge&" + visa + "&" + online}
	}, agreed}, {func(h *harness) sent {
		return sent{form: byTransfer + fromGermany + "&confirm=true&customer=" + h.aCustomer()}
	}, []string{transferOptions}}},
	prepare: func(*harness) sent {
		return sent{form: "amount=1000&currency=usd&confirm=true&expand[]=latest_charge&" + visa}
	},
	want:  map[string]any{"status": "succeeded", "amount": 1000},
	shows: map[string]any{"data.0.status": "succeeded"},
	fails: []refusedRequest{
		{"no amount", sending("currency=usd"), 400, "parameter_missing"},
		{"too little", sending("amount=1&currency=usd"), 400, "amount_too_small"},
		{"declined", sending("amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined"), 402, "card_declined"},
	},
})

var _ = shows("GetPaymentIntents", scenario{
	prepare: func(h *harness) sent { h.paid(); h.paid(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "payment_intent"},
	fails:   []refusedRequest{{"too many", sending("limit=101"), 400, "parameter_invalid_integer"}},
})

var _ = shows("GetPaymentIntentsIntent", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.paid().str("id")}} },
	want:    map[string]any{"status": "succeeded"},
})

// challenged are parameters that matter where the payer has to prove who they are.
var challenged = []string{"error_on_requires_action", "off_session", "return_url", "use_stripe_sdk"}

// agreed are parts of what a mandate says, which shows where there is one.
var agreed = []string{"mandate_data", "mandate_data[customer_acceptance][offline]", "mandate_data[customer_acceptance][online][ip_address]",
	"mandate_data[customer_acceptance][online][user_agent]", "mandate_data[customer_acceptance][type]"}

// redirected are those that matter where the payer could be sent away for it.
var redirected = []string{"use_stripe_sdk"}

var _ = shows("PostPaymentIntentsIntentConfirm", scenario{
	also: []alternative{{func(h *harness) sent {
		return sent{in: []string{h.intent().ok().str("id")}, form: "payment_method=pm_card_authenticationRequired"}
	}, challenged}, {func(h *harness) sent {
		return sent{in: []string{h.intent().ok().str("id")}, form: "payment_method=pm_card_authenticationRequired&return_url=https://shop.example"}
	}, redirected}, {func(h *harness) sent {
		return sent{in: []string{h.intent().ok().str("id")}, form: "expand[]=latest_charge&" + visa + "&" + online}
	}, agreed}, {func(h *harness) sent {
		made := h.post("/v1/payment_intents", byTransfer+"customer="+h.aCustomer()).ok()
		return sent{in: []string{made.str("id")}, form: fromGermany}
	}, []string{transferOptions}}},
	prepare: func(h *harness) sent {
		return sent{in: []string{h.intent("capture_method", "automatic").ok().str("id")}, form: "expand[]=latest_charge&" + visa}
	},
	want:  map[string]any{"status": "succeeded"},
	shows: map[string]any{"status": "succeeded"},
	fails: []refusedRequest{
		{"nothing to pay with", sending(""), 400, "payment_intent_unexpected_state"},
		{"declined", sending("payment_method=pm_card_chargeDeclinedExpiredCard"), 402, "expired_card"},
	},
})

// held prepares an intent whose money is reserved.
func held(form string) func(*harness) sent {
	return func(h *harness) sent {
		return sent{in: []string{h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").ok().str("id")}, form: form}
	}
}

var _ = shows("PostPaymentIntentsIntentCapture", scenario{
	prepare: generous("amount_to_capture=400"),
	want:    map[string]any{"status": "succeeded", "amount_received": 400},
	shows:   map[string]any{"amount_received": 400, "status": "succeeded"},
	fails: []refusedRequest{{"nothing reserved", func(h *harness, _ sent) sent {
		return sent{in: []string{h.intent().ok().str("id")}}
	}, 400, "payment_intent_unexpected_state"}},
})

var _ = shows("PostPaymentIntentsIntentCancel", scenario{
	prepare: held(""),
	want:    map[string]any{"status": "canceled"},
	shows:   map[string]any{"status": "canceled"},
	fails: []refusedRequest{{"paid", func(h *harness, _ sent) sent {
		return sent{in: []string{h.paid().str("id")}}
	}, 400, "payment_intent_unexpected_state"}},
})

var _ = shows("GetCharges", scenario{
	prepare: func(h *harness) sent { h.paid(); h.paid(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "charge"},
	fails:   []refusedRequest{{"a cursor of nothing", sending("starting_after=ch_nothing"), 400, "resource_missing"}},
})

var _ = shows("GetChargesCharge", scenario{
	prepare: func(h *harness) sent { return sent{in: []string{h.paid().str("latest_charge")}} },
	want:    map[string]any{"object": "charge", "paid": true},
})

var _ = shows("PostRefunds", scenario{
	prepare: func(h *harness) sent { return sent{form: "amount=100&charge=" + h.paid().str("latest_charge")} },
	want:    map[string]any{"object": "refund", "status": "succeeded", "amount": 100},
	shows:   map[string]any{"data.0.amount": 100},
	instead: map[string]string{"payment_intent": "charge"},
	values: func(h *harness, _ sent) map[string]string {
		other := h.paid("currency", "eur")
		return map[string]string{"charge": other.str("latest_charge"), "payment_intent": other.str("id")}
	},
	fails: []refusedRequest{
		{"more than was paid", func(_ *harness, s sent) sent { s.form += "&amount=1001"; return s }, 400, ""},
		{"all of it again", func(h *harness, _ sent) sent {
			charge := h.paid().str("latest_charge")
			h.post("/v1/refunds", "charge="+charge).ok()
			return sent{form: "charge=" + charge}
		}, 400, "charge_already_refunded"},
	},
})

// refunded prepares a refund.
func refunded(h *harness) sent {
	return sent{in: []string{h.post("/v1/refunds", "amount=100&charge="+h.paid().str("latest_charge")).ok().str("id")}}
}

var _ = shows("GetRefunds", scenario{
	prepare: func(h *harness) sent { refunded(h); refunded(h); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "refund"},
})

var _ = shows("GetRefundsRefund", scenario{prepare: refunded, want: map[string]any{"object": "refund", "amount": 100}})

var _ = shows("GetBalance", scenario{
	prepare: func(h *harness) sent { h.paid(); return sent{} },
	want:    map[string]any{"object": "balance", "livemode": false},
})

var listingTransactions = scenario{
	prepare: func(h *harness) sent { h.paid(); h.paid(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.type": "charge"},
}

var _ = shows("GetBalanceTransactions", listingTransactions)

var retrievingTransactions = scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.get("/v1/charges/" + h.paid().str("latest_charge")).ok().str("balance_transaction")}}
	},
	want: map[string]any{"object": "balance_transaction", "amount": 1000},
}

var _ = shows("GetBalanceTransactionsId", retrievingTransactions)

var _ = shows("GetEvents", scenario{
	prepare: func(h *harness) sent { h.paid(); return sent{form: "limit=3"} },
	want:    map[string]any{"object": "list", "data.0.object": "event"},
})

var _ = shows("GetEventsId", scenario{
	prepare: func(h *harness) sent {
		h.paid()
		return sent{in: []string{h.get("/v1/events?limit=1").ok().str("data.0.id")}}
	},
	want: map[string]any{"object": "event", "api_version": Version},
})
