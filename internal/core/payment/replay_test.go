package payment_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestKeyOfAnotherRequest: a key is refused to a request that is not the one
// it was used for, whatever the operation, and nothing is done.
func TestKeyOfAnotherRequest(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			i := op.ready(s)
			if r, err := op.do(s, i, key("k")); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			calls, tried := l.calls.Load(), len(s.attempts(int64(i)))
			other := key("k")
			other.Hash = [32]byte{2}
			if r, err := op.do(s, i, other); fault.KindOf(err) != fault.KeyMismatch {
				t.Errorf("%+v %v", r, err)
			}
			if r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(100)}, other); fault.KindOf(err) != fault.KeyMismatch {
				t.Errorf("%+v %v", r, err)
			}
			if l.calls.Load() != calls || len(s.attempts(int64(i))) != tried {
				t.Error("something was done")
			}
			// Another account may use the same key.
			live := s.scope
			live.Livemode = true
			if r, err := s.Create(t.Context(), live, payment.CreateParams{Amount: usd(100)}, other); err != nil || r.Error != nil || r.Replayed {
				t.Errorf("in another scope: %+v %v", r, err)
			}
		})
	}
}

// TestRefusalsAreRecorded: what a request was refused for it is refused for
// again, though it would pass by now.
func TestRefusalsAreRecorded(t *testing.T) {
	var l line
	s := open(t, l.alter())
	again := func(what string, do func(*idem.Request) (*idem.Reply, error), first *idem.Reply, r *idem.Request) {
		t.Helper()
		calls := l.calls.Load()
		got, err := do(r)
		if err != nil || !got.Replayed || got.Origin != r.ID || l.calls.Load() != calls {
			t.Errorf("%s: %+v %v", what, got, err)
			return
		}
		if diff := cmp.Diff([]any{first.Error, first.Kind, first.Shown}, []any{got.Error, got.Kind, got.Shown}); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	create := func(r *idem.Request) (*idem.Reply, error) {
		return s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(2000), CaptureMethod: "manual", Method: "pm_card_visa_chargeDeclinedInsufficientFunds", Confirm: true}, r)
	}
	declined, err := create(key("declined"))
	if err != nil || declined.Error == nil || declined.Error.DeclineCode != "insufficient_funds" {
		t.Fatal(declined, err)
	}
	i := payment.IntentID(intentOf(t, declined).Key)
	again("declined at creation", create, declined, key("declined"))

	capture := func(r *idem.Request) (*idem.Reply, error) {
		return s.Capture(t.Context(), s.scope, i, payment.CaptureParams{}, r)
	}
	early, err := capture(key("early"))
	if err != nil || early.Error == nil || early.Error.Code != "payment_intent_unexpected_state" {
		t.Fatal(early, err)
	}
	if r, err := s.Confirm(t.Context(), s.scope, i, payment.ConfirmParams{Method: "pm_card_visa"}, key("good")); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	again("captured too early", capture, early, key("early"))
	again("declined at creation, and paid since", create, declined, key("declined"))
	b, ok, err := payment.Intents.ReadVersion(t.Context(), s.DB, s.scope, declined.Shown[0])
	if err != nil || !ok || b.Body.Status != payment.RequiresPaymentMethod || b.Body.LastError == nil || b.Body.LastError.DeclineCode != "insufficient_funds" {
		t.Errorf("the version shown: %+v %v", b, err)
	}

	missing := func(r *idem.Request) (*idem.Reply, error) {
		return s.Capture(t.Context(), s.scope, 1, payment.CaptureParams{}, r)
	}
	none, err := missing(key("missing"))
	if err != nil || none.Error == nil || none.Error.Kind != fault.NotFound {
		t.Fatal(none, err)
	}
	again("nothing there", missing, none, key("missing"))

	if r, err := capture(key("capture")); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	refund := func(r *idem.Request) (*idem.Reply, error) {
		return s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: i, Amount: 2001}, r)
	}
	over, err := refund(key("over"))
	if err != nil || over.Error == nil || over.Error.Param != "amount" {
		t.Fatal(over, err)
	}
	again("refund of too much", refund, over, key("over"))
	s.agree()
}

