package payment_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestTold: what the provider tells unasked brings an operation to its end,
// though its answer was lost and nobody asks, and whatever happens to the message.
func TestTold(t *testing.T) {
	for _, op := range operations {
		for _, mode := range []push.Mode{"", push.Duplicate, push.Reorder, push.Delay, push.Burst, push.Forge, push.Garbage, push.Contradict} {
			t.Run(op.name+" "+string(mode), func(t *testing.T) {
				t.Parallel()
				s, e := listening(t, push.Options{})
				i := op.ready(s)
				e.quiet(s)
				if mode != "" {
					if err := s.sim.Pushes().Inject(push.Fault{Mode: mode, Delay: 5 * time.Millisecond}); err != nil {
						t.Fatal(err)
					}
				}
				s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
				if r, err := op.do(s, i, key("k")); err != nil || r.Error != nil {
					t.Fatal(r, err)
				}
				e.quiet(s)
				a := s.last(int64(i))
				if a.Body.State != payment.Approved || s.intent(int64(i)).Body.Status != op.done || a.Body.Tries != 0 {
					t.Errorf("the attempt is %s after %d tries, the intent %s", a.Body.State, a.Body.Tries, s.intent(int64(i)).Body.Status)
				}
				about, err := news.About(t.Context(), s.DB, s.reference(a), 100)
				if err != nil || len(about) == 0 || about[0].State != news.Applied {
					t.Errorf("messages about it: %+v %v", about, err)
				}
				garbled, err := news.OfState(t.Context(), s.DB, news.Garbled, 100)
				if err != nil || len(garbled) > 0 != (mode == push.Garbage) {
					t.Errorf("%d messages that can't be understood, %v", len(garbled), err)
				}
				// Two words of the provider, of which one is its own when it is asked.
				if broken := s.broken(); len(broken) > 0 != (mode == push.Contradict || mode == push.Garbage) {
					t.Errorf("breaks: %v", broken)
				}
				s.rest()
				s.agree()
			})
		}
	}
}

// TestToldOtherwise: news that does not fit what is known changes nothing and
// opens a break; news that is older, or known, changes nothing at all.
func TestToldOtherwise(t *testing.T) {
	for _, name := range []string{"sale", "authorize", "capture", "void", "refund"} {
		op := named(name)
		for what, c := range map[string]struct {
			alter   []func(*provider.Provider)
			before  func(*shop, payment.IntentID) // brings the operation to its state
			told    provider.Standing             // with the amount in addition
			more    int64
			state   payment.State
			contest bool
		}{
			"approved, told again":         {nil, nil, provider.Standing{Status: provider.Approved}, 0, payment.Approved, false},
			"approved, told to be pending": {nil, nil, provider.Standing{Status: provider.Pending}, 0, payment.Approved, false},
			"approved, told to be declined": {nil, nil, provider.Standing{Status: provider.Declined, Reason: "generic_decline"}, 0,
				payment.Approved, true},
			"approved, told to have failed": {nil, nil, provider.Standing{Status: provider.Failed}, 0, payment.Approved, true},
			"approved, another amount":      {nil, nil, provider.Standing{Status: provider.Approved}, 1, payment.Approved, true},
			"approved, can't be asked, told to be declined": {[]func(*provider.Provider){noInquiry}, nil,
				provider.Standing{Status: provider.Declined, Reason: "generic_decline"}, 0, payment.Approved, true},
			"failed, told to be approved": {nil, func(s *shop, i payment.IntentID) {
				s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: op.kind})
			}, provider.Standing{Status: provider.Approved}, 0, payment.Failed, false}, // which the provider does not know yet
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				s := open(t, c.alter...)
				i := op.ready(s)
				if c.before != nil {
					c.before(s, i)
				}
				if _, err := op.do(s, i, nil); err != nil {
					t.Fatal(err)
				}
				s.rest()
				a := s.last(int64(i))
				if a.Body.State != c.state {
					t.Fatalf("%+v", a.Body)
				}
				before := s.intent(int64(i)).Ref()
				said := c.told
				said.Amount, said.Currency = a.Body.Amount+c.more, a.Body.Currency
				n := provider.Notice{ID: "n", Kind: provider.NoticeOutcome, Reference: s.reference(a), At: s.clock.Now(), Standing: &said}
				for range 3 {
					if err := s.Pushed(t.Context(), sandbox.Name, n); err != nil {
						t.Error(err)
					}
				}
				if again := s.last(int64(i)).Body; again.State != c.state || !again.Break.IsZero() != c.contest {
					t.Errorf("%+v", again)
				}
				var want []string
				if c.contest {
					want = []string{"contradiction " + s.reference(a)}
				}
				if diff := cmp.Diff(want, s.broken()); diff != "" {
					t.Errorf("breaks: %s", diff)
				}
				if s.intent(int64(i)).Ref() != before {
					t.Error("the intent changed")
				}
				s.agree()
			})
		}
	}
}

