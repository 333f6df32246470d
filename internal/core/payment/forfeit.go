package payment

import (
	"context"
	"time"
)

// Forfeit ends the leases of those who began attempts or were resolving them, and
// are gone, so that the next sweep finds out what became of them, and tells how
// many it ended. That the provider knows nothing of an attempt counts no sooner
// for it: whoever seemed gone may be sending.
func (v *Service) Forfeit(ctx context.Context, gone func(owner int64) bool) (int, error) {
	return EndLeases(ctx, v.DB, "payment.forfeit", qHeld, Attempts, gone, func(a *Attempt) (Lease, *time.Time) { return a.Lease, &a.Due })
}
