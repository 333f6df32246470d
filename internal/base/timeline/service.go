package timeline

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Belongings are what belongs to clocks; the vault's customers are.
type Belongings interface {
	// DeleteOf deletes what belongs to a clock, however often it is called.
	DeleteOf(ctx context.Context, s id.Scope, clock int64) error
	// Join has a customer live by a clock from now on, or refuses one that is not
	// there or lives by one already.
	Join(tx *db.Tx, s id.Scope, customer, clock int64, by event.Request) error
}

// Service keeps the clocks.
type Service struct {
	DB         *db.DB
	Keys       *idem.Keys
	Belongings Belongings
}

// Bounds of what a clock can show: the years that an API time can be in.
var (
	first = time.Unix(0, 0)
	last  = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Create makes a clock that shows a time, for a customer that there is, if one is
// named (not zero). What is planned for that customer already stays where it is.
// Live mode has no clocks.
func (v *Service) Create(ctx context.Context, s id.Scope, name string, at time.Time, customer int64, r *idem.Request) (*idem.Reply, error) {
	if s.Livemode {
		return nil, fault.New(fault.Invalid, "", "Test clocks are only available in test mode.")
	}
	if err := within(at); err != nil {
		return nil, err
	}
	key := v.DB.IDs().Next()
	return v.once(ctx, "timeline.create", s, key, r, func(tx *db.Tx) (*object.Object[Clock], error) {
		o, err := Clocks.Insert(tx, s, key, Clock{Name: name, Frozen: at})
		if err != nil {
			return nil, err
		}
		if customer != 0 {
			if err := v.Belongings.Join(tx, s, customer, key, by(r)); err != nil {
				return nil, err
			}
		}
		return o, tell(tx, o, "test_helpers.test_clock.created", by(r))
	})
}

func within(at time.Time) error {
	if at.Before(first) || at.After(last) {
		return fault.Param("frozen_time", "parameter_invalid_integer", "Invalid frozen_time: it must be a Unix timestamp, in seconds, before the year 2100.")
	}
	return nil
}

// Advance sends a clock on its way to a later time. It is there when its status
// is ready again.
func (v *Service) Advance(ctx context.Context, s id.Scope, key int64, to time.Time, r *idem.Request) (*idem.Reply, error) {
	if err := within(to); err != nil {
		return nil, err
	}
	return v.once(ctx, "timeline.advance", s, key, r, func(tx *db.Tx) (*object.Object[Clock], error) {
		o, err := v.ready(tx, s, key)
		if err != nil {
			return nil, err
		}
		if !to.After(o.Body.Frozen) {
			return nil, fault.Param("frozen_time", "", "A test clock can only be advanced to a later time than it shows, which is %d.", o.Body.Frozen.Unix())
		}
		o.Body.Target = to
		if err := Clocks.Update(tx, o); err != nil {
			return nil, err
		}
		if err := job.Enqueue(tx, s, tx.NewKey(), AdvanceJob, tx.Now(), moved{key}); err != nil {
			return nil, err
		}
		return o, tell(tx, o, "test_helpers.test_clock.advancing", by(r))
	})
}

// Delete ends a clock and has what belongs to it deleted.
func (v *Service) Delete(ctx context.Context, s id.Scope, key int64, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "timeline.delete", s, key, r, func(tx *db.Tx) (*object.Object[Clock], error) {
		o, err := v.ready(tx, s, key)
		if err != nil {
			return nil, err
		}
		o.Body.Deleted = true
		if err := Clocks.Update(tx, o); err != nil {
			return nil, err
		}
		if err := job.Enqueue(tx, s, tx.NewKey(), DeleteJob, tx.Now(), moved{key}); err != nil {
			return nil, err
		}
		return o, tell(tx, o, "test_helpers.test_clock.deleted", by(r))
	})
}

// ready gets a clock that stands still.
func (v *Service) ready(tx *db.Tx, s id.Scope, key int64) (*object.Object[Clock], error) {
	o, err := Find(tx, s, key, fault.NotFound)
	if err == nil && o.Body.Advancing() {
		err = fault.New(fault.Invalid, "", "The test clock %s is advancing. Wait until its status is ready.", Clocks.ID(s, key))
	}
	return o, err
}

// Find gets the clock that a request names, which must be there.
func Find(tx *db.Tx, s id.Scope, key int64, kind fault.Kind) (*object.Object[Clock], error) {
	o, ok, err := Clocks.Get(tx, s, key)
	if err == nil && (!ok || o.Body.Deleted) {
		err = fault.Missing(kind, "test_clock", "test clock", Clocks.ID(s, key))
	}
	return o, err
}

// once runs an operation on a clock whole, in one step.
func (v *Service) once(ctx context.Context, name string, s id.Scope, key int64, r *idem.Request, do func(*db.Tx) (*object.Object[Clock], error)) (reply *idem.Reply, err error) {
	needs := []db.Need{Clocks.Need(s, key), event.Lane(s, key), r.Ticket().Need(s)}
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) {
			o, err := do(tx)
			if err != nil {
				return nil, err
			}
			return &idem.Reply{Kind: Clocks.Name, Shown: []object.Ref{o.Ref()}, Main: o}, nil
		})
		return err
	}})
	return reply, err
}

func tell(tx *db.Tx, o *object.Object[Clock], typ string, r event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: o.Key, Type: typ,
		Kind: Clocks.Name, Object: o.Ref(), Request: r})
}

func by(r *idem.Request) event.Request {
	if r == nil {
		return event.Request{}
	}
	return event.Request{ID: r.ID, IdempotencyKey: r.Key}
}
