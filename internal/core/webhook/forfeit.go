package webhook

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// Forfeit ends the turns of processes that are gone, so that others serve their
// endpoints now, and tells how many it ended. What such a process has sent and
// could not record is sent again, as after any crash.
func (v *Service) Forfeit(ctx context.Context, gone func(owner int64) bool) (n int, err error) {
	list, err := qServed.All(ctx, v.DB, v.DB.Clock().Now().UnixMicro())
	if err != nil {
		return 0, err
	}
	for _, s := range list {
		if !gone(s.owner) {
			continue
		}
		at, ended := db.Key{Scope: s.Scope, ID: s.Endpoint}, false
		err := v.DB.Run(ctx, db.Step{Name: "webhook.forfeit", Scope: at.Scope, Needs: []db.Need{queues.Need(at)}, Do: func(tx *db.Tx) error {
			q, ok, err := queues.Get(tx, at)
			if ended = err == nil && ok && q.Owner == s.owner && q.Due.After(tx.Now()); ended {
				q.Due = tx.Now().Add(-time.Microsecond)
				queues.Update(tx, at, q)
			}
			return err
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
