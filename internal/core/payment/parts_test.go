package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

func (s *shop) chargeOf(i *object.Object[payment.Intent]) payment.Charge {
	s.t.Helper()
	ch, ok, err := payment.Charges.Read(context.Background(), s.DB, s.scope, int64(i.Body.LatestCharge))
	if err != nil || !ok {
		s.t.Fatal(ok, err)
	}
	return ch.Body
}

func (s *shop) guard(subject int64, kind ledger.GuardKind) ledger.Guard {
	s.t.Helper()
	g, _, err := ledger.ReadGuard(context.Background(), s.DB, s.scope, subject, kind)
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

// refusedAs checks a refusal that leaves everything as it was.
func (s *shop) refusedAs(code, param string, r *idem.Reply, err error) {
	s.t.Helper()
	if err != nil || r.Error == nil || r.Error.Code != code || r.Error.Param != param {
		s.t.Errorf("want %s %s, have %+v %v", code, param, r, err)
	}
}

func TestCapturesInParts(t *testing.T) {
	s := open(t)
	i := s.generous(5000)
	k := payment.IntentID(i.Key)
	for n, part := range []payment.CaptureParams{{Amount: 1000, More: true}, {Amount: 1500, More: true}} {
		r, err := s.Capture(t.Context(), s.scope, k, part, nil)
		if err != nil || r.Error != nil {
			t.Fatal(n, r, err)
		}
	}
	now := s.intent(i.Key)
	if b := now.Body; b.Status != payment.RequiresCapture || b.Received != 2500 || b.Capturable != 2500 {
		t.Errorf("%+v", b)
	}
	if c := s.chargeOf(now); c.Captured != 2500 || len(c.Captures) != 2 || c.BalanceTransaction != c.Captures[0].BalanceTransaction {
		t.Errorf("%+v", c)
	}
	s.agree()
	s.inOrder()
	// What is captured can be refunded, and no more.
	r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: k, Amount: 2501}, nil)
	s.refusedAs("", "amount", r, err)
	if r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: k, Amount: 2500}, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	// 3500 are left: 2500, and a fifth of the whole beyond it.
	r, err = s.Capture(t.Context(), s.scope, k, payment.CaptureParams{Amount: 3501}, nil)
	s.refusedAs("amount_too_large", "amount_to_capture", r, err)
	if r, err := s.Capture(t.Context(), s.scope, k, payment.CaptureParams{Amount: 3500}, nil); err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	done := s.intent(i.Key)
	if b := done.Body; b.Status != payment.Succeeded || b.Received != 6000 || b.Capturable != 0 {
		t.Errorf("%+v", b)
	}
	if g := s.guard(int64(done.Body.LatestCharge), ledger.GuardCapture); g != (ledger.Guard{Ceiling: 6000, Done: 6000}) {
		t.Errorf("%+v", g)
	}
	if g := s.guard(int64(done.Body.LatestCharge), ledger.GuardRefund); g != (ledger.Guard{Ceiling: 6000, Done: 2500}) {
		t.Errorf("%+v", g)
	}
	s.agree()
}

// What was not asked for is not allowed, whatever the provider would do.
func TestPlainAuthorisationIsCapturedOnce(t *testing.T) {
	s := open(t, func(p *provider.Provider) {
		authorize := p.Authorize
		p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
			o := authorize(ctx, r)
			o.Granted = &provider.Granted{Amount: r.Amount.Minor(), MaxCapture: 2 * r.Amount.Minor(), Multicapture: true, Increment: true}
			return o
		}
	})
	i := payment.IntentID(intentOf(t, s.pay(5000, "manual", "pm_card_visa", nil)).Key)
	r, err := s.Capture(t.Context(), s.scope, i, payment.CaptureParams{Amount: 1000, More: true}, nil)
	s.refusedAs("", "final_capture", r, err)
	r, err = s.Capture(t.Context(), s.scope, i, payment.CaptureParams{Amount: 5001}, nil)
	s.refusedAs("amount_too_large", "amount_to_capture", r, err)
	r, err = s.Increment(t.Context(), s.scope, i, payment.IncrementParams{Amount: 6000}, nil)
	s.refusedAs("payment_intent_invalid_parameter", "", r, err)
}

