package timeline

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// AdvanceJob and DeleteJob are the kinds of the jobs that [Service.Move] and
// [Service.Clear] handle.
const (
	AdvanceJob = "test_clock.advance"
	DeleteJob  = "test_clock.delete"
)

// moved is the payload of both.
type moved struct {
	Clock int64 `json:"clock"`
}

const (
	// turn is how long one run of the job stays at a clock that waits for others.
	turn = 20 * time.Second
	// pause is between two looks at whether released work is done.
	pause = 5 * time.Millisecond
	// together is the most jobs of one second that are released at once.
	together = 500
)

// Move takes a clock to its target, second by second of those in which there is
// work. It goes on where a run that died has stopped: all it knows is in the
// clock and in the jobs.
func (v *Service) Move(ctx context.Context, j job.Job) error {
	var p moved
	if err := j.Payload(&p); err != nil {
		return err
	}
	clock := v.DB.Clock()
	for since := clock.Now(); clock.Now().Sub(since) < turn; {
		there, err := v.hop(ctx, j, p.Clock)
		if there || err != nil {
			return err
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "timeline.again", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error {
		return job.Again(tx, j, tx.Now())
	}})
}

// hop does the next thing there is to do, and reports whether it was the last.
func (v *Service) hop(ctx context.Context, j job.Job, clock int64) (there bool, err error) {
	standing, err := job.OfLine(ctx, v.DB, j.Scope, clock, together)
	if err != nil {
		return false, err
	}
	for _, s := range standing {
		if !s.Parked {
			return false, v.DB.Clock().Sleep(ctx, pause)
		}
	}
	needs := append([]db.Need{j.Need(), Clocks.Need(j.Scope, clock), event.Lane(j.Scope, clock)}, job.ReleaseNeeds(j.Scope, keysOf(standing))...)
	err = v.DB.Run(ctx, db.Step{Name: "timeline.move", Scope: j.Scope.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		o, ok, err := Clocks.Get(tx, j.Scope, clock)
		if err != nil {
			return err
		}
		if !ok || !o.Body.Advancing() {
			there = true
			return job.Done(tx, j)
		}
		due := dueTogether(standing, o.Body.Target)
		if there = len(due) == 0; there {
			return v.arrive(tx, j, o)
		}
		return release(tx, j.Scope, o, due)
	}})
	return there, err
}

func keysOf(standing []job.Standing) (keys []int64) {
	for _, s := range standing {
		keys = append(keys, s.Key)
	}
	return keys
}

// dueTogether are the first of the jobs, and those of the same second, up to a
// time. Within a second, which is as exact as the API's times are, there is no
// order.
func dueTogether(standing []job.Standing, to time.Time) (due []job.Standing) {
	for _, s := range standing {
		if s.At.After(to) || s.At.Unix() != standing[0].At.Unix() && !probe.Mutant("timeline.all-at-once") {
			break
		}
		due = append(due, s)
	}
	return due
}

// release moves the clock to the second of the jobs and hands them over.
func release(tx *db.Tx, s id.Scope, o *object.Object[Clock], due []job.Standing) error {
	if at := due[0].At.Truncate(time.Second); at.After(o.Body.Frozen) {
		o.Body.Frozen = at
		if err := Clocks.Update(tx, o); err != nil {
			return err
		}
	}
	return job.Release(tx, s, keysOf(due))
}

func (v *Service) arrive(tx *db.Tx, j job.Job, o *object.Object[Clock]) error {
	o.Body.Frozen, o.Body.Target = o.Body.Target, time.Time{}
	if err := Clocks.Update(tx, o); err != nil {
		return err
	}
	if err := tell(tx, o, "test_helpers.test_clock.ready", event.Request{}); err != nil {
		return err
	}
	return job.Done(tx, j)
}

// Clear deletes what belongs to a clock that was deleted, and the work that was
// planned on its line.
func (v *Service) Clear(ctx context.Context, j job.Job) error {
	var p moved
	if err := j.Payload(&p); err != nil {
		return err
	}
	if err := v.Belongings.DeleteOf(ctx, j.Scope, p.Clock); err != nil {
		return err
	}
	for {
		standing, err := job.OfLine(ctx, v.DB, j.Scope, p.Clock, together)
		if err != nil || len(standing) == 0 {
			return err
		}
		err = v.DB.Run(ctx, db.Step{Name: "timeline.clear", Scope: j.Scope.Key(), Needs: job.ReleaseNeeds(j.Scope, keysOf(standing)), Do: func(tx *db.Tx) error {
			for _, s := range standing {
				if _, err := job.Remove(tx, j.Scope, s.Key); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			return err
		}
	}
}
