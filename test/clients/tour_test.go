//go:build unix

package clients

import (
	"net/http"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// The commands of a first tour: pay, decline, reserve and capture, refund,
// save a card, list, look at the books.
func TestTour(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{})
	c := caller{t, s}
	never := []string{"automatic_payment_methods[enabled]=true", "automatic_payment_methods[allow_redirects]=never"}
	pay := func(data ...string) *reply {
		return c.curl("/v1/payment_intents", append(append([]string{"currency=usd", "confirm=true"}, never...), data...)...)
	}

	first := pay("amount=2000", "payment_method=pm_card_visa").is(http.StatusOK, map[string]any{
		"object": "payment_intent", "status": "succeeded", "amount": 2000, "amount_received": 2000, "currency": "usd", "livemode": false,
	})
	pay("amount=2000", "payment_method=pm_card_chargeDeclined").is(http.StatusPaymentRequired, map[string]any{
		"error.type": "card_error", "error.code": "card_declined", "error.decline_code": "generic_decline",
		"error.payment_intent.status": "requires_payment_method", "error.message": "Your card was declined.",
	})

	reserved := pay("amount=5000", "payment_method=pm_card_mastercard", "capture_method=manual").is(http.StatusOK, map[string]any{
		"status": "requires_capture", "amount_capturable": 5000,
	})
	c.curl("/v1/payment_intents/"+reserved.str("id")+"/capture", "amount_to_capture=3000").is(http.StatusOK, map[string]any{
		"status": "succeeded", "amount_received": 3000, "amount_capturable": 0,
	})
	c.curl("/v1/refunds", "payment_intent="+first.str("id"), "amount=500").is(http.StatusOK, map[string]any{
		"object": "refund", "status": "succeeded", "amount": 500, "charge": first.str("latest_charge"),
	})

	customer := c.curl("/v1/customers", "name=Jenny Rosen", "email=jenny@example.com", "metadata[level]=gold").is(http.StatusOK, map[string]any{
		"object": "customer", "name": "Jenny Rosen", "metadata.level": "gold",
	}).str("id")
	method := c.curl("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).is(http.StatusOK, map[string]any{"customer": customer}).str("id")
	pay("amount=700", "customer="+customer, "payment_method="+method).is(http.StatusOK, map[string]any{"status": "succeeded", "customer": customer})

	c.curl("/v1/payment_intents?limit=2").is(http.StatusOK, map[string]any{
		"object": "list", "url": "/v1/payment_intents", "has_more": true, "data.0.amount": 700, "data.1.amount": 5000, "data.2": nil,
	})
	c.curl("/v1/charges?payment_intent="+first.str("id")).is(http.StatusOK, map[string]any{"data.0.amount_refunded": 500, "data.1": nil})
	c.curl("/v1/refunds").is(http.StatusOK, map[string]any{"data.0.amount": 500, "has_more": false})
	c.curl("/v1/payment_methods?customer="+customer).is(http.StatusOK, map[string]any{"data.0.card.last4": "4242", "data.1": nil})
	c.curl("/v1/events?type=charge.refunded").is(http.StatusOK, map[string]any{"data.0.data.object.id": first.str("latest_charge"), "data.1": nil})
	c.curl("/v1/balance_transactions").is(http.StatusOK, map[string]any{"data.0.type": "charge", "data.0.amount": 700, "data.1.type": "refund", "data.1.amount": -500})
	c.curl("/v1/balance").is(http.StatusOK, map[string]any{"object": "balance", "livemode": false, "pending.0.currency": "usd"})
	c.curl("/v1/payment_intents/"+first.str("id")+"?expand[]=latest_charge.balance_transaction").is(http.StatusOK, map[string]any{
		"latest_charge.amount_refunded": 500, "latest_charge.balance_transaction.amount": 2000, "latest_charge.balance_transaction.fee": 88,
	})
	finish(t, s)
}

// What is there besides the API.
func TestFrontDoor(t *testing.T) {
	t.Parallel()
	c := caller{t, florintest.Start(t, florintest.Options{})}
	if r := c.ask("", http.MethodGet, "/healthz", "", nil).is(http.StatusOK, nil); r.text != "ok\n" {
		t.Errorf("/healthz answers %q", r.text)
	}
	if r := c.ask("", http.MethodGet, "/", "", nil).is(http.StatusOK, nil); !strings.Contains(r.text, "<h1>Florin is running</h1>") {
		t.Errorf("the root answers %q", r.text)
	}
}

// A restart keeps everything, idempotency keys too.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{})
	c := caller{t, s}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": "an-order"}
	pay := func() *reply {
		return c.ask(s.SecretKey, http.MethodPost, "/v1/payment_intents", "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa", form)
	}
	before := pay().is(http.StatusOK, map[string]any{"status": "succeeded"})
	for _, end := range []func() error{s.Stop, s.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := pay().is(http.StatusOK, nil)
		if after.text != before.text || after.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("after the restart the same request is answered with\n%s\nbefore with\n%s", after.text, before.text)
		}
		c.curl("/v1/payment_intents").is(http.StatusOK, map[string]any{"data.0.id": before.str("id"), "data.1": nil})
	}
	finish(t, s)
}