func TestIncrement(t *testing.T) {
	s := open(t)
	i := s.generous(5000)
	k := payment.IntentID(i.Key)
	r, err := s.Increment(t.Context(), s.scope, k, payment.IncrementParams{Amount: 5000}, nil)
	s.refusedAs("payment_intent_invalid_parameter", "amount", r, err)
	// The issuer declines it: nothing has changed.
	r, err = s.Increment(t.Context(), s.scope, k, payment.IncrementParams{Amount: 5051}, nil)
	s.refusedAs("card_declined", "", r, err)
	if b := s.intent(i.Key).Body; b.Amount != 5000 || b.Capturable != 5000 || b.Attempt != 0 || b.Status != payment.RequiresCapture {
		t.Errorf("%+v", b)
	}
	if g := s.guard(i.Key, ledger.GuardAuthorize); g != (ledger.Guard{Ceiling: 5000, Done: 5000}) {
		t.Errorf("%+v", g)
	}
	if r, err := s.Increment(t.Context(), s.scope, k, payment.IncrementParams{Amount: 8000}, nil); err != nil || r.Error != nil || intentOf(t, r).Body.Amount != 8000 {
		t.Fatal(r, err)
	}
	if g := s.guard(i.Key, ledger.GuardAuthorize); g != (ledger.Guard{Ceiling: 8000, Done: 8000}) {
		t.Errorf("%+v", g)
	}
	if c := s.chargeOf(s.intent(i.Key)); c.Amount != 8000 || c.MaxCapture != 9600 {
		t.Errorf("%+v", c)
	}
	s.agree()
	for n := range 10 {
		r, err := s.Increment(t.Context(), s.scope, k, payment.IncrementParams{Amount: 9000 + int64(n)}, nil)
		if tried := n + 3; err != nil || (r.Error != nil) != (tried > 10) {
			t.Errorf("try %d: %+v %v", tried, r.Error, err)
		}
	}
	if r, err := s.Capture(t.Context(), s.scope, k, payment.CaptureParams{}, nil); err != nil || r.Error != nil || intentOf(t, r).Body.Received != 9007 {
		t.Fatal(r, err)
	}
	s.agree()
}

