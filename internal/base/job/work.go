package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/probe"
)

type workKey struct{}

// Working names the job, by its kind and key, or the schedule that a context was
// made for; empty where there is none.
func Working(ctx context.Context) string {
	name, _ := ctx.Value(workKey{}).(string)
	return name
}

// errTimeout is why a handler's context ended that took too long.
var errTimeout = errors.New("job: the handler took longer than its kind allows")

// work runs the handler of a claimed job and records how it ended.
func (r *Runner) work(k *Kind, j Job) {
	err := r.handle(k, j)
	probe.Point("job.handled")
	if err != nil && r.handlers.Err() != nil {
		return // the runner was stopped: the lease ends for others
	}
	r.record(k, j, err)
}

// handle calls the handler under its timeout.
func (r *Runner) handle(k *Kind, j Job) error {
	ctx, cancel := context.WithCancelCause(context.WithValue(r.handlers, workKey{}, fmt.Sprintf("%s %d", k.Name, j.Key)))
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		if r.clock.Sleep(ctx, k.Timeout) == nil {
			cancel(errTimeout)
		}
	}()
	err := guard(func() error { return k.Handle(ctx, j) })
	cancel(nil)
	<-watching
	if err != nil && context.Cause(ctx) == errTimeout {
		err = fmt.Errorf("%w: %w", errTimeout, err)
	}
	return err
}

// guard turns a panic into an error.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// record writes the end of a run. While the database refuses, it repeats until
// the lease has ended; then the job runs again.
func (r *Runner) record(k *Kind, j Job, failure error) {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		var fate State
		err := r.db.Run(context.Background(), db.Step{Name: "job.record", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) (err error) {
			fate, err = r.end(tx, k, j, failure)
			return err
		}})
		switch {
		case err == nil:
			r.report(j, fate, failure)
			return
		case errors.Is(err, ErrLeaseLost):
			// A handler that called Done or Again, or one that took too long.
			if failure != nil {
				r.log.Warn("job failed after its lease was lost", "kind", j.Kind, "scope", j.Scope, "key", j.Key, "error", failure)
			}
			return
		}
		r.log.Error("the end of a job can't be recorded", "kind", j.Kind, "scope", j.Scope, "key", j.Key, "error", err)
		if r.clock.Now().Add(pause).After(j.Due) || r.clock.Sleep(r.handlers, pause) != nil {
			return
		}
	}
}

// end deletes a job that is done, and otherwise makes it wait for its next try
// or die.
func (r *Runner) end(tx *db.Tx, k *Kind, j Job, failure error) (State, error) {
	if failure == nil {
		return 0, Done(tx, j)
	}
	w, err := owned(tx, j)
	if err != nil {
		return 0, err
	}
	if j.Tries >= k.MaxTries {
		w.die(failure.Error())
	} else {
		w.State, w.Owner, w.Problem = Waiting, 0, readable(failure.Error())
		w.Due = tx.Now().Add(k.delay(r.options.Seed, j.Key, j.Tries))
	}
	jobs.Update(tx, j.at(), w)
	return w.State, nil
}

func (r *Runner) report(j Job, fate State, failure error) {
	switch fate {
	case Dead:
		r.log.Error("job is dead", "id", j.ID(), "kind", j.Kind, "scope", j.Scope, "key", j.Key, "tries", j.Tries, "error", failure)
	case Waiting:
		r.log.Warn("job failed and will be tried again", "kind", j.Kind, "scope", j.Scope, "key", j.Key, "try", j.Tries, "error", failure)
	}
}

// maxProblem is how many bytes of an error are kept with its job.
const maxProblem = 2000

// readable makes a text that any database takes of an error's.
func readable(problem string) string {
	if len(problem) > maxProblem {
		problem = problem[:maxProblem] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(problem, "\uFFFD"), "\x00", "\uFFFD")
}
