package payment_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// toldApproved sends the news that the last attempt of an intent was approved.
func (s *shop) toldApproved(i payment.IntentID) {
	s.t.Helper()
	a := s.last(int64(i))
	n := provider.Notice{ID: "n", Kind: provider.NoticeOutcome, Reference: s.reference(a), At: s.clock.Now(),
		Standing: &provider.Standing{Status: provider.Approved, Amount: a.Body.Amount, Currency: a.Body.Currency}}
	if err := s.Pushed(context.Background(), sandbox.Name, n); err != nil {
		s.t.Error(err)
	}
}

// waited lets what had to wait be tried again.
func (s *shop) waited() {
	s.t.Helper()
	s.clock.Advance(10 * time.Minute)
	if err := s.ReadNotices(context.Background()); err != nil {
		s.t.Error(err)
	}
}

// TestToldWhileUndone: that an operation was approved is no news that counts once
// somebody has begun to undo it, whether what came of that is written down soon,
// or not known for a while.
func TestToldWhileUndone(t *testing.T) {
	for _, op := range operations {
		if op.name == "void" {
			continue // is said again, never undone
		}
		for name, lost := range map[string]bool{"answer comes": false, "answer lost": true} {
			t.Run(op.name+" "+name, func(t *testing.T) {
				t.Parallel()
				var s *shop
				var i payment.IntentID
				calls := 0
				s = open(t, noInquiry, noReplay, func(p *provider.Provider) {
					reverse := p.Reverse
					p.Reverse = func(ctx context.Context, r provider.ReverseRequest) provider.Finding {
						f := reverse(ctx, r)
						s.toldApproved(i)
						if calls++; lost && calls == 1 {
							return provider.Finding{}
						}
						return f
					}
				})
				i = op.ready(s)
				s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
				if _, err := op.do(s, i, key("k")); err != nil {
					t.Error(err)
				}
				for range 2 {
					s.clock.Advance(lease)
					s.sweep()
				}
				s.waited()
				if a := s.last(int64(i)).Body; a.State != payment.Reversed {
					t.Errorf("the attempt is %s", a.State)
				}
				s.agree()
			})
		}
	}
}

// TestToldThatItStands: where a provider refuses to undo what it can't be asked
// about, its word that this was approved counts, also that of before.
func TestToldThatItStands(t *testing.T) {
	for _, op := range operations {
		if op.name == "void" {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var s *shop
			var i payment.IntentID
			s = open(t, noInquiry, noReplay, func(p *provider.Provider) {
				p.Reverse = func(context.Context, provider.ReverseRequest) provider.Finding {
					s.toldApproved(i)
					return provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: provider.Declined}}
				}
			})
			i = op.ready(s)
			s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
			first, err := op.do(s, i, key("k"))
			if err != nil {
				t.Error(err)
			}
			s.clock.Advance(lease)
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Unknown || a.Undoing {
				t.Errorf("the attempt is %s, being undone: %t", a.State, a.Undoing)
			}
			s.waited()
			if a := s.last(int64(i)).Body; a.State != payment.Approved || s.intent(int64(i)).Body.Status != op.done {
				t.Errorf("the attempt is %s, the intent %s", a.State, s.intent(int64(i)).Body.Status)
			}
			s.replays(op, i, key("k"), first)
			s.agree()
		})
	}
}

// TestProof: a dispute of what nobody knows shows that it was paid, and a refund
// that comes back that it was sent.
func TestProof(t *testing.T) {
	for _, c := range []struct{ name, card, capture, end string }{
		{"disputed sale", "createDispute", "automatic", "charge.dispute.created"},
		{"warned sale", "createIssuerFraudRecord", "automatic", "radar.early_fraud_warning.created"},
		{"disputed capture", "createDispute", "manual", "charge.dispute.created"},
		{"refund that comes back", "refundFail", "automatic", "refund.failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, noInquiry, noReplay, func(p *provider.Provider) {
				reverse := p.Reverse
				p.Reverse = func(ctx context.Context, r provider.ReverseRequest) provider.Finding {
					if c.card == "refundFail" {
						time.Sleep(2 * later)
						ctx = context.WithoutCancel(ctx)
						if _, err := p.Notices(ctx, 0, 1); err != nil { // as it comes back
							t.Error(err)
						}
					}
					if c.card == "createIssuerFraudRecord" {
						return provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: provider.Declined}}
					}
					return reverse(ctx, r)
				}
			})
			i := s.create(5000, c.capture, "pm_card_"+c.card)
			op := named("sale")
			if c.capture == "manual" {
				op = named("capture")
				if _, err := confirmIt(s, i, nil); err != nil {
					t.Fatal(err)
				}
			}
			if c.end == "refund.failed" {
				op = named("refund")
				if _, err := confirmIt(s, i, nil); err != nil {
					t.Fatal(err)
				}
			}
			s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
			if _, err := op.do(s, i, nil); err != nil {
				t.Fatal(err)
			}
			if err := s.ReadNotices(t.Context()); err != nil {
				t.Error(err)
			}
			s.clock.Advance(lease)
			s.sweep()
			s.waited()
			if a := s.last(int64(i)).Body; a.State != payment.Approved {
				t.Errorf("the attempt is %s", a.State)
			}
			if told := s.types(int64(i)); !slices.Contains(told, c.end) {
				t.Errorf("told %v", told)
			}
			s.agree()
		})
	}
}
