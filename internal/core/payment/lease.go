package payment

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Lease says who is at an attempt: it is that process's until the time at which
// the attempt is due. An attempt that is due at another time is nobody's.
type Lease struct {
	Owner int64     `json:"owner,omitempty"` // a key that the process made
	Until time.Time `json:"until,omitzero"`
}

// NewLease is this process's.
func NewLease(tx *db.Tx, until time.Time) Lease { return Lease{tx.NewKey(), until} }

// By gives the owner of an attempt that is due at a time; zero: it has none.
func (l Lease) By(due time.Time) int64 {
	if due.IsZero() || !l.Until.Equal(due) {
		return 0
	}
	return l.Owner
}

// EndLeases ends the leases of those who are gone on objects that list finds, each
// in a step of that name, and tells how many it ended. of gives an object's lease,
// and when it is due.
func EndLeases[T any, N comparable](ctx context.Context, d *db.DB, step string, list *db.Query[Held], k *object.Kind[T, N],
	gone func(owner int64) bool, of func(*T) (Lease, *time.Time)) (n int, err error) {
	held, err := list.All(ctx, d, d.Clock().Now().UnixMicro())
	if err != nil {
		return 0, err
	}
	for _, h := range held {
		if !gone(h.Owner) {
			continue
		}
		s, ended := id.ScopeOf(h.Scope), false
		err := d.Run(ctx, db.Step{Name: step, Scope: h.Scope, Needs: []db.Need{k.Need(s, h.Key)}, Do: func(tx *db.Tx) error {
			ended = false
			a, err := get(tx, k, s, h.Key)
			if err != nil {
				return err
			}
			lease, due := of(&a.Body)
			if lease.By(*due) != h.Owner || !due.After(tx.Now()) {
				return nil // it was taken up since, and is another's
			}
			ended, *due = true, tx.Now()
			return k.Update(tx, a)
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
