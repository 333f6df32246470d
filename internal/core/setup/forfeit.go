package setup

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
)

// Forfeit ends the leases of those who were at attempts and are gone, so that the
// next sweep goes on, and tells how many it ended. Whoever seemed gone and sends
// does so under the same reference.
func (v *Service) Forfeit(ctx context.Context, gone func(owner int64) bool) (int, error) {
	return payment.EndLeases(ctx, v.DB, "setup.forfeit", qHeld, Attempts, gone, func(a *Attempt) (payment.Lease, *time.Time) { return a.Lease, &a.Due })
}
