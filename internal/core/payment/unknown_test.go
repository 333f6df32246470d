package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestUnknown goes through every operation and every trouble, from the first
// reply to the books' agreement.
func TestUnknown(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			for _, what := range troubles {
				t.Run(what.name, func(t *testing.T) {
					s := *s
					s.t = t
					s.unknown(&l, op, what)
					s.agree()
					s.inOrder()
				})
			}
		})
	}
}

func (s *shop) unknown(l *line, op operation, what trouble) {
	i := op.ready(s)
	was := s.intent(int64(i))
	effects, _ := s.approved(op.kind)
	if what.fault.Mode != "" {
		what.fault.Kind = op.kind
		s.inject(what.fault)
	}
	r := key(op.name + " " + what.name)
	l.down.Store(what.down)
	begun := time.Now()
	first, err := op.do(s, i, r)
	l.down.Store(false)
	if err != nil {
		s.t.Fatal(err)
	}
	want := append([]string(nil), op.before...)
	if what.down {
		want = append(want, op.failedSoon...)
		s.refused(op, i, first)
	} else {
		s.first(op, was, first)
		s.meanwhile(op, i)
		s.untouched(i)
	}
	s.replays(op, i, r, first)

	s.clock.Advance(time.Minute)
	s.sweep()
	early := what.after > 0 && time.Since(begun) < what.after // the simulator has not come to it
	if open := s.last(int64(i)).Body.Open(); open != (!what.down && (early || !what.happened)) && (early || what.after == 0) {
		s.t.Errorf("after one look: open %v", open)
	}
	time.Sleep(what.after)
	s.rest()

	status := op.undone
	if what.happened {
		status, effects = op.done, effects+1
		want = append(want, op.happened...)
	} else if !what.down {
		want = append(want, op.failed...)
	}
	if n, _ := s.approved(op.kind); n != effects {
		s.t.Errorf("%d effects at the provider, want %d", n, effects)
	}
	got := s.intent(int64(i)).Body
	if got.Status != status || got.Attempt != 0 {
		s.t.Errorf("in the end it is %s with attempt %d, want %s", got.Status, got.Attempt, status)
	}
	if diff := cmp.Diff(want, s.types(int64(i))); diff != "" {
		s.t.Errorf("events: %s", diff)
	}
	s.replays(op, i, r, first)
}

// refused checks the reply when nothing could be sent.
func (s *shop) refused(op operation, i payment.IntentID, r *idem.Reply) {
	s.t.Helper()
	if refund, ok := r.Main.(*object.Object[payment.Refund]); ok {
		if refund.Body.Status != payment.RefundFailed {
			s.t.Errorf("%+v", refund.Body)
		}
		return
	}
	if r.Error == nil || r.Error.Kind != fault.Declined || r.Error.Code != "processing_error" || s.intent(int64(i)).Body.Status != op.undone {
		s.t.Errorf("%+v", r.Error)
	}
}

// first checks the first reply to an operation whose outcome is not known.
func (s *shop) first(op operation, was *object.Object[payment.Intent], r *idem.Reply) {
	s.t.Helper()
	if r.Error != nil || r.Replayed {
		s.t.Fatalf("%+v %v", r.Error, r.Replayed)
	}
	switch op.kind {
	case sandbox.Refund:
		if b := r.Main.(*object.Object[payment.Refund]).Body; b.Status != payment.RefundPending || b.Amount != 3000 || b.BalanceTransaction != 0 {
			s.t.Errorf("%+v", b)
		}
	case sandbox.Capture, sandbox.Reversal, sandbox.Increment:
		if diff := cmp.Diff(was.Body, intentOf(s.t, r).Body, cmpopts.IgnoreFields(payment.Intent{}, "Attempt", "Increments")); diff != "" {
			s.t.Errorf("the object changed before the outcome is known: %s", diff)
		}
	default:
		if b := intentOf(s.t, r).Body; b.Status != payment.Processing || b.LatestCharge != 0 {
			s.t.Errorf("%+v", b)
		}
	}
}

// meanwhile checks what further operations get while the outcome is open.
func (s *shop) meanwhile(op operation, i payment.IntentID) {
	s.t.Helper()
	a := s.last(int64(i))
	if !a.Body.Open() {
		s.t.Fatalf("the attempt is %s", a.Body.State)
	}
	r, err := confirmIt(s, i, nil)
	if err != nil || r.Error == nil || r.Error.Kind != fault.Invalid || r.Error.Code != "payment_intent_unexpected_state" {
		s.t.Errorf("confirm: %+v %v", r, err)
	}
	if op.kind != sandbox.Refund {
		r, err = captureIt(s, i, key("capture meanwhile "+s.reference(a)))
		s.isLocked("capture", r, err, a)
		r, err = cancelIt(s, i, key("cancel meanwhile "+s.reference(a)))
		s.isLocked("cancel", r, err, a)
		return
	}
	guard, _, err := ledger.ReadGuard(context.Background(), s.DB, s.scope, int64(a.Body.Charge), ledger.GuardRefund)
	if diff := cmp.Diff(ledger.Guard{Ceiling: 5000, Reserved: 3000}, guard); err != nil || diff != "" {
		s.t.Errorf("guard: %s %v", diff, err)
	}
	r, err = s.Refund(context.Background(), s.scope, payment.RefundParams{Intent: i, Amount: 2001}, nil)
	if err != nil || r.Error == nil || r.Error.Kind != fault.Invalid || r.Error.Param != "amount" {
		s.t.Errorf("refund of more than the guard leaves: %+v %v", r, err)
	}
}

