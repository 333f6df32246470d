package payout

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// Forfeit ends the leases of those who were sending payouts or asking about them,
// and are gone, so that the next sweep finds out what became of them, and tells
// how many it ended. That the bank knows nothing of a payout counts no sooner for
// it: whoever seemed gone may be sending.
func (v *Service) Forfeit(ctx context.Context, gone func(owner int64) bool) (n int, err error) {
	list, err := qHeld.All(ctx, v.DB, v.clock().Now().UnixMicro())
	if err != nil {
		return 0, err
	}
	for _, h := range list {
		if !gone(h.Owner) {
			continue
		}
		s, ended := id.ScopeOf(h.Scope), false
		err := v.DB.Run(ctx, db.Step{Name: "payout.forfeit", Scope: h.Scope, Needs: []db.Need{Attempts.Need(s, h.Key)}, Do: func(tx *db.Tx) error {
			a, err := get(tx, Attempts, s, h.Key)
			// One that was taken up since is another's.
			if ended = err == nil && a.Body.Lease.By(a.Body.Due) == h.Owner && a.Body.Due.After(tx.Now()); !ended {
				return err
			}
			a.Body.Due = tx.Now()
			return Attempts.Update(tx, a)
		}})
		if err != nil {
			return n, err
		}
		if ended {
			n++
		}
	}
	return n, nil
}
