package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestStalledSender: a process that stood still between writing an attempt and
// sending it does not send it any more once its lease is over; others may have
// found by then that the provider knows nothing of it.
func TestStalledSender(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			i := op.ready(s)
			before, _ := s.approved(op.kind)
			s.lose(&l, false, op, i, key("k"))
			a, calls := s.last(int64(i)), l.calls.Load()
			s.clock.Advance(lease)
			if _, err := payment.Send(s.Service, t.Context(), a, nil); err != nil {
				t.Error(err)
			}
			if n, _ := s.approved(op.kind); n != before || l.calls.Load() != calls {
				t.Errorf("it was sent after its lease: %d effects", n-before)
			}
			if a := s.last(int64(i)).Body; a.State != payment.Unknown {
				t.Errorf("the attempt is %s", a.State)
			}
			s.rest()
			s.agree()
		})
	}
}

// TestStalledReceiver: a process that stood still between the provider's answer
// and writing it down brings the news that an attempt which others have called
// failed did succeed.
func TestStalledReceiver(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter())
			i := op.ready(s)
			// The provider, too, comes to it late, but answers.
			stalled := func() {
				for range 3 {
					s.clock.Advance(time.Minute)
					s.sweep()
				}
			}
			l.before.Store(&stalled)
			r, err := op.do(s, i, key("k"))
			l.before.Store(nil)
			if err != nil {
				t.Fatal(err)
			}
			// Others have answered for it meanwhile; that is what counts, for the
			// caller too.
			s.replays(op, i, key("k"), r)
			a := s.last(int64(i)).Body
			if a.State != payment.Approved || a.Note == "" || !a.Break.IsZero() || s.intent(int64(i)).Body.Status != op.done {
				t.Errorf("the attempt is %s, the intent %s; replied %+v", a.State, s.intent(int64(i)).Body.Status, r)
			}
			s.agree()
			s.rest()
		})
	}
}

// TestStalledApproval: a process that brings an approval after its lease, when
// another has had it undone and not written that down yet, comes too late.
func TestStalledApproval(t *testing.T) {
	for _, op := range operations {
		if op.name == "void" {
			continue // is said again, never undone
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			undone, written := make(chan struct{}), make(chan struct{})
			s := open(t, l.alter(), noInquiry, noReplay, func(p *provider.Provider) {
				reverse := p.Reverse
				p.Reverse = func(ctx context.Context, r provider.ReverseRequest) provider.Finding {
					f := reverse(ctx, r)
					close(undone)
					<-written
					return f
				}
			})
			i := op.ready(s)
			swept := make(chan error, 1)
			stalled := func() {
				l.after.Store(nil)
				s.clock.Advance(lease)
				go func() {
					_, err := s.Sweep(context.Background(), 10)
					swept <- err
				}()
				<-undone
			}
			l.after.Store(&stalled)
			if _, err := op.do(s, i, key("k")); err != nil {
				t.Error(err)
			}
			close(written)
			if err := <-swept; err != nil {
				t.Error(err)
			}
			if a := s.last(int64(i)).Body; a.State != payment.Reversed {
				t.Errorf("the attempt is %s", a.State)
			}
			s.agree()
		})
	}
}

// TestStalledFailure: that a process could not send an attempt any more, which
// others have sent meanwhile under the same reference, is no proof that nothing
// happened.
func TestStalledFailure(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var l line
			answered, written := make(chan struct{}), make(chan struct{})
			s := open(t, l.alter(), noInquiry)
			i := op.ready(s)
			replayed := func() {
				l.after.Store(nil)
				close(answered)
				<-written
			}
			swept := make(chan error, 1)
			stalled := func() {
				l.before.Store(nil)
				l.after.Store(&replayed)
				s.clock.Advance(lease)
				go func() {
					_, err := s.Sweep(context.Background(), 10)
					swept <- err
				}()
				<-answered
				time.Sleep(timeout + 50*time.Millisecond) // the call's own time is over before it is sent
			}
			l.before.Store(&stalled)
			if _, err := op.do(s, i, key("k")); err != nil {
				t.Error(err)
			}
			if a := s.last(int64(i)).Body; !a.Open() {
				t.Errorf("while another has sent it, the attempt is %s", a.State)
			}
			close(written)
			if err := <-swept; err != nil {
				t.Error(err)
			}
			if a := s.last(int64(i)).Body; a.State != payment.Approved {
				t.Errorf("in the end it is %s", a.State)
			}
			s.agree()
		})
	}
}

// TestStaleUnknown: that a caller whose lease is over learned nothing does not
// end the lease of whoever looks after the attempt now.
func TestStaleUnknown(t *testing.T) {
	t.Parallel()
	var l line
	entered, release := make(chan struct{}), make(chan struct{})
	s := open(t, l.alter(), func(p *provider.Provider) {
		inquire := p.Inquire
		p.Inquire = func(ctx context.Context, reference string) provider.Finding {
			f := inquire(ctx, reference)
			close(entered)
			<-release
			return f
		}
	})
	i := created("automatic")(s)
	s.inject(sandbox.Fault{Mode: sandbox.Garbage, Kind: sandbox.Sale})
	swept := make(chan error, 1)
	sweeps := func() {
		s.clock.Advance(lease)
		go func() {
			_, err := s.Sweep(context.Background(), 10)
			swept <- err
		}()
		<-entered
	}
	l.after.Store(&sweeps)
	r, err := confirmIt(s, i, key("k"))
	if err != nil || r.Error != nil || intentOf(t, r).Body.Status != payment.Processing {
		t.Fatal(r, err)
	}
	if a := s.last(int64(i)).Body; a.State != payment.Sending || a.Tries != 1 || a.Due.Before(s.clock.Now().Add(payment.Margin-time.Second)) {
		t.Errorf("%+v", a)
	}
	close(release)
	if err := <-swept; err != nil {
		t.Error(err)
	}
	if b := s.intent(int64(i)).Body; b.Status != payment.Succeeded {
		t.Errorf("%+v", b)
	}
	s.replays(operation{do: confirmIt}, i, key("k"), r)
	s.agree()
}

// TestProviderNotConfigured: an attempt at a provider that is no longer there
// is told of, waits, and does not keep others from being looked after.
func TestProviderNotConfigured(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Sale, Count: 2})
	gone := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	p := s.Providers[s.Default]
	s.Providers, s.Default = map[string]provider.Provider{"other": p}, "other"
	other := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	s.clock.Advance(lease)
	var problems int
	for range 2 { // one attempt at a time, the oldest first
		if _, err := s.Sweep(t.Context(), 1); err != nil {
			problems++
		}
	}
	if b := s.intent(other).Body; b.Status != payment.Succeeded || problems != 1 {
		t.Errorf("the other one is %s, after %d problems", b.Status, problems)
	}
	if a := s.last(gone).Body; !a.Open() || a.Due.Before(s.clock.Now()) {
		t.Errorf("%+v", a)
	}
	s.Providers[p.Name] = p
	s.rest()
	if b := s.intent(gone).Body; b.Status != payment.Succeeded {
		t.Errorf("%+v", b)
	}
	s.agree()
}
