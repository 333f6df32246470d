package rest

import (
	"context"
	"net/http"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
)

// unread is a line to the database on which one read is refused.
type unread struct{ left int } // reads before that one

func (u *unread) Step(_ context.Context, s db.Step, run func(db.Step) error) error { return run(s) }

func (u *unread) Read(context.Context) error {
	if u.left--; u.left == -1 {
		return fault.New(fault.Unavailable, "", "The database can't be reached.")
	}
	return nil
}

// TestHalfAnAnswer: whichever read of the door's fails while an answer is made,
// the answer is whole, the same as ever, or it says that one is to ask again.
func TestHalfAnAnswer(t *testing.T) {
	h := newHarness(t)
	whole := h.server.DB
	for _, c := range []struct {
		name, path, params string
		status             int
	}{
		{"payment", "/v1/payment_intents", "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa&expand[]=latest_charge.balance_transaction", 200},
		{"decline", "/v1/payment_intents", "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa_chargeDeclined", 402},
		{"set-up declined", "/v1/setup_intents", "confirm=true&payment_method=pm_card_visa_chargeDeclined", 402},
	} {
		key := []string{"Idempotency-Key", "half " + c.name}
		first := h.post(c.path, c.params, key...).is(c.status)
		refused := 0
		for n := 0; ; n++ {
			u := &unread{left: n}
			h.server.DB = whole.Facade(clock.System{}, u)
			again := h.post(c.path, c.params, key...)
			h.server.DB = whole
			if u.left >= 0 {
				break // all reads are through
			}
			if again.status == http.StatusServiceUnavailable {
				refused++
			} else if again.status != c.status || string(again.text) != string(first.text) {
				t.Errorf("%s, read %d refused: %d %s, want %d %s", c.name, n+1, again.status, again.text, c.status, first.text)
			}
		}
		if refused == 0 {
			t.Errorf("%s: no read that is refused shows", c.name)
		}
	}
}
