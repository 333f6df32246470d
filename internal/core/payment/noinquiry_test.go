package payment_test

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestReplay: a provider that can't be asked gets the same request again under
// the same reference, whether it had the first one or not, and there is one
// effect.
func TestReplay(t *testing.T) {
	for _, op := range operations {
		for _, mode := range []sandbox.Mode{sandbox.Lost, sandbox.Refused, sandbox.Reset, sandbox.Garbage} {
			t.Run(op.name+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				var l line
				s := open(t, l.alter(), noInquiry)
				i := op.ready(s)
				s.inject(sandbox.Fault{Mode: mode, Kind: op.kind})
				l.calls.Store(0)
				first, err := op.do(s, i, key("k"))
				if err != nil || first.Error != nil {
					t.Fatal(first, err)
				}
				s.clock.Advance(15 * time.Second)
				s.sweep()
				if n := l.calls.Load(); n != 2 {
					t.Errorf("the provider was called %d times, want 2", n)
				}
				if n, _ := s.approved(op.kind); n != 1 {
					t.Errorf("%d effects", n)
				}
				if a := s.last(int64(i)).Body; a.State != payment.Approved || s.intent(int64(i)).Body.Status != op.done {
					t.Errorf("the attempt is %s, its intent %s", a.State, s.intent(int64(i)).Body.Status)
				}
				s.replays(op, i, key("k"), first)
				s.agree()
			})
		}
	}
}

// TestReplayThatIsNotSent: that a repetition could not be sent says nothing of
// the first request.
func TestReplayThatIsNotSent(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter(), noInquiry)
			i := op.ready(s)
			s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
			if r, err := op.do(s, i, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			l.down.Store(true)
			for range 3 {
				s.clock.Advance(15 * time.Second)
				s.sweep()
				if a := s.last(int64(i)).Body; a.State != payment.Unknown {
					t.Fatalf("nothing was learned, and the attempt is %s", a.State)
				}
			}
			l.down.Store(false)
			s.clock.Advance(time.Minute)
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Approved || s.intent(int64(i)).Body.Status != op.done {
				t.Errorf("the attempt is %s, its intent %s", a.State, s.intent(int64(i)).Body.Status)
			}
			s.agree()
		})
	}
}

// TestReplayNeedsTheCVC: once the security code is gone, a payment that had it
// is not replayed but reversed.
func TestReplayNeedsTheCVC(t *testing.T) {
	for _, c := range []struct {
		name   string
		age    time.Duration // of the card when it pays
		mode   sandbox.Mode
		look   time.Duration // after it was paid with
		state  payment.State
		taken  int64
		called int64
	}{
		{"within its life", 0, sandbox.Refused, 14 * time.Minute, payment.Approved, 5000, 2},
		{"after 15 minutes, paid", 0, sandbox.Reset, 15*time.Minute + time.Second, payment.Reversed, 0, 2},
		{"after 15 minutes, not paid", 0, sandbox.Refused, 15*time.Minute + time.Second, payment.Failed, 0, 3},
		{"of a card typed before, paid", 14 * time.Minute, sandbox.Reset, 2 * time.Minute, payment.Reversed, 0, 2},
		{"of a card typed before, not paid", 14 * time.Minute, sandbox.Refused, 2 * time.Minute, payment.Failed, 0, 3},
		{"of a card that had none any more", 16 * time.Minute, sandbox.Refused, 20 * time.Hour, payment.Approved, 5000, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter(), noInquiry)
			i := s.create(5000, "automatic", "pm_card_visa")
			s.clock.Advance(c.age)
			s.inject(sandbox.Fault{Mode: c.mode, Kind: sandbox.Sale})
			if r, err := confirmIt(s, i, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			s.clock.Advance(c.look)
			s.sweep()
			s.rest()
			a, b := s.last(int64(i)).Body, s.intent(int64(i)).Body
			if a.State != c.state || l.calls.Load() != c.called {
				t.Errorf("the attempt is %s after %d calls, want %s after %d", a.State, l.calls.Load(), c.state, c.called)
			}
			if taken, _ := s.truth(); taken["usd"] != c.taken || (b.Status == payment.Succeeded) != (c.taken > 0) {
				t.Errorf("the provider took %v, the intent is %s", taken, b.Status)
			}
			s.agree()
		})
	}
}

