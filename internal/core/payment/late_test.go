package payment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// dawdle is how long the simulator takes over a request in these tests. On the
// shop's clock that is longer than it promised.
const dawdle = timeout + 600*time.Millisecond

// overdue begins an operation that the provider comes to process only after it
// has said, before and after its horizon, that it knows nothing of it. What it
// gives waits for the provider.
func (s *shop) overdue(op operation, i payment.IntentID) (wait func()) {
	s.t.Helper()
	s.inject(sandbox.Fault{Mode: sandbox.SlowProcess, Kind: op.kind, Delay: dawdle})
	begun := time.Now()
	if r, err := op.do(s, i, nil); err != nil || r.Error != nil {
		s.t.Fatal(r, err)
	}
	for range 3 {
		s.clock.Advance(30 * time.Second)
		s.sweep()
	}
	if a := s.last(int64(i)).Body; a.State != payment.Failed || a.Due.IsZero() {
		if time.Since(begun) > dawdle {
			s.t.Skip("the machine is too slow for this")
		}
		s.t.Fatalf("%+v", a)
	}
	return func() { time.Sleep(dawdle - time.Since(begun) + 200*time.Millisecond) }
}

// recheck lets the time pass after which a failure by absence is looked at
// again.
func (s *shop) recheck() {
	s.clock.Advance(4*sandbox.Horizon + time.Second)
	s.sweep()
}

func named(name string) operation {
	for _, op := range operations {
		if op.name == name {
			return op
		}
	}
	panic("no operation " + name)
}

func TestLateSuccess(t *testing.T) {
	for _, name := range []string{"sale", "authorize"} {
		op := named(name)
		t.Run(name+", still wanted", func(t *testing.T) {
			t.Parallel()
			s := open(t)
			i := op.ready(s)
			wait := s.overdue(op, i)
			if b := s.intent(int64(i)).Body; b.Status != payment.RequiresPaymentMethod {
				t.Fatalf("%+v", b)
			}
			wait()
			s.recheck()
			b, a := s.intent(int64(i)).Body, s.last(int64(i)).Body
			if b.Status != op.done || b.LastError != nil || b.Method == 0 || a.State != payment.Approved || a.Note != "late success" || !a.Due.IsZero() {
				t.Errorf("%+v\n%+v", b, a)
			}
			want := append(append([]string{"payment_intent.created"}, op.failed...), op.happened[1:]...)
			if diff := cmp.Diff(want, s.types(int64(i))); diff != "" {
				t.Error(diff)
			}
			s.agree()
		})
		t.Run(name+", after a decline", func(t *testing.T) {
			t.Parallel()
			s := open(t)
			i := op.ready(s)
			wait := s.overdue(op, i)
			r, err := s.Confirm(t.Context(), s.scope, i, payment.ConfirmParams{Method: "pm_card_visa_chargeDeclined"}, nil)
			if err != nil || r.Error == nil {
				t.Fatal(r, err)
			}
			wait()
			s.recheck()
			if b := s.intent(int64(i)).Body; b.Status != op.done || b.LastError != nil {
				t.Errorf("%+v", b)
			}
			s.agree()
		})
		for what, spend := range map[string]func(*shop, payment.IntentID){
			"canceled": func(s *shop, i payment.IntentID) {
				if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
					s.t.Fatal(r, err)
				}
			},
			"made otherwise": func(s *shop, i payment.IntentID) {
				r, err := s.Confirm(s.t.Context(), s.scope, i, payment.ConfirmParams{Method: "pm_card_mastercard"}, nil)
				if err != nil || r.Error != nil {
					s.t.Fatal(r, err)
				}
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				i := op.ready(s)
				wait := s.overdue(op, i)
				spend(s, i)
				before, events := s.intent(int64(i)).Body, s.types(int64(i))
				wait()
				s.recheck()
				s.givenBack(op, i, what, before, events)
			})
		}
	}
}

