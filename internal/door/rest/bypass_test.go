package rest

import "testing"

// Money of the cards that bypass the pending balance can be used at once, whether
// it is taken by a sale or by a capture.
func TestCardsThatBypassPending(t *testing.T) {
	// Two payments less 2.9 % and 30 cents each.
	for card, want := range map[string][2]string{"pm_card_bypassPending": {"1882", "0"}, "pm_card_bypassPendingInternational": {"1882", "0"}, "pm_card_visa": {"0", "1882"}} {
		d := newDesk(t)
		pay := "currency=usd&confirm=true&return_url=https://example.com&payment_method=" + card
		d.post("/v1/payment_intents", "amount=1000&"+pay)
		held := d.post("/v1/payment_intents", "amount=1000&capture_method=manual&"+pay).at("id")
		charge := d.post("/v1/payment_intents/"+held+"/capture", "").at("latest_charge")
		d.get("/v1/balance", "").want(map[string]string{"available.0.amount": want[0], "pending.0.amount": want[1]})
		status := "available"
		if want[0] == "0" {
			status = "pending"
		}
		d.get("/v1/balance_transactions", "source="+charge).want(map[string]string{"data.0.status": status, "data.0.net": "941"})
	}
}
