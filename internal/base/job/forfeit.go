package job

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

type held struct {
	key   db.Key
	owner int64
}

// qHeld looks over all scopes, as qDue does.
var qHeld = db.NewQuery("jobs under a lease", "SELECT scope, key, owner FROM job WHERE due > 0 AND due > ? AND owner <> 0", func(h *held, f *db.Fields) {
	db.Int(f, &h.key.Scope)
	db.Int(f, &h.key.ID)
	db.Int(f, &h.owner)
})

// Forfeit ends the leases of owners that are gone, so that other runners claim
// their jobs now, and tells how many it ended. A handler that runs on
// nevertheless is refused as one whose lease has ended.
func Forfeit(ctx context.Context, d *db.DB, gone func(owner int64) bool) (n int, err error) {
	list, err := qHeld.All(ctx, d, d.Clock().Now().UnixMicro())
	if err != nil {
		return 0, err
	}
	for _, h := range list {
		if !gone(h.owner) {
			continue
		}
		ended := false
		err := d.Run(ctx, db.Step{Name: "job.forfeit", Scope: h.key.Scope, Needs: []db.Need{jobs.Need(h.key)}, Do: func(tx *db.Tx) error {
			w, ok, err := jobs.Get(tx, h.key)
			if ended = err == nil && ok && w.State == Running && w.Owner == h.owner && w.Due.After(tx.Now()); ended {
				w.Due = tx.Now().Add(-time.Microsecond)
				jobs.Update(tx, h.key, w)
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
