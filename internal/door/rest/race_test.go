package rest

import (
	"slices"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/provider/sandbox"
)

// atOnce makes requests at the same time, through two servers on one database by turns.
func (h *harness) atOnce(requests [][2]string) (answers []*answered) {
	h.t.Helper()
	servers := []*harness{h, h.beside()}
	answers = make([]*answered, len(requests))
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, r := range requests {
		all.Go(func() {
			<-start
			answers[i] = servers[i%2].post(r[0], r[1])
		})
	}
	close(start)
	all.Wait()
	return answers
}

// atAcquirer is what the acquirer's book says was done by operations of a kind.
func (h *harness) atAcquirer(kinds ...sandbox.Kind) (n int, sum int64) {
	h.t.Helper()
	for op, err := range h.book.Operations(h.t.Context()) {
		if err != nil {
			h.t.Fatal(err)
		}
		if slices.Contains(kinds, op.Kind) && op.State == sandbox.Approved {
			n++
			sum += op.Amount
		}
	}
	return n, sum
}

// TestRefundsRaceByEveryRoute: refunds that exceed a payment together, asked for at once
// through two servers by each route that there is, without a key and without an amount
// or with one, never give back more than was paid.
func TestRefundsRaceByEveryRoute(t *testing.T) {
	h := newHarness(t)
	for name, amounts := range map[string][]string{"parts": {"amount=300"}, "parts and the rest": {"amount=300", "", "amount=1000"}} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			_, before := h.atAcquirer(sandbox.Refund)
			paid := h.paid()
			charge := paid.str("latest_charge")
			routes := [][2]string{
				{"/v1/refunds", "charge=" + charge + "&"}, {"/v1/refunds", "payment_intent=" + paid.str("id") + "&"},
				{"/v1/charges/" + charge + "/refunds", ""}, {"/v1/charges/" + charge + "/refund", ""},
			}
			var requests [][2]string
			for range 4 {
				for _, r := range routes {
					for _, amount := range amounts {
						requests = append(requests, [2]string{r[0], r[1] + amount})
					}
				}
			}
			won := 0
			for i, a := range h.atOnce(requests) {
				switch a.status {
				case 200:
					won++
				case 400, 429:
				default:
					t.Errorf("%v: %d %s", requests[i], a.status, a.text)
				}
			}
			n, after := h.atAcquirer(sandbox.Refund)
			c := h.get("/v1/charges/" + charge).ok()
			if given := c.at("amount_refunded"); given != float64(after-before) || after-before > 1000 || won == 0 || len(amounts) == 1 && after-before != 900 {
				t.Errorf("%d won, %d refunds at the acquirer gave back %d, the charge says %v", won, n, after-before, given)
			}
		})
	}
	h.checkBooks()
}

// TestPaymentsCross: payments of one customer, confirmed at once and given back in
// opposite orders through two servers, all for one merchant, whose balances they change
// together, end without one waiting for the other in a circle.
func TestPaymentsCross(t *testing.T) {
	const pairsOf = 8
	h := newHarness(t)
	customer := h.aCustomer()
	method := h.post("/v1/payment_methods/pm_card_visa/attach", "customer="+customer).ok().str("id")
	var confirms, back, forth [][2]string
	for range pairsOf {
		a := h.intent("customer", customer, "payment_method", method).ok().str("id")
		b := h.intent("customer", customer, "payment_method", method).ok().str("id")
		confirms = append(confirms, [2]string{"/v1/payment_intents/" + a + "/confirm", ""}, [2]string{"/v1/payment_intents/" + b + "/confirm", ""})
		forth = append(forth, [2]string{"/v1/refunds", "amount=400&payment_intent=" + a}, [2]string{"/v1/refunds", "amount=400&payment_intent=" + b})
		back = append(back, [2]string{"/v1/refunds", "amount=500&payment_intent=" + b}, [2]string{"/v1/refunds", "amount=500&payment_intent=" + a})
	}
	for _, requests := range [][][2]string{confirms, append(forth, back...)} {
		for i, a := range h.atOnce(requests) {
			if a.status != 200 {
				t.Errorf("%v: %d %s", requests[i], a.status, a.text)
			}
		}
	}
	if n, sum := h.atAcquirer(sandbox.Sale); n != 2*pairsOf || sum != 2*pairsOf*1000 {
		t.Errorf("%d sales of %d at the acquirer", n, sum)
	}
	if n, sum := h.atAcquirer(sandbox.Refund); n != 4*pairsOf || sum != 2*pairsOf*900 {
		t.Errorf("%d refunds of %d at the acquirer", n, sum)
	}
	h.checkBooks()
}