// givenBack checks that money which is not wanted is booked as received and
// goes back, once, and that the intent is as it was.
func (s *shop) givenBack(op operation, i payment.IntentID, why string, before payment.Intent, events []string) {
	t := s.t
	t.Helper()
	s.agree() // received, and not yet given back
	var late *object.Object[payment.Attempt]
	for _, a := range s.attempts(int64(i)) {
		if a.Body.Note != "" {
			late = a
		}
	}
	if late == nil || late.Body.Note != "late success, given back: the payment was "+why || late.Body.State != payment.Approved {
		t.Fatalf("%+v", late)
	}
	charges := s.unwanted()
	if len(charges) != 1 {
		t.Fatalf("%d charges to give back", len(charges))
	}
	jobs, err := job.Counts(t.Context(), s.DB, payment.GiveBackJob)
	jobs = slices.DeleteFunc(jobs, func(c job.Count) bool { return c.Kind == payment.ExpireJob })
	if err != nil || len(jobs) != 1 || jobs[0].Waiting != 1 {
		t.Errorf("jobs that give it back: %+v %v", jobs, err)
	}
	for range 2 {
		if err := s.GiveBack(t.Context(), s.scope, charges[0]); err != nil {
			t.Error(err)
		}
	}
	kind, then := sandbox.Refund, []string{"charge.succeeded", "refund.created", "charge.refunded"}
	if op.name == "authorize" {
		kind, then = sandbox.Reversal, []string{"charge.succeeded"}
	}
	if n, sum := s.approved(kind); n != 1 || sum != 5000 {
		t.Errorf("%d given back in %d operations", sum, n)
	}
	if diff := cmp.Diff(append(events, then...), s.types(int64(i))); diff != "" {
		t.Errorf("events: %s", diff)
	}
	if diff := cmp.Diff(before, s.intent(int64(i)).Body); diff != "" {
		t.Errorf("the intent changed: %s", diff)
	}
	s.agree()
	if why == "canceled" {
		s.matured()
		for account, net := range s.balances() {
			if net != 0 {
				t.Errorf("%s is left with %d", account, net)
			}
		}
	}
}