// TestWhatIsNotRecorded: a request that is wrong in itself, or that came at a
// bad moment, leaves its key free.
func TestWhatIsNotRecorded(t *testing.T) {
	s := open(t)
	for what, p := range map[string]payment.CreateParams{
		"amount_too_small":                 {Amount: usd(1)},
		"amount_too_large":                 {Amount: usd(1_000_000_000_000)},
		"payment_intent_invalid_parameter": {Amount: usd(2000), Changes: payment.Changes{MethodTypes: &[]string{"cash"}}},
		"payment_intent_unexpected_state":  {Amount: usd(2000), Confirm: true},
	} {
		r, err := s.Create(t.Context(), s.scope, p, key("wrong"))
		if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Code != what {
			t.Errorf("%s: %+v %v", what, r, err)
		}
	}
	right := key("wrong")
	right.Hash = [32]byte{3}
	r, err := s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(5000), CaptureMethod: "manual", Method: "pm_card_visa", Confirm: true}, right)
	if err != nil || r.Error != nil || r.Replayed {
		t.Fatal(r, err)
	}
	i := payment.IntentID(intentOf(t, r).Key)
	s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Capture})
	if r, err := captureIt(s, i, key("first")); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	r, err = cancelIt(s, i, key("locked"))
	s.isLocked("cancel", r, err, s.last(int64(i)))
	s.rest()
	r, err = cancelIt(s, i, key("locked"))
	if err != nil || r.Error != nil || r.Replayed || intentOf(t, r).Body.Status != payment.Canceled {
		t.Errorf("after the lock: %+v %v", r, err)
	}
	s.agree()
}

// TestReplayShowsTheVersion: a reply that is given again shows its object as
// it was, not as it is.
func TestReplayShowsTheVersion(t *testing.T) {
	s := open(t)
	create := func() (*idem.Reply, error) {
		return s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(5000), CaptureMethod: "manual", Method: "pm_card_visa", Confirm: true}, key("create"))
	}
	first, err := create()
	if err != nil {
		t.Fatal(err)
	}
	i := payment.IntentID(intentOf(t, first).Key)
	for _, do := range []func(*shop, payment.IntentID, *idem.Request) (*idem.Reply, error){captureIt, refundIt} {
		if r, err := do(s, i, nil); err != nil || r.Error != nil {
			t.Fatal(r, err)
		}
	}
	again, err := create()
	if err != nil || !again.Replayed || again.Origin != "req_create" {
		t.Fatalf("%+v %v", again, err)
	}
	if diff := cmp.Diff(first.Shown, again.Shown); diff != "" || !again.At.Equal(first.At) {
		t.Errorf("%s, recorded %v and %v", diff, first.At, again.At)
	}
	o, ok, err := payment.Intents.ReadVersion(t.Context(), s.DB, s.scope, again.Shown[0])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(intentOf(t, first).Body, o.Body); diff != "" || o.Body.Status != payment.RequiresCapture {
		t.Errorf("the version shown: %s", diff)
	}
	if now := s.intent(int64(i)); now.Version == o.Version || now.Body.Status != payment.Succeeded {
		t.Errorf("%+v", now)
	}
}

// TestOneKeyManyTimes: equal requests under one key at once have one effect,
// and all who get an answer get the same one.
func TestOneKeyManyTimes(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			i := op.ready(s)
			before, _ := s.approved(op.kind)
			var mu sync.Mutex
			var shown []any
			_, busy := race(t, 40, func(int) (*idem.Reply, error) {
				r, err := op.do(s, i, key("k"))
				if err == nil {
					mu.Lock()
					shown = append(shown, r.Shown)
					mu.Unlock()
				}
				return r, err
			})
			if n, _ := s.approved(op.kind); n != before+1 || len(shown) == 0 || int(busy)+len(shown) != 40 {
				t.Errorf("%d effects, %d answers, %d told to wait", n-before, len(shown), busy)
			}
			for _, other := range shown {
				if diff := cmp.Diff(shown[0], other); diff != "" {
					t.Error(diff)
				}
			}
			s.agree()
		})
	}
}

// TestKeyExpires: a key that is deleted after its time can be used anew.
func TestKeyExpires(t *testing.T) {
	s := open(t)
	create := func() (*idem.Reply, error) {
		return s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(5000)}, key("k"))
	}
	first, err := create()
	if err != nil {
		t.Fatal(err)
	}
	expire := func() (gone int, err error) {
		err = idem.Expire(t.Context(), s.DB, s.clock.Now().Add(-idem.Retention), func(_ context.Context, n int) error {
			gone += n
			return nil
		})
		return gone, err
	}
	s.clock.Advance(idem.Retention - time.Minute)
	if n, err := expire(); n != 0 || err != nil {
		t.Errorf("%d keys deleted too early: %v", n, err)
	}
	s.clock.Advance(2 * time.Minute)
	if n, err := expire(); n != 1 || err != nil {
		t.Errorf("%d keys deleted: %v", n, err)
	}
	again, err := create()
	if err != nil || again.Replayed || again.Shown[0].Key == first.Shown[0].Key {
		t.Errorf("%+v %v", again, err)
	}
}
