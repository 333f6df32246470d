package world

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/provider/sandbox"
)

// seeds are a few fixed ones, the one in FLORIN_SEED, or FLORIN_RUNS of them.
func seeds(t *testing.T) []uint64 {
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s=%q", name, text)
		}
		return n
	}
	few := uint64(3)
	if os.Getenv("FLORIN_SEED") != "" {
		few = 1
	}
	list := make([]uint64, number("FLORIN_RUNS", few))
	for i := range list {
		list[i] = number("FLORIN_SEED", 1) + uint64(i)
	}
	return list
}

// One payment under each fault, from each seed twice: it ends as if nothing had
// gone wrong, and both histories are equal.
func TestOnePaymentUnderEachFault(t *testing.T) {
	for _, mode := range []sandbox.Mode{sandbox.Lost, sandbox.Late, sandbox.Reset} {
		for _, seed := range seeds(t) {
			t.Run(fmt.Sprintf("%s/seed=%d", mode, seed), func(t *testing.T) {
				first := pay(t, seed, mode)
				second := pay(t, seed, mode)
				if diff := cmp.Diff(first, second); diff != "" {
					t.Errorf("the same seed gave another history:\n%s", diff)
				}
				if testing.Verbose() {
					t.Log("\n" + first)
				}
			})
		}
	}
}

// Different seeds must give different histories, or the comparison above would
// compare nothing.
func TestSeedsDiffer(t *testing.T) {
	if pay(t, 1, sandbox.Lost) == pay(t, 2, sandbox.Lost) {
		t.Error("two seeds gave one history")
	}
}

// pay runs a world in which one payment meets one fault, and a refund follows.
func pay(t *testing.T, seed uint64, mode sandbox.Mode) (told string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		amount := 500 + w.random.IntN(100_000)
		// The provider gives up after 10 seconds; a late answer comes after that.
		fault := sandbox.Fault{Mode: mode, Kind: sandbox.Sale, Delay: time.Duration(11+w.random.IntN(15)) * time.Second}
		if err := w.sim.Inject(fault); err != nil {
			t.Fatal(err)
		}
		body := w.post("/v1/payment_intents", "pay", url.Values{
			"amount": {strconv.Itoa(amount)}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"},
			"capture_method": {"automatic"},
		})
		if body["status"] != "processing" {
			t.Errorf("with its answer lost the payment is %v", body["status"])
		}
		intent, _ := body["id"].(string)
		if got := w.settled(intent)["status"]; got != "succeeded" {
			t.Errorf("the payment ends %v", got)
		}
		w.post("/v1/refunds", "refund", url.Values{"payment_intent": {intent}, "amount": {strconv.Itoa(amount / 3)}})
		w.recount(intent)
		w.agree(int64(amount), int64(amount/3))
		w.end()
		told = w.history.text()
	})
	return told
}

// agree compares the sandbox's book with what should have happened once.
func (w *world) agree(taken, givenBack int64) {
	w.t.Helper()
	sums, counts := map[sandbox.Kind]int64{}, map[sandbox.Kind]int{}
	for op, err := range w.book.Operations(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		if op.State == sandbox.Approved {
			sums[op.Kind] += op.Amount
			counts[op.Kind]++
		}
	}
	want := map[sandbox.Kind]int64{sandbox.Sale: taken, sandbox.Refund: givenBack}
	if diff := cmp.Diff(want, sums); diff != "" || counts[sandbox.Sale] != 1 || counts[sandbox.Refund] != 1 {
		w.t.Errorf("the sandbox's book has %v in %v operations:\n%s", sums, counts, diff)
	}
}
