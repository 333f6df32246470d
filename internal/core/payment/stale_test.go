package payment_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestStaleResolver: a resolver that stood still until its lease was over, and
// learned nothing, leaves alone what another one has settled since.
func TestStaleResolver(t *testing.T) {
	t.Parallel()
	var first atomic.Bool
	entered, release := make(chan struct{}), make(chan struct{})
	s := open(t, func(p *provider.Provider) {
		inquire := p.Inquire
		p.Inquire = func(ctx context.Context, reference string) provider.Finding {
			if !first.CompareAndSwap(false, true) {
				return inquire(ctx, reference)
			}
			close(entered)
			<-release
			return provider.Finding{}
		}
	})
	i := created("automatic")(s)
	s.inject(sandbox.Fault{Mode: sandbox.Garbage, Kind: sandbox.Sale})
	if r, err := confirmIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	s.clock.Advance(time.Minute)
	stale := make(chan error, 1)
	go func() {
		_, err := s.Sweep(context.WithoutCancel(t.Context()), 1)
		stale <- err
	}()
	<-entered
	s.clock.Advance(lease + time.Second)
	s.sweep()
	settled := s.last(int64(i))
	if settled.Body.State != payment.Approved || !settled.Body.Due.IsZero() {
		t.Errorf("the second resolver left it %s, due %v", settled.Body.State, settled.Body.Due)
	}
	close(release)
	if err := <-stale; err != nil {
		t.Error(err)
	}
	if now := s.last(int64(i)); now.Ref() != settled.Ref() {
		t.Errorf("the first resolver left it %s, due %v", now.Body.State, now.Body.Due)
	}
	s.agree()
}

// TestVoidThatFindsNothing: that the provider does not know, now, of what is to
// be voided does not mean that it never will: the void is not called refused.
func TestVoidThatFindsNothing(t *testing.T) {
	t.Parallel()
	s := open(t, func(p *provider.Provider) {
		p.Reverse = func(context.Context, provider.ReverseRequest) provider.Finding {
			return provider.Finding{Answer: provider.NotFound, Outcome: provider.Outcome{Status: provider.Declined}}
		}
	})
	i := paid("manual")(s)
	if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	a := s.last(int64(i)).Body
	guard, _, err := ledger.ReadGuard(t.Context(), s.DB, s.scope, int64(a.Charge), ledger.GuardCapture)
	if diff := cmp.Diff(ledger.Guard{Ceiling: 5000, Reserved: 5000}, guard); a.State != payment.Unknown || err != nil || diff != "" {
		t.Errorf("the void is %s, the guard of captures: %s %v", a.State, diff, err)
	}
}

// TestRefundOfTheRest: a refund of all that is left leaves out what another one
// that is under way has reserved.
func TestRefundOfTheRest(t *testing.T) {
	t.Parallel()
	s := open(t)
	i := paid("automatic")(s)
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Refund})
	if r, err := refundIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	rest := func(code, param string) {
		t.Helper()
		r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: i}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Error == nil {
			r.Error = &fault.Error{}
		}
		if r.Error.Code != code || r.Error.Param != param {
			t.Errorf("%v; want code %q, parameter %q", r.Error, code, param)
		}
	}
	rest("", "") // 2000
	rest("", "amount")
	s.rest()
	rest("charge_already_refunded", "")
	if n, sum := s.approved(sandbox.Refund); n != 2 || sum != 5000 {
		t.Errorf("%d given back in %d refunds", sum, n)
	}
	s.agree()
}

// TestClientGoesAway: a client that hangs up while the provider is asked does
// not stop the operation half-way.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	var l line
	s := open(t, l.alter())
	i := created("automatic")(s)
	ctx, hangUp := context.WithCancel(t.Context())
	l.before.Store((*func())(&hangUp))
	_, err := s.Confirm(ctx, s.scope, i, payment.ConfirmParams{}, nil)
	l.before.Store(nil)
	if a := s.last(int64(i)).Body; a.State != payment.Approved || a.Tries != 0 || s.intent(int64(i)).Body.Status != payment.Succeeded {
		t.Errorf("the attempt is %s: %v", a.State, err)
	}
	s.agree()
}