// unwanted are the charges that go back.
func (s *shop) unwanted() (keys []payment.ChargeID) {
	s.t.Helper()
	err := payment.Charges.Scan(context.Background(), s.DB, func(c *object.Object[payment.Charge]) error {
		if c.Body.GivenBack != "" {
			keys = append(keys, payment.ChargeID(c.Key))
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// matured moves pending money whose day has come.
func (s *shop) matured() {
	s.t.Helper()
	due, err := ledger.DueMaturities(context.Background(), s.DB, s.clock.Now(), 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range due {
		err := s.DB.Run(context.Background(), db.Step{Name: "test.mature", Scope: d.Scope.Key(), Do: func(tx *db.Tx) error {
			return s.Book.Mature(tx, d.Scope, d.Day, d.Currency)
		}})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestLateRefund: a refund that happened after it was called failed counts. While
// another has its place a break tells of it.
func TestLateRefund(t *testing.T) {
	op := named("refund")
	check := func(s *shop, a *object.Object[payment.Attempt]) {
		s.t.Helper()
		r, _, err := payment.Refunds.Read(context.Background(), s.DB, s.scope, int64(a.Body.Refund))
		if err != nil || r.Body.Status != payment.RefundSucceeded || r.Body.FailureReason != "" || r.Body.BalanceTransaction == 0 {
			s.t.Errorf("%+v %v", r, err)
		}
		if again, _, _ := payment.Attempts.Read(context.Background(), s.DB, s.scope, a.Key); again.Body.State != payment.Approved || !again.Body.Break.IsZero() {
			s.t.Errorf("%+v", again.Body)
		}
		s.agree()
	}
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		i := op.ready(s)
		wait := s.overdue(op, i)
		a := s.last(int64(i))
		wait()
		s.recheck()
		check(s, a)
	})
	t.Run("beside another", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		i := op.ready(s)
		wait := s.overdue(op, i)
		a := s.last(int64(i))
		wait()
		s.inject(sandbox.Fault{Mode: sandbox.Garbage, Kind: sandbox.Refund})
		if r, err := refundIt(s, i, nil); err != nil || r.Error != nil {
			t.Fatal(r, err)
		}
		if err := s.Late(t.Context(), s.scope, payment.AttemptID(a.Key), provider.Outcome{Status: provider.Approved}); err != nil {
			t.Error(err)
		}
		if again, _, _ := payment.Attempts.Read(t.Context(), s.DB, s.scope, a.Key); again.Body.State != payment.Failed || again.Body.Break.IsZero() {
			t.Errorf("while the other may take its place: %+v", again.Body)
		}
		if err := s.GiveBack(t.Context(), s.scope, a.Body.Charge); err == nil {
			t.Error("more is given back meanwhile")
		}
		s.clock.Advance(30 * time.Second)
		s.sweep() // the other was declined: there was not as much left
		check(s, a)
	})
}

// TestLateFollowUp: a capture, void or increment that happened after it was
// called failed counts. While another has its place a break tells of it.
func TestLateFollowUp(t *testing.T) {
	for _, name := range []string{"capture", "capture in part", "void", "increment"} {
		op := named(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			i := op.ready(s)
			wait := s.overdue(op, i)
			wait()
			s.recheck()
			a := s.last(int64(i))
			if a.Body.State != payment.Approved || !a.Body.Break.IsZero() || a.Body.Note == "" || s.intent(int64(i)).Body.Status != op.done {
				t.Errorf("%+v, the intent is %s", a.Body, s.intent(int64(i)).Body.Status)
			}
			s.agree()
			// The same news again, as a provider's message may bring it, moves nothing.
			if err := s.Late(t.Context(), s.scope, payment.AttemptID(a.Key), provider.Outcome{Status: provider.Approved}); err != nil {
				t.Error(err)
			}
			if again := s.last(int64(i)); again.Ref() != a.Ref() {
				t.Errorf("%+v", again.Body)
			}
			if opened := s.broken(); len(opened) != 0 {
				t.Errorf("breaks: %v", opened)
			}
		})
		t.Run(name+" beside another", func(t *testing.T) {
			t.Parallel()
			s := open(t)
			i := op.ready(s)
			wait := s.overdue(op, i)
			a := s.last(int64(i))
			wait()
			s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Capture})
			if r, err := captureIt(s, i, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			for range 2 { // told twice
				if err := s.Late(t.Context(), s.scope, payment.AttemptID(a.Key), provider.Outcome{Status: provider.Approved}); err != nil {
					t.Error(err)
				}
			}
			again, _, _ := payment.Attempts.Read(t.Context(), s.DB, s.scope, a.Key)
			if again.Body.State != payment.Failed || again.Body.Break.IsZero() {
				t.Errorf("while the other may take its place: %+v", again.Body)
			}
			if diff := cmp.Diff([]string{"contradiction " + payment.Reference(s.scope, payment.AttemptID(a.Key))}, s.broken()); diff != "" {
				t.Error(diff)
			}
			for range 3 {
				s.clock.Advance(30 * time.Second)
				s.sweep() // the other was never processed
			}
			if again, _, _ = payment.Attempts.Read(t.Context(), s.DB, s.scope, a.Key); again.Body.State != payment.Approved || !again.Body.Break.IsZero() {
				t.Errorf("when its place is free: %+v", again.Body)
			}
			if opened := s.broken(); len(opened) != 0 {
				t.Errorf("breaks: %v", opened)
			}
			s.agree()
		})
	}
}

// TestNotLate: an attempt that failed by absence, and of which the provider
// still knows nothing, is left alone after it was looked at once more.
func TestNotLate(t *testing.T) {
	t.Parallel()
	var l line
	s := open(t, l.alter())
	s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: sandbox.Sale})
	i := intentOf(t, s.pay(2000, "automatic", "pm_card_visa", nil)).Key
	for range 3 {
		s.clock.Advance(30 * time.Second)
		s.sweep()
	}
	l.down.Store(true)
	for range 3 {
		s.recheck()
		if a := s.last(i).Body; a.State != payment.Failed || a.Due.IsZero() {
			t.Fatalf("it could not be asked about: %+v", a)
		}
	}
	l.down.Store(false)
	s.recheck()
	if a := s.last(i).Body; a.State != payment.Failed || !a.Due.IsZero() {
		t.Errorf("%+v", a)
	}
	s.agree()
}

// TestCustomerGone: a payment that comes to its end after its customer was
// deleted is booked all the same, and its method is not attached.
func TestCustomerGone(t *testing.T) {
	t.Parallel()
	s := open(t)
	r, err := s.Vault.CreateCustomer(t.Context(), s.scope, &vault.CustomerParams{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := r.Main.(*object.Object[vault.Customer]).Key
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Sale})
	r, err = s.Create(t.Context(), s.scope, payment.CreateParams{Amount: usd(5000), CaptureMethod: "automatic", Customer: c, Method: "pm_card_visa",
		Changes: payment.Changes{SetupFutureUsage: new("off_session")}, Confirm: true}, nil)
	if err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	if err := s.Vault.EraseCustomer(t.Context(), s.scope, vault.Customers.ID(s.scope, c)); err != nil {
		t.Fatal(err)
	}
	s.rest()
	i := intentOf(t, r).Key
	if b := s.intent(i).Body; b.Status != payment.Succeeded {
		t.Errorf("%+v", b)
	}
	m, ok, err := vault.PaymentMethods.Read(t.Context(), s.DB, s.scope, s.last(i).Body.Method.Key)
	if err != nil || !ok || m.Body.Customer != 0 || m.Body.Owner != 0 || !m.Body.UsedUp {
		t.Errorf("%+v %v", m, err)
	}
	s.agree()
}
