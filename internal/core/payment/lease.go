package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
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
