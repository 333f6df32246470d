// Package timeline keeps test clocks: lines of time that are moved by hand.
//
// A clock shows a time that stands still until it is advanced. What belongs to
// one (a customer and all that is theirs) takes the clock's time for now, and
// plans its work on the clock's line ([Enqueue]). Advancing a clock runs that
// work in the order of its times: the clock is moved to the first time at which
// there is some, whatever is due in that second is handed to the runner of jobs,
// and when all of it is done the clock moves on. Work that plans more work on the
// way is therefore served in its place. A clock goes through:
//
//	ready      stands still; left by [Service.Advance] and [Service.Delete]
//	advancing  on its way to Target; left when it is there
//	deleted    gone, with all that belonged to it
package timeline

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Clock is the body of a test clock.
type Clock struct {
	Name   string    `json:"name,omitempty"`
	Frozen time.Time `json:"frozen"`          // what it shows, in whole seconds
	Target time.Time `json:"target,omitzero"` // where it is going to; zero while it is ready
	// Deleted clocks are shown no more; what they showed last stays true for what
	// still belongs to them.
	Deleted bool `json:"deleted,omitempty"`
}

// Advancing reports whether the clock is on its way.
func (c *Clock) Advancing() bool { return !c.Target.IsZero() }

type columns struct{ Deleted bool }

// Clocks are the test clocks.
var Clocks = object.Define(object.Spec[Clock, columns]{
	Name: "test_helpers.test_clock", Prefix: "clock", Schema: 1, Table: "test_clock", Columns: "deleted",
	Fields:  func(c *columns, f *db.Fields) { db.Bool(f, &c.Deleted) },
	Derive:  func(c *Clock) columns { return columns{c.Deleted} },
	Filters: []string{"deleted"},
})

// Lifetime is how long a clock stays from its creation on, in the system's time
// (https://docs.stripe.com/api/test_clocks/object).
const Lifetime = 30 * 24 * time.Hour

// Now is what time it is on a line; line 0 is the system's.
func Now(tx *db.Tx, s id.Scope, line int64) (time.Time, error) {
	if line == 0 {
		return tx.Now(), nil
	}
	c, ok, err := Clocks.Get(tx, s, line)
	if err != nil || !ok {
		return tx.Now(), err
	}
	return c.Body.Frozen, nil
}

// Enqueue plans work on a line: [job.EnqueueOn] with a key made for it.
func Enqueue(tx *db.Tx, s id.Scope, line int64, kind string, at time.Time, payload any) error {
	return job.EnqueueOn(tx, s, line, tx.NewKey(), kind, at, payload)
}
