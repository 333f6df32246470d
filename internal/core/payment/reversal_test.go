package payment_test

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestReversal: a provider that can neither be asked nor recognises a reference
// has the operation undone.
func TestReversal(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, noInquiry, noReplay)
			i := op.ready(s)
			before := s.intent(int64(i)).Body.Status
			wasTaken, wasReserved := s.truth()
			s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: op.kind})
			first, err := op.do(s, i, key("k"))
			if err != nil || first.Error != nil {
				t.Fatal(first, err)
			}
			s.clock.Advance(15 * time.Second)
			s.sweep()
			a, b := s.last(int64(i)).Body, s.intent(int64(i)).Body
			taken, reserved := s.truth()
			if op.name == "void" {
				// Undoing is what it was about: it is said again.
				if a.State != payment.Approved || b.Status != payment.Canceled || reserved["usd"] != 0 {
					t.Errorf("the void is %s, its intent %s, %d are reserved", a.State, b.Status, reserved["usd"])
				}
				s.agree()
				return
			}
			if a.State != payment.Reversed || a.Note == "" || !a.Due.IsZero() {
				t.Errorf("%+v", a)
			}
			if before == payment.RequiresConfirmation {
				before = payment.RequiresPaymentMethod
			}
			if b.Status != before || b.Attempt != 0 {
				t.Errorf("the intent is %s, want %s", b.Status, before)
			}
			if taken["usd"] != wasTaken["usd"] || reserved["usd"] != wasReserved["usd"] {
				t.Errorf("the provider has taken %v and reserved %v, before %v and %v", taken, reserved, wasTaken, wasReserved)
			}
			s.agree()
			s.replays(op, i, key("k"), first)

			// And it can be done anew.
			if op.kind == sandbox.Authorize || op.kind == sandbox.Sale {
				_, err = s.Confirm(t.Context(), s.scope, i, payment.ConfirmParams{Method: "pm_card_visa"}, nil)
			} else {
				_, err = op.do(s, i, key("k2"))
			}
			if b := s.intent(int64(i)).Body; err != nil || b.Status != op.done {
				t.Errorf("done anew it is %s: %v", b.Status, err)
			}
			s.agree()
		})
	}
}

// TestReversalFindsNothing: not found counts when it is said twice, the second
// time a lease and a horizon later.
func TestReversalFindsNothing(t *testing.T) {
	for _, op := range operations {
		if op.name == "void" {
			continue // it finds what it voids
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, noInquiry, noReplay)
			i := op.ready(s)
			before := s.intent(int64(i)).Body.Status
			s.inject(sandbox.Fault{Mode: sandbox.Refused, Kind: op.kind})
			if r, err := op.do(s, i, nil); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			s.clock.Advance(15 * time.Second)
			s.sweep()
			s.clock.Advance(15 * time.Second)
			s.sweep()
			if a := s.last(int64(i)).Body; !a.Open() || a.Absent.IsZero() || a.Tries != 2 {
				t.Errorf("before the horizon: %+v", a)
			}
			s.clock.Advance(30 * time.Second)
			s.sweep()
			if before == payment.RequiresConfirmation {
				before = payment.RequiresPaymentMethod
			}
			if a, b := s.last(int64(i)).Body, s.intent(int64(i)).Body; a.State != payment.Failed || b.Status != before {
				t.Errorf("after the horizon the attempt is %s and the intent %s", a.State, b.Status)
			}
			s.agree()
			s.rest()
		})
	}
}
