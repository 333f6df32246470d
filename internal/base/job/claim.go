package job

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/probe"
)

// look claims what is due, as far as there is room, starts its handlers, and
// tells how long nothing more will be due; zero: look again at once.
func (r *Runner) look(ctx context.Context) (pause time.Duration, err error) {
	now := r.clock.Now()
	soonest, err := r.soonest(ctx, 0)
	if err != nil {
		return r.options.Poll, err
	}
	if !soonest.After(now) {
		again, err := r.claimDue(ctx, now)
		if err != nil {
			return r.options.Poll, err
		}
		if again {
			return 0, nil
		}
		if soonest, err = r.soonest(ctx, now.UnixMicro()); err != nil {
			return r.options.Poll, err
		}
	}
	return min(r.options.Poll, soonest.Sub(now)), nil
}

// soonest is the first due time after one in microseconds; when there is
// none, it is out of sight.
func (r *Runner) soonest(ctx context.Context, after int64) (time.Time, error) {
	due, err := qSoonest.All(ctx, r.db, after)
	if err != nil || len(due) == 0 {
		return r.clock.Now().Add(24 * time.Hour), err
	}
	return time.UnixMicro(due[0]), nil
}

// claimDue claims due jobs of all kinds. It reports whether another look is
// worthwhile at once: other runners were quicker, and there is room left.
func (r *Runner) claimDue(ctx context.Context, now time.Time) (again bool, err error) {
	var list []db.Key
	r.turn++ // so that no kind always comes first where room is short
	limited := false
	for i := range r.kinds {
		k := r.kinds[(r.turn+i)%len(r.kinds)]
		room := r.room(k, len(list))
		var some []db.Key
		if room > 0 {
			if some, err = qDue.All(ctx, r.db, now.UnixMicro(), k.Name, int64(room)); err != nil {
				return false, err
			}
		}
		limited = limited || len(some) == room
		list = append(list, some...)
	}
	if limited {
		r.setFull()
	}
	if len(list) == 0 {
		return false, nil
	}
	claimed, err := r.claim(ctx, list)
	for _, j := range claimed {
		r.start(j)
	}
	return limited && len(claimed) < len(list), err
}

// claim takes the leases of those among the listed jobs that are still due, in
// one step. It gives their rows as they are now.
func (r *Runner) claim(ctx context.Context, list []db.Key) (claimed []Job, err error) {
	owner := r.db.IDs().Next()
	step := db.Step{Name: "job.claim", Scope: list[0].Scope}
	for _, at := range list {
		step.Needs = append(step.Needs, jobs.Need(at))
	}
	step.Do = func(tx *db.Tx) error {
		claimed = nil
		for _, at := range list {
			w, ok, err := jobs.Get(tx, at)
			if err != nil {
				return err
			}
			if !ok || w.State == Dead || w.Due.After(tx.Now()) && !probe.Mutant("job.lease-twice") {
				continue // another runner was quicker
			}
			k := r.kind(w.Kind)
			if k == nil {
				continue // removed and enqueued anew as another kind
			}
			if w.take(k, owner, tx.Now()) {
				claimed = append(claimed, w.job(at))
			}
			jobs.Update(tx, at, w)
		}
		return nil
	}
	if err := r.db.Run(ctx, step); err != nil {
		return nil, err
	}
	probe.Point("job.claimed")
	return claimed, nil
}

// take gives the job a lease, or ends it when its last try was lost with the
// process that was at it.
func (w *row) take(k *Kind, owner int64, now time.Time) bool {
	if w.Tries >= int64(k.MaxTries) {
		w.die(fmt.Sprintf("the lease of try %d ended without a result; before: %s", w.Tries, w.Problem))
		return false
	}
	w.State, w.Owner, w.Due = Running, owner, now.Add(k.Lease)
	w.Tries++
	return true
}

func (w *row) die(problem string) {
	w.State, w.Owner, w.Due, w.Problem = Dead, 0, time.Time{}, readable(problem)
}

// room is how many more jobs of a kind can be started when others are about to be.
func (r *Runner) room(k *Kind, others int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, min(k.Parallel-r.busy[k], r.options.Parallel-r.used-others))
}

func (r *Runner) setFull() {
	r.mu.Lock()
	r.full = true
	r.mu.Unlock()
}

// start runs a claimed job's handler beside the loop.
func (r *Runner) start(j Job) {
	k := r.kind(j.Kind)
	r.mu.Lock()
	r.used++
	r.busy[k]++
	r.mu.Unlock()
	r.running.Go(func() {
		defer r.release(k)
		r.work(k, j)
	})
}

func (r *Runner) release(k *Kind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used--
	r.busy[k]--
	if r.full {
		r.full = false
		r.nudge()
	}
}
