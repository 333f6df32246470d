package rest

import (
	"net/http"
	"testing"
)

// A live key never pays through the sandbox, and is not served at all where
// the master key is a file that the server made for itself.
func TestLiveMode(t *testing.T) {
	d := newDesk(t)
	// pm_card_visa names nothing in live mode, and a card can't be typed there by
	// default, so an intent that only needs a method is as far as it goes.
	made := d.as(d.live, http.MethodPost, "/v1/payment_intents", "amount=500&currency=usd").ok()
	if got := made.at("livemode"); got != "true" {
		t.Errorf("livemode is %s", got)
	}
	if got := d.as(d.live, http.MethodPost, "/v1/payment_intents", "amount=500&currency=usd&payment_method=pm_card_visa&confirm=true"); got.status != http.StatusBadRequest {
		t.Errorf("a test method in live mode: %d %s", got.status, got.body)
	}
	d.server.Live = false
	if got := d.as(d.live, http.MethodGet, "/v1/payment_intents", ""); got.status != http.StatusForbidden {
		t.Errorf("live key without live mode: %d %s", got.status, got.body)
	}
	d.as(d.sk, http.MethodGet, "/v1/payment_intents", "").ok()
}
