package payment_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

func TestSale(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil))
	if i.Body.Status != payment.Succeeded || i.Body.Received != 2000 || i.Body.LatestCharge == 0 {
		t.Fatalf("%+v", i.Body)
	}
	want := map[string]int64{"provider_clearing:usd": -2000, "pending:usd": 2000 - 88, "fees:usd": 88}
	if diff := cmp.Diff(want, s.balances()); diff != "" {
		t.Error(diff)
	}
	events, err := event.OfLane(t.Context(), s.DB, s.scope, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for n, e := range events {
		types = append(types, e.Type)
		if e.Seq != int64(n+1) {
			t.Errorf("event %d has sequence %d", n, e.Seq)
		}
	}
	if diff := cmp.Diff([]string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}, types); diff != "" {
		t.Error(diff)
	}
}

func TestDeclineLeavesTheIntent(t *testing.T) {
	s := open(t)
	r := s.pay(2000, "automatic", "pm_card_visa_chargeDeclinedInsufficientFunds", nil)
	if r.Error == nil || r.Error.Code != "card_declined" || r.Error.DeclineCode != "insufficient_funds" || r.Error.Kind != fault.Declined {
		t.Fatalf("%+v", r.Error)
	}
	i := intentOf(t, r)
	if i.Body.Status != payment.RequiresPaymentMethod || i.Body.LastError == nil || i.Body.LastError.Charge == 0 {
		t.Fatalf("%+v", i.Body)
	}
	again, err := s.Confirm(t.Context(), s.scope, payment.IntentID(i.Key), payment.ConfirmParams{Method: "pm_card_visa"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := intentOf(t, again).Body; got.Status != payment.Succeeded || got.LastError != nil {
		t.Fatalf("%+v", got)
	}
}

func TestCaptureInPartThenRefundInPart(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(10000, "manual", "pm_card_visa", nil))
	if i.Body.Status != payment.RequiresCapture || i.Body.Capturable != 10000 {
		t.Fatalf("%+v", i.Body)
	}
	r, err := s.Capture(t.Context(), s.scope, payment.IntentID(i.Key), payment.CaptureParams{Amount: 6000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := intentOf(t, r).Body; got.Status != payment.Succeeded || got.Received != 6000 || got.Capturable != 0 {
		t.Fatalf("%+v", got)
	}
	r, err = s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key), Amount: 2500}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if refund := r.Main.(*object.Object[payment.Refund]); refund.Body.Status != payment.RefundSucceeded || refund.Body.BalanceTransaction == 0 {
		t.Fatalf("%+v", refund.Body)
	}
	if b := s.balances(); b["available:usd"] != -2500 || b["provider_clearing:usd"] != -6000+2500 {
		t.Errorf("%v", b)
	}
	for amount, code := range map[int64]string{3501: "", 100000: ""} {
		r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key), Amount: amount}, nil)
		if err != nil || r.Error == nil || r.Error.Param != "amount" || r.Error.Code != code {
			t.Errorf("refund of %d: %+v %v", amount, r, err)
		}
	}
	if _, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key)}, nil); err != nil {
		t.Fatal(err)
	}
	r, err = s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key)}, nil)
	if err != nil || r.Error == nil || r.Error.Code != "charge_already_refunded" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestCancel(t *testing.T) {
	s := open(t)
	authorized := intentOf(t, s.pay(10000, "manual", "pm_card_visa", nil))
	r, err := s.Cancel(t.Context(), s.scope, payment.IntentID(authorized.Key), "requested_by_customer", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := intentOf(t, r).Body; got.Status != payment.Canceled || got.Capturable != 0 || got.CanceledAt.IsZero() {
		t.Fatalf("%+v", got)
	}
	if n, _ := s.approved(sandbox.Reversal); n != 1 {
		t.Errorf("%d reversals", n)
	}
	r, err = s.Capture(t.Context(), s.scope, payment.IntentID(authorized.Key), payment.CaptureParams{}, nil)
	if err != nil || r.Error == nil || r.Error.Code != "payment_intent_unexpected_state" {
		t.Errorf("%+v %v", r, err)
	}
}

// Two refunds of 60 on a payment of 100 can never both pass.
func TestConcurrentRefunds(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(10000, "automatic", "pm_card_visa", nil))
	won, refused := race(t, 200, func(int) (*idem.Reply, error) {
		return s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key), Amount: 6000}, nil)
	})
	if n, sum := s.approved(sandbox.Refund); won != 1 || refused != 199 || n != 1 || sum != 6000 {
		t.Fatalf("%d won, %d refused, the provider gave back %d in %d refunds", won, refused, sum, n)
	}
}

func TestConcurrentCaptures(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(10000, "manual", "pm_card_visa", nil))
	won, refused := race(t, 200, func(int) (*idem.Reply, error) {
		return s.Capture(t.Context(), s.scope, payment.IntentID(i.Key), payment.CaptureParams{}, nil)
	})
	if n, sum := s.approved(sandbox.Capture); won != 1 || refused != 199 || n != 1 || sum != 10000 {
		t.Fatalf("%d won, %d refused, the provider captured %d in %d captures", won, refused, sum, n)
	}
}

func TestConcurrentConfirms(t *testing.T) {
	for _, key := range []string{"", "one-key"} {
		t.Run("key="+key, func(t *testing.T) {
			s := open(t)
			r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(5000), Method: "pm_card_visa"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			i := intentOf(t, r)
			won, refused := race(t, 50, func(n int) (*idem.Reply, error) {
				return s.Confirm(t.Context(), s.scope, payment.IntentID(i.Key), payment.ConfirmParams{}, &idem.Request{ID: fmt.Sprint("req_", n), Key: key})
			})
			n, sum := s.approved(sandbox.Sale)
			if n != 1 || sum != 5000 || won+refused != 50 || won < 1 || (key == "" && won != 1) {
				t.Fatalf("%d won, %d refused, the provider took %d in %d sales", won, refused, sum, n)
			}
			if key == "" {
				return
			}
			again, err := s.Confirm(t.Context(), s.scope, payment.IntentID(i.Key), payment.ConfirmParams{}, &idem.Request{ID: "req_last", Key: key})
			if err != nil || !again.Replayed || again.Error != nil {
				t.Fatalf("%+v %v", again, err)
			}
		})
	}
}

// race runs f n times at once and counts how it ended.
func race(t *testing.T, n int, f func(int) (*idem.Reply, error)) (won, refused int64) {
	t.Helper()
	var wins, refusals atomic.Int64
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			r, err := f(i)
			switch {
			case err == nil && r.Error == nil:
				wins.Add(1)
			case err == nil, fault.KindOf(err) == fault.Locked, fault.KindOf(err) == fault.KeyInUse:
				refusals.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
	return wins.Load(), refusals.Load()
}