// untouched checks that nobody resolves an attempt before its time.
func (s *shop) untouched(i payment.IntentID) {
	s.t.Helper()
	a, o := s.last(int64(i)), s.intent(int64(i))
	for range 3 {
		if err := s.Resolve(context.Background(), s.scope, payment.AttemptID(a.Key)); err != nil {
			s.t.Error(err)
		}
	}
	if now := s.clock.Now(); !now.Before(a.Body.Due) {
		s.t.Logf("the machine is too slow to look before the time: %v, due %v", now, a.Body.Due)
		return
	}
	if diff := cmp.Diff([]object.Ref{a.Ref(), o.Ref()}, []object.Ref{s.last(int64(i)).Ref(), s.intent(int64(i)).Ref()}); diff != "" {
		s.t.Errorf("touched before its time: %s", diff)
	}
}

// replays checks that the key gives the first reply again, whatever became of
// its object.
func (s *shop) replays(op operation, i payment.IntentID, r *idem.Request, first *idem.Reply) {
	s.t.Helper()
	again, err := op.do(s, i, r)
	if err != nil {
		s.t.Error(err)
		return
	}
	if !again.Replayed || again.Origin != r.ID {
		s.t.Errorf("not replayed: %+v", again)
	}
	if diff := cmp.Diff([]any{first.Kind, first.Shown, first.Error}, []any{again.Kind, again.Shown, again.Error}); diff != "" {
		s.t.Errorf("replayed otherwise: %s", diff)
	}
}

// TestLeaseKeepsOthersAway: while the caller waits for the provider, nobody
// else looks after its attempt, and a repetition is told to wait.
func TestLeaseKeepsOthersAway(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			i := op.ready(s)
			entered, release := make(chan struct{}), make(chan struct{})
			hold := func() { close(entered); <-release }
			l.after.Store(&hold)
			type answer struct {
				r   *idem.Reply
				err error
			}
			answered := make(chan answer, 1)
			go func() {
				r, err := op.do(s, i, key("k"))
				answered <- answer{r, err}
			}()
			<-entered
			l.after.Store(nil)
			s.clock.Advance(timeout + payment.Margin - 2*time.Second) // the lease's last moments
			a := s.last(int64(i))
			s.sweep()
			if err := s.Resolve(t.Context(), s.scope, payment.AttemptID(a.Key)); err != nil {
				t.Error(err)
			}
			if _, err := op.do(s, i, key("k")); fault.KindOf(err) != fault.KeyInUse {
				t.Errorf("a repetition while the first one is under way: %v", err)
			}
			if now := s.last(int64(i)); now.Ref() != a.Ref() || now.Body.State != payment.Sending {
				t.Errorf("touched within the lease: %+v", now.Body)
			}
			close(release)
			got := <-answered
			if got.err != nil || got.r.Error != nil || s.intent(int64(i)).Body.Status != op.done {
				t.Errorf("%+v %v", got.r, got.err)
			}
			s.agree()
		})
	}
}

// TestAbsence: that the provider knows nothing counts when it is said twice,
// the second time a lease and a horizon after the first.
func TestAbsence(t *testing.T) {
	const wait = timeout + sandbox.Horizon + payment.Margin
	begin := func(t *testing.T) (s *shop, i int64, after time.Time) {
		s = open(t)
		s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Sale})
		i = intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
		return s, i, id.Time(s.last(i).Key).Add(wait)
	}
	goTo := func(s *shop, at time.Time) { s.clock.Advance(at.Sub(s.clock.Now())) }
	look := func(s *shop, i int64, open bool) {
		s.t.Helper()
		tries := s.last(i).Body.Tries
		s.sweep()
		if a := s.last(i).Body; a.Open() != open || a.Tries != tries+1 || a.Absent.IsZero() {
			s.t.Fatalf("open %v after %d looks, want %v after %d: %+v", a.Open(), a.Tries, open, tries+1, a)
		}
	}
	// until looks whenever it is time to, and once more when that counts.
	until := func(s *shop, i int64) {
		s.t.Helper()
		a := s.last(i).Body
		for counts := a.Absent.Add(wait); a.Due.Before(counts); a = s.last(i).Body {
			goTo(s, a.Due)
			look(s, i, true)
		}
		goTo(s, a.Due)
		look(s, i, false)
	}
	t.Run("before and after", func(t *testing.T) {
		t.Parallel()
		s, i, after := begin(t)
		goTo(s, after.Add(-20*time.Second))
		look(s, i, true)
		until(s, i)
		if b := s.intent(i).Body; b.Status != payment.RequiresPaymentMethod || b.LastError == nil {
			t.Errorf("%+v", b)
		}
	})
	t.Run("twice, however late", func(t *testing.T) {
		t.Parallel()
		s, i, after := begin(t)
		goTo(s, after.Add(time.Hour))
		look(s, i, true)
		until(s, i)
	})
	t.Run("an unknown answer is no absence", func(t *testing.T) {
		t.Parallel()
		s, i, after := begin(t)
		goTo(s, after)
		look(s, i, true)
		s.inject(sandbox.Fault{Mode: sandbox.Garbage, Kind: sandbox.Inquiry, Count: 3})
		for range 3 {
			goTo(s, s.last(i).Body.Due)
			look(s, i, true)
		}
		until(s, i)
	})
}
