package payout

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
)

// Forfeit ends the leases of those who were sending payouts or asking about them,
// and are gone, so that the next sweep finds out what became of them, and tells
// how many it ended. That the bank knows nothing of a payout counts no sooner for
// it: whoever seemed gone may be sending.
func (v *Service) Forfeit(ctx context.Context, gone func(owner int64) bool) (int, error) {
	return payment.EndLeases(ctx, v.DB, "payout.forfeit", qHeld, Attempts, gone, func(a *Attempt) (payment.Lease, *time.Time) { return a.Lease, &a.Due })
}