// An authorisation that was captured in part can be canceled or lapse: what was
// captured stays.
func TestRestIsReleased(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(*shop, payment.IntentID) error
		status payment.Status
		last   string
	}{
		"canceled": {func(s *shop, i payment.IntentID) error {
			_, err := cancelIt(s, i, nil)
			return err
		}, payment.Canceled, "payment_intent.canceled"},
		"expired": {func(s *shop, i payment.IntentID) error {
			return s.Expire(context.Background(), s.scope, i, s.clock.Now().Add(31*24*time.Hour))
		}, payment.Succeeded, "payment_intent.succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			i := s.generous(5000)
			if r, err := capturePart(s, payment.IntentID(i.Key), nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			if err := s.Expire(t.Context(), s.scope, payment.IntentID(i.Key), s.clock.Now().Add(29*24*time.Hour)); err != nil || s.intent(i.Key).Body.Status != payment.RequiresCapture {
				t.Error("an extended authorisation expired early", err)
			}
			if err := c.end(s, payment.IntentID(i.Key)); err != nil {
				t.Fatal(err)
			}
			b := s.intent(i.Key).Body
			if types := s.types(i.Key); b.Status != c.status || b.Received != 2000 || b.Capturable != 0 || types[len(types)-1] != c.last {
				t.Errorf("%+v %v", b, types)
			}
			if n, sum := s.approved(sandbox.Reversal); n != 1 || sum != 3000 {
				t.Errorf("%d reversals of %d", n, sum)
			}
			if err := c.end(s, payment.IntentID(i.Key)); err != nil {
				t.Error("again:", err)
			}
			// The simulator lets all of a reversed authorisation go, and what was
			// captured stays.
			taken, _ := s.truth()
			if diff := cmp.Diff(map[string]int64{"usd": 2000}, taken); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A provider that approves less than was asked for is believed: no more is
// captured than it approved, and no more is booked.
func TestApprovedInPart(t *testing.T) {
	for _, capture := range []string{"manual", "automatic"} {
		t.Run(capture, func(t *testing.T) {
			s := open(t, func(p *provider.Provider) {
				authorize := p.Authorize
				p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
					r.Features.Partial = true
					return authorize(ctx, r)
				}
			})
			i := intentOf(t, s.pay(5077, capture, "pm_card_visa", nil))
			if g := s.guard(i.Key, ledger.GuardAuthorize); g != (ledger.Guard{Ceiling: 5077, Done: 2538}) {
				t.Errorf("%+v", g)
			}
			if c := s.chargeOf(i); c.Amount != 2538 {
				t.Errorf("%+v", c)
			}
			if capture == "manual" {
				r, err := s.Capture(t.Context(), s.scope, payment.IntentID(i.Key), payment.CaptureParams{Amount: 2539}, nil)
				s.refusedAs("amount_too_large", "amount_to_capture", r, err)
				if r, err := s.Capture(t.Context(), s.scope, payment.IntentID(i.Key), payment.CaptureParams{}, nil); err != nil || r.Error != nil {
					t.Fatal(r, err)
				}
			}
			if b := s.intent(i.Key).Body; b.Status != payment.Succeeded || b.Received != 2538 {
				t.Errorf("%+v", b)
			}
			if r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: payment.IntentID(i.Key)}, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			if n, sum := s.approved(sandbox.Refund); n != 1 || sum != 2538 {
				t.Errorf("%d refunds of %d", n, sum)
			}
		})
	}
}

func TestCaptureCharge(t *testing.T) {
	s := open(t)
	i := intentOf(t, s.pay(5000, "manual", "pm_card_visa", nil))
	ch := i.Body.LatestCharge
	r, err := s.CaptureCharge(t.Context(), s.scope, ch, payment.CaptureParams{Amount: 5001}, nil)
	s.refusedAs("amount_too_large", "amount", r, err)
	r, err = s.CaptureCharge(t.Context(), s.scope, ch, payment.CaptureParams{Amount: 3000, Changes: payment.Changes{DescriptorSuffix: new("LAMPS")}}, key("k"))
	if err != nil || r.Error != nil {
		t.Fatal(r, err)
	}
	if c := r.Main.(*object.Object[payment.Charge]).Body; c.Captured != 3000 || c.Statement != "LAMPS" {
		t.Errorf("%+v", c)
	}
	again, err := s.CaptureCharge(t.Context(), s.scope, ch, payment.CaptureParams{Amount: 3000, Changes: payment.Changes{DescriptorSuffix: new("LAMPS")}}, key("k"))
	if err != nil || !again.Replayed || again.Kind != payment.Charges.Name {
		t.Errorf("%+v %v", again, err)
	}
	r, err = s.CaptureCharge(t.Context(), s.scope, ch, payment.CaptureParams{}, nil)
	s.refusedAs("charge_already_captured", "", r, err)
	void := intentOf(t, s.pay(5000, "manual", "pm_card_visa", nil))
	if _, err := cancelIt(s, payment.IntentID(void.Key), nil); err != nil {
		t.Fatal(err)
	}
	r, err = s.CaptureCharge(t.Context(), s.scope, void.Body.LatestCharge, payment.CaptureParams{}, nil)
	s.refusedAs("charge_expired_for_capture", "", r, err)
}
