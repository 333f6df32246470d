package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestGiveBackGoesOn: the job is not done before the money is back, whatever
// goes wrong with a try.
func TestGiveBackGoesOn(t *testing.T) {
	for _, name := range []string{"sale", "authorize"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l line
			op := named(name)
			s := open(t, l.alter())
			i := op.ready(s)
			wait := s.overdue(op, i)
			if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			wait()
			s.recheck()
			charge := s.unwanted()[0]
			give := func(what string, done bool) {
				t.Helper()
				if err := s.GiveBack(t.Context(), s.scope, charge); (err == nil) != done {
					t.Errorf("%s: %v", what, err)
				}
			}
			kind := sandbox.Refund
			if name == "authorize" {
				kind = sandbox.Reversal
			}
			l.down.Store(true)
			give("the provider is down", false)
			l.down.Store(false)
			s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: kind})
			give("the outcome is unknown", false)
			give("the outcome is still unknown", false)
			for range 3 {
				s.clock.Advance(30 * time.Second)
				s.sweep()
			}
			s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: kind})
			give("unknown again", false)
			s.clock.Advance(30 * time.Second)
			s.sweep()
			give("it is back", true)
			give("it was back", true)
			if n, sum := s.approved(kind); n != 1 || sum != 5000 {
				t.Errorf("%d given back in %d operations", sum, n)
			}
			s.agree()
		})
	}
}

// TestGiveBackJob: a late success leaves a job that gives the money back.
func TestGiveBackJob(t *testing.T) {
	t.Parallel()
	op := named("sale")
	s := open(t)
	i := op.ready(s)
	wait := s.overdue(op, i)
	if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	wait()
	runner := job.New(s.DB, job.Options{Poll: 10 * time.Millisecond, Logger: s.Log})
	done := make(chan payment.ChargeID, 10)
	runner.Register(job.Kind{Name: payment.GiveBackJob, Handle: func(ctx context.Context, j job.Job) error {
		var p payment.GiveBackPayload
		if err := j.Payload(&p); err != nil {
			return err
		}
		err := s.GiveBack(ctx, j.Scope, p.Charge)
		if err == nil {
			done <- p.Charge
		}
		return err
	}})
	runner.Start()
	s.recheck()
	var charge payment.ChargeID
	select {
	case charge = <-done:
	case <-time.After(20 * time.Second):
		t.Error("nothing is given back")
	}
	if err := runner.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := s.unwanted(); len(want) != 1 || want[0] != charge {
		t.Errorf("%d was given back of %v", charge, want)
	}
	if n, _ := s.approved(sandbox.Refund); n != 1 {
		t.Errorf("%d refunds", n)
	}
	s.agree()
}

// TestLateBesideAnother: a success that comes late while another attempt is
// under way is given back, whatever becomes of that one.
func TestLateBesideAnother(t *testing.T) {
	t.Parallel()
	op := named("sale")
	s := open(t)
	i := op.ready(s)
	wait := s.overdue(op, i)
	s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Sale})
	r, err := s.Confirm(t.Context(), s.scope, i, payment.ConfirmParams{Method: "pm_card_mastercard"}, nil)
	if err != nil || r.Error != nil || intentOf(t, r).Body.Status != payment.Processing {
		t.Fatal(r, err)
	}
	other := s.last(int64(i)).Key
	wait()
	s.clock.Advance(4*sandbox.Horizon + time.Second)
	if _, err := s.Sweep(t.Context(), 100); err != nil {
		t.Error(err)
	}
	charges := s.unwanted()
	if b := s.intent(int64(i)).Body; b.Status != payment.Processing || int64(b.Attempt) != other || len(charges) != 1 {
		t.Fatalf("%d charges to give back, the intent is %+v", len(charges), b)
	}
	if err := s.GiveBack(t.Context(), s.scope, charges[0]); err != nil {
		t.Error(err)
	}
	s.rest()
	if n, sum := s.approved(sandbox.Refund); n != 1 || sum != 5000 {
		t.Errorf("%d given back in %d refunds", sum, n)
	}
	s.agree()
}