// TestHorizonOfAReplay: a replay is a request of its own, which the provider
// may come to process as late as any other.
func TestHorizonOfAReplay(t *testing.T) {
	t.Parallel()
	s := open(t, noInquiry)
	s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Sale})
	i := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	s.clock.Advance(15*time.Minute - 10*time.Second)
	const slow = 2 * time.Second
	s.inject(sandbox.Fault{Mode: sandbox.SlowProcess, Kind: sandbox.Sale, Delay: slow})
	s.sweep() // sends it once more
	for range 2 {
		s.clock.Advance(12 * time.Second)
		s.sweep() // has it reversed, if there is anything
	}
	if a := s.last(i).Body; !a.Open() || a.Absent.IsZero() {
		t.Errorf("within the horizon of what was sent last: %+v", a)
	}
	time.Sleep(slow)
	s.rest()
	if taken, _ := s.truth(); taken["usd"] != 0 || s.last(i).Body.State != payment.Reversed {
		t.Errorf("the attempt is %s, and %d are taken", s.last(i).Body.State, taken["usd"])
	}
	s.agree()
}

// TestCardGoneAtReplay: that we can't repeat a request says nothing of it.
func TestCardGoneAtReplay(t *testing.T) {
	t.Parallel()
	s := open(t, noInquiry)
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Sale})
	i, customer := s.payAs("pm_card_visa", "off_session")
	if err := s.Vault.EraseCustomer(t.Context(), s.scope, customer); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(2 * time.Minute)
	s.sweep()
	if a := s.last(i).Body; !a.Open() || a.Tries != 1 {
		t.Errorf("after a replay that can't be made: %+v", a)
	}
	s.clock.Advance(15 * time.Minute)
	s.sweep()
	if a := s.last(i).Body; a.State != payment.Reversed {
		t.Errorf("the attempt is %s", a.State)
	}
	s.agree()
}

// TestReversalItselfUnknown: a reversal whose answer is lost is asked for again
// under its own reference.
func TestReversalItselfUnknown(t *testing.T) {
	t.Parallel()
	s := open(t, noInquiry, noReplay)
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Sale})
	i := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	s.inject(sandbox.Fault{Mode: sandbox.Garbage, Kind: sandbox.Reversal, Count: 2})
	for range 3 {
		s.clock.Advance(15 * time.Second)
		s.sweep()
	}
	if n, _ := s.approved(sandbox.Reversal); n != 1 || s.last(i).Body.State != payment.Reversed {
		t.Errorf("%d reversals, the attempt is %s", n, s.last(i).Body.State)
	}
	s.agree()
}

// TestNoWayToLearn: without any way to learn it stays unknown, and after a day
// a person is asked.
func TestNoWayToLearn(t *testing.T) {
	t.Parallel()
	var l line
	s := open(t, l.alter(), noInquiry, noReplay, func(p *provider.Provider) { p.Reverse = nil })
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Sale})
	i := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	s.clock.Advance(23 * time.Hour)
	s.sweep()
	if a := s.last(i).Body; a.State != payment.Unknown || !a.Break.IsZero() {
		t.Errorf("within a day: %+v", a)
	}
	s.clock.Advance(time.Hour)
	s.sweep()
	since := s.last(i).Body.Break
	s.clock.Advance(time.Hour)
	s.sweep()
	if a := s.last(i).Body; a.State != payment.Unknown || a.Break.IsZero() || a.Break != since || l.calls.Load() != 1 {
		t.Errorf("after a day: %+v", a)
	}
	if b := s.intent(i).Body; b.Status != payment.Processing {
		t.Errorf("the intent is %s", b.Status)
	}
}
