package payment_test

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestContestedReplay: an approved operation whose answer was lost, and which
// the provider declines when it is sent again, is not called declined: it is
// undone.
func TestContestedReplay(t *testing.T) {
	for _, op := range operations {
		if op.name == "void" {
			continue // may be said twice to every provider
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, noInquiry)
			i := op.ready(s)
			s.inject(sandbox.Fault{Mode: sandbox.Contradict, Kind: op.kind})
			if r, err := op.do(s, i, key("k")); err != nil || r.Error != nil {
				t.Fatal(r, err)
			}
			s.clock.Advance(15 * time.Second)
			s.sweep()
			if a := s.last(int64(i)).Body; !a.Open() || !a.Contested {
				t.Errorf("after it was sent again: %s, contested %t", a.State, a.Contested)
			}
			s.clock.Advance(15 * time.Second)
			s.sweep()
			if a := s.last(int64(i)).Body; a.State != payment.Reversed {
				t.Errorf("after it was undone: %s", a.State)
			}
			s.agree()
		})
	}
}