// TestDeclineTakenBack: a provider that has declined a payment, and says that it
// was approved when it is asked about it, has taken the money.
func TestDeclineTakenBack(t *testing.T) {
	for what, spend := range map[string]bool{"still wanted": false, "canceled": true} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var l line
			s := open(t, l.alter(), func(p *provider.Provider) {
				authorize := p.Authorize
				p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
					if o := authorize(ctx, r); o.Status == provider.Approved {
						return provider.Outcome{Status: provider.Declined, Reason: "generic_decline", ID: o.ID}
					}
					return provider.Outcome{}
				}
			})
			op := named("sale")
			i := op.ready(s)
			if r, err := op.do(s, i, nil); err != nil || r.Error == nil {
				t.Fatal(r, err)
			}
			a := s.last(int64(i))
			if spend {
				if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
					t.Fatal(r, err)
				}
			}
			n := provider.Notice{ID: "n", Kind: provider.NoticeOutcome, Reference: s.reference(a), At: s.clock.Now(),
				Standing: &provider.Standing{Status: provider.Approved, Amount: 5000, Currency: "usd"}}
			for range 2 {
				if err := s.Pushed(t.Context(), sandbox.Name, n); err != nil {
					t.Error(err)
				}
			}
			s.agree()
			want := payment.Succeeded
			if spend {
				want = payment.Canceled
				for _, ch := range s.unwanted() {
					if err := s.GiveBack(t.Context(), s.scope, ch); err != nil {
						t.Error(err)
					}
				}
				if n, sum := s.approved(sandbox.Refund); n != 1 || sum != 5000 {
					t.Errorf("%d given back in %d refunds", sum, n)
				}
				s.agree()
			}
			if got := s.intent(int64(i)).Body.Status; got != want || len(s.broken()) != 0 {
				t.Errorf("the intent is %s, want %s; breaks %v", got, want, s.broken())
			}
		})
	}
}

// TestDisputesTold: news of disputes counts by what the provider says when it is
// asked for it, whatever order it comes in and whatever else was sent.
func TestDisputesTold(t *testing.T) {
	for _, mode := range push.Modes {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s, e := listening(t, push.Options{})
			if err := s.sim.Pushes().Inject(push.Fault{Mode: mode, Count: 100, Delay: 5 * time.Millisecond}); err != nil {
				t.Fatal(err)
			}
			r := s.pay(5000, "automatic", "pm_card_createDispute", nil)
			if r.Error != nil {
				t.Fatal(r)
			}
			e.quiet(s)
			list := s.disputesOf(intentOf(t, r).Key)
			if len(list) != 1 || list[0].Body.Amount != 5000 || list[0].Body.Status != dispute.NeedsResponse {
				t.Fatalf("%d disputes", len(list))
			}
			if err := s.ReadNotices(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again := s.disputesOf(intentOf(t, r).Key); len(again) != 1 || again[0].Ref() != list[0].Ref() {
				t.Errorf("told again when it was asked for: %+v", again)
			}
			if broken := s.broken(); len(broken) > 0 != (mode == push.Contradict || mode == push.Garbage) {
				t.Errorf("breaks: %v", broken)
			}
			s.agree()
		})
	}
}

func (s *shop) disputesOf(intent int64) (list []*object.Object[dispute.Dispute]) {
	s.t.Helper()
	err := dispute.Disputes.Scan(s.t.Context(), s.DB, func(o *object.Object[dispute.Dispute]) error {
		if int64(o.Body.Intent) == intent {
			list = append(list, o)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// TestBounced: money that nobody wants, and whose refund does not reach the
// payer, is returned again, less and less often, until a person is asked.
func TestBounced(t *testing.T) {
	t.Parallel()
	op := named("sale")
	s := open(t, func(p *provider.Provider) {
		p.Refund = func(context.Context, provider.RefundRequest) provider.Outcome {
			return provider.Outcome{Status: provider.Approved, ID: "r"}
		}
	})
	i := op.ready(s)
	wait := s.overdue(op, i)
	if r, err := cancelIt(s, i, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	wait()
	s.recheck()
	charge := s.unwanted()[0]
	for n := range 7 {
		if err := s.GiveBack(t.Context(), s.scope, charge); err != nil {
			t.Fatal(err)
		}
		var refund *object.Object[payment.Attempt]
		for _, a := range s.attempts(int64(i)) {
			if a.Body.Operation == payment.OpRefund {
				refund = a
			}
		}
		told := provider.Notice{ID: fmt.Sprint("bounce", n), Kind: provider.NoticeRefundFailed, Reference: s.reference(refund), At: s.clock.Now(), Reason: "expired_or_canceled_card"}
		for range 2 {
			if err := s.Pushed(t.Context(), sandbox.Name, told); err != nil {
				t.Fatal(err)
			}
		}
		if want, got := n >= 5, len(s.broken()) > 0; want != got {
			t.Errorf("after %d refunds that did not arrive: breaks %v", n+1, s.broken())
		}
	}
	if due := s.givingBack(); len(due) != 6 || due[5]-due[1] < 3*24*time.Hour {
		t.Errorf("it is tried after %v", due)
	}
}

// givingBack is when the jobs that give money back are due, from now.
func (s *shop) givingBack() (due []time.Duration) {
	s.t.Helper()
	list, err := job.ListNext(s.t.Context(), s.DB, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, j := range list {
		if j.Kind == payment.GiveBackJob {
			due = append(due, j.Due.Sub(s.clock.Now()))
		}
	}
	return due
}
