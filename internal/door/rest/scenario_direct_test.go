package rest

import "strings"

const typedCard = "card[number]=4000056655665556&card[exp_month]=12&card[exp_year]=2044"

var _ = shows("PostCharges", scenario{
	prepare: func(*harness) sent { return sent{form: "amount=1000&currency=usd&source=tok_visa&metadata[a]=b"} },
	want:    map[string]any{"object": "charge", "amount": 1000, "paid": true, "captured": true, "status": "succeeded", "metadata.a": "b"},
	shows:   map[string]any{"data.0.amount": 1000},
	instead: map[string]string{"card": "source", "customer": "source"},
	needs:   map[string]string{"card": typedCard},
	values: func(h *harness, _ sent) map[string]string {
		customer := h.post("/v1/customers", "source=tok_visa").ok().str("id")
		return map[string]string{"customer": customer, "source": "tok_mastercard", "statement_descriptor": "CORNER SHOP", "statement_descriptor_suffix": "SHOP",
			"card[number]": "4000056655665556", "card[exp_month]": "12", "card[exp_year]": "2044", "receipt_email": "jo@example.com"}
	},
	// The metadata of a card that nobody keeps shows on its payment method.
	fails: []refusedRequest{
		{"nothing to charge", sending("amount=1000&currency=usd"), 400, "parameter_missing"},
		{"no such token", sending("amount=1000&currency=usd&source=tok_nothing"), 400, "resource_missing"},
		{"declined", sending("amount=1000&currency=usd&source=tok_visa_chargeDeclinedInsufficientFunds"), 402, "card_declined"},
		{"a payer who would have to be asked", sending("amount=1000&currency=usd&source=tok_threeDSecure2Required"), 402, "authentication_required"},
		{"too risky", sending("amount=1000&currency=usd&source=tok_radarBlock"), 402, "card_declined"},
		{"a customer without a card", func(h *harness, s sent) sent { s.form = "amount=1000&currency=usd&customer=" + h.aCustomer(); return s }, 402, "missing"},
		{"a token for a customer", func(h *harness, s sent) sent { s.form += "&customer=" + h.aCustomer(); return s }, 400, "missing"},
	},
})

// ofCharge prepares a charge.
func ofCharge(form string) func(*harness) sent {
	return func(h *harness) sent { return sent{in: []string{h.paid().str("latest_charge")}, form: form} }
}

// refunding are what refunds of a charge are tried with.
func refunding(s scenario) scenario {
	s.values = func(h *harness, s sent) map[string]string {
		return map[string]string{"payment_intent": h.paid().str("id")}
	}
	s.fails = []refusedRequest{
		{"more than was paid", sending("amount=1001"), 400, ""},
		{"all of it again", func(h *harness, s sent) sent {
			h.post("/v1/refunds", "charge="+s.in[0]).ok()
			return s
		}, 400, "charge_already_refunded"},
	}
	return s
}

var _ = shows("PostChargesChargeRefund", refunding(scenario{
	prepare: ofCharge("amount=100"),
	want:    map[string]any{"object": "charge", "amount_refunded": 100, "refunded": false},
	look:    "/v1/charges/*/refunds",
	shows:   map[string]any{"data.0.amount": 100},
}))

var _ = shows("PostChargesChargeRefunds", refunding(scenario{
	prepare: ofCharge("amount=100"),
	want:    map[string]any{"object": "refund", "amount": 100, "status": "succeeded"},
	shows:   map[string]any{"data.0.amount": 100},
}))

// refundedTwice prepares a charge with two refunds.
func refundedTwice(h *harness) (charge, refund string) {
	charge = h.paid().str("latest_charge")
	h.post("/v1/refunds", "amount=100&charge="+charge).ok()
	return charge, h.post("/v1/refunds", "amount=200&charge="+charge).ok().str("id")
}

var _ = shows("GetChargesChargeRefunds", scenario{
	prepare: func(h *harness) sent {
		charge, _ := refundedTwice(h)
		return sent{in: []string{charge}, form: "limit=3"}
	},
	want: map[string]any{"object": "list", "data.0.amount": 200, "data.1.amount": 100, "data.2": nil},
})

func aRefundOfACharge(form string) func(h *harness) sent {
	return func(h *harness) sent {
		charge, refund := refundedTwice(h)
		return sent{in: []string{charge, refund}, form: form}
	}
}

var notItsRefund = []refusedRequest{{"another charge's", func(h *harness, s sent) sent {
	s.in = []string{h.paid().str("latest_charge"), s.in[1]}
	return s
}, 404, "resource_missing"}}

var _ = shows("GetChargesChargeRefundsRefund", scenario{prepare: aRefundOfACharge(""), want: map[string]any{"amount": 200}, fails: notItsRefund})

var _ = shows("PostChargesChargeRefundsRefund", scenario{
	prepare: aRefundOfACharge("metadata[a]=b"),
	want:    map[string]any{"metadata.a": "b"},
	shows:   map[string]any{"metadata.a": "b"},
	fails:   notItsRefund,
})

// Some calls are others by an older path.
var (
	_ = shows("GetBalanceHistory", listingTransactions)
	_ = shows("GetBalanceHistoryId", retrievingTransactions)
	_ = shows("GetChargesChargeDispute", byCharge(retrievingDisputes))
	_ = shows("PostChargesChargeDispute", byCharge(updatingDisputes))
	_ = shows("PostChargesChargeDisputeClose", byCharge(closingDisputes))
)

// byCharge has a dispute's scenario go by its charge.
func byCharge(s scenario) scenario {
	prepare := s.prepare
	s.prepare = func(h *harness) sent {
		made := prepare(h)
		return sent{in: []string{h.get("/v1/disputes/" + made.in[0]).ok().str("charge")}, form: made.form}
	}
	s.look = strings.Replace(s.look, "/v1/disputes/*", "/v1/charges/*/dispute", 1)
	s.fails = []refusedRequest{{"not disputed", func(h *harness, s sent) sent {
		s.in = []string{h.paid().str("latest_charge")}
		return s
	}, 404, "resource_missing"}}
	return s
}

var _ = shows("PostExternalAccountsId", scenario{
	prepare: func(h *harness) sent {
		return sent{in: []string{h.account("000123456789")}, form: "account_holder_name=Jo&metadata[a]=b&account_type=savings"}
	},
	want:   map[string]any{"account_holder_name": "Jo", "metadata.a": "b", "account_type": "savings"},
	values: func(*harness, sent) map[string]string { return map[string]string{"default_for_currency": "true"} },
	then: func(h *harness, s sent, _ *answered) {
		h.get("/v1/accounts/" + h.self() + "/external_accounts/" + s.in[0]).ok().has(map[string]any{"account_holder_name": "Jo"})
	},
})
