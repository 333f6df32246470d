package dispute_test

import (
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/payment"
)

// alter changes an object behind the back of those who look after it.
func alter[T any, N comparable](s *shop, k *object.Kind[T, N], key int64, change func(*T)) {
	s.t.Helper()
	s.damaged = true
	err := s.DB.Run(s.ctx, db.Step{Name: "damage", Scope: s.scope.Key(), Do: func(tx *db.Tx) error {
		o, _, err := k.Get(tx, s.scope, key)
		if err != nil {
			return err
		}
		change(&o.Body)
		return k.Update(tx, o)
	}})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	for name, c := range map[string]struct {
		check  string
		damage func(s *shop, d, ch, w int64)
	}{
		"a dispute that took nothing": {"disputes", func(s *shop, d, _, _ int64) {
			alter(s, dispute.Disputes, d, func(b *dispute.Dispute) { b.Transactions = nil })
		}},
		"a dispute that is won and took": {"disputes", func(s *shop, d, _, _ int64) {
			alter(s, dispute.Disputes, d, func(b *dispute.Dispute) { b.Status = dispute.Won })
		}},
		"another amount": {"disputes", func(s *shop, d, _, _ int64) { alter(s, dispute.Disputes, d, func(b *dispute.Dispute) { b.Amount++ }) }},
		"a transaction that is not there": {"disputes", func(s *shop, d, _, _ int64) {
			alter(s, dispute.Disputes, d, func(b *dispute.Dispute) { b.Transactions = []int64{b.Transactions[0] + 1} })
		}},
		"an answer that nobody gives": {"disputes", func(s *shop, d, _, _ int64) { alter(s, dispute.Disputes, d, func(b *dispute.Dispute) { b.Answer = 7 }) }},
		"a charge that knows nothing": {"disputes", func(s *shop, _, ch, _ int64) {
			alter(s, payment.Charges, ch, func(b *payment.Charge) { b.Disputed = 0 })
		}},
		"a charge that knows of no dispute": {"disputes", func(s *shop, _, ch, _ int64) {
			alter(s, payment.Charges, ch, func(b *payment.Charge) { b.Complaints = nil })
		}},
		"a guard that leaves too much": {"guards", func(s *shop, d, ch, _ int64) {
			alter(s, payment.Charges, ch, func(b *payment.Charge) { b.Disputed = 1 })
		}},
		"a warning that is out of date": {"disputes", func(s *shop, _, _, w int64) {
			alter(s, dispute.Warnings, w, func(b *dispute.Warning) { b.Actionable = true })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.disputing(dispute.NeedsResponse)
			ch := s.pay(amount)
			s.network.Tell(s.warning(ch))
			s.listen()
			if found := s.findings(); len(found) > 0 {
				t.Fatal(found)
			}
			c.damage(s, s.one(ch).Key, ch.Key, s.charge(ch.Key).Body.Warned)
			for _, f := range s.findings() {
				if f.Check == c.check {
					return
				}
			}
			t.Errorf("nothing of %q is found: %v", c.check, s.findings())
		})
	}
}

func TestCheckFindsARefundThatCameBackWithoutItsMoney(t *testing.T) {
	s := open(t)
	ch := s.pay(amount)
	r, err := s.refund(ch, 6000)
	if err != nil {
		t.Fatal(err)
	}
	alter(s, payment.Refunds, r.Key, func(b *payment.Refund) { b.FailureTransaction = b.BalanceTransaction })
	if found := s.findings(); len(found) < 2 {
		t.Errorf("%v", found)
	}
}
