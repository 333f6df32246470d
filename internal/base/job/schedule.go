package job

import (
	"context"
	"sync"
	"time"
)

// schedule is periodic work of this process.
type schedule struct {
	name     string
	interval time.Duration
	run      func(ctx context.Context) error

	mu    sync.Mutex
	stand Schedule // how it stands
}

// Schedule is how a schedule stands in this process.
type Schedule struct {
	Name     string        `json:"name"`
	Interval time.Duration `json:"interval_ns"`
	// Next is when it is due to run next; zero before [Runner.Start]. A run that
	// goes on puts the next one off, without moving this.
	Next    time.Time `json:"next,omitzero"`
	Running bool      `json:"running"`
	// Began is when the last run began and Took how long it took, the present
	// run left out; zero before the end of the first.
	Began time.Time     `json:"began,omitzero"`
	Took  time.Duration `json:"took_ns"`
	// Runs and Failures count since Start.
	Runs     int64 `json:"runs"`
	Failures int64 `json:"failures"`
	// Problem is the last error, for a person, and Failed when it came; empty
	// while there was none.
	Problem string    `json:"problem,omitempty"`
	Failed  time.Time `json:"failed,omitzero"`
}

// Lag is how long the next run is overdue at a time.
func (s *Schedule) Lag(now time.Time) time.Duration {
	if s.Next.IsZero() {
		return 0
	}
	return max(0, now.Sub(s.Next))
}

// Every has f run each time another interval has passed since Start, for work
// of which losing a run loses nothing. It is not durable, and every process
// does it. A run never overlaps with the one before: one that takes longer than
// the interval leaves out those that it has missed. An error, or a panic, is
// logged, and the next run comes in its time. The context ends when the runner
// is stopped and can't wait any longer.
func (r *Runner) Every(name string, interval time.Duration, f func(ctx context.Context) error) {
	if interval <= 0 {
		panic("job: the schedule " + name + " has no interval")
	}
	r.every = append(r.every, &schedule{name: name, interval: interval, run: f, stand: Schedule{Name: name, Interval: interval}})
}

// Schedules tells how each schedule stands, in the order of registration.
func (r *Runner) Schedules() []Schedule {
	list := make([]Schedule, len(r.every))
	for i, s := range r.every {
		s.mu.Lock()
		list[i] = s.stand
		s.mu.Unlock()
	}
	return list
}

func (r *Runner) repeat(ctx context.Context, s *schedule) {
	next := r.clock.Now().Add(s.interval)
	s.plan(next)
	for r.clock.Sleep(ctx, next.Sub(r.clock.Now())) == nil && ctx.Err() == nil {
		r.once(s, next)
		if late := r.clock.Now().Sub(next); late >= 0 {
			next = next.Add(s.interval * (late/s.interval + 1))
		}
		s.plan(next)
	}
}

// once is the run that was due at a time.
func (r *Runner) once(s *schedule, due time.Time) {
	began := r.clock.Now()
	s.begin(due)
	err := guard(func() error { return s.run(context.WithValue(r.handlers, workKey{}, s.name)) })
	s.end(began, r.clock.Now(), err)
	if err != nil {
		r.log.Error("schedule failed", "name", s.name, "error", err)
	}
}

func (s *schedule) plan(next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stand.Next = next
}

func (s *schedule) begin(due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stand.Running, s.stand.Next = true, due.Add(s.interval)
}

func (s *schedule) end(began, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stand.Running, s.stand.Began, s.stand.Took = false, began, now.Sub(began)
	s.stand.Runs++
	if err != nil {
		s.stand.Failures++
		s.stand.Failed, s.stand.Problem = now, readable(err.Error())
	}
}
