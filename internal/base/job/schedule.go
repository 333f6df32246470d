package job

import (
	"context"
	"time"
)

// schedule is periodic work of this process.
type schedule struct {
	name     string
	interval time.Duration
	run      func(ctx context.Context) error
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
	r.every = append(r.every, schedule{name, interval, f})
}

func (r *Runner) repeat(ctx context.Context, s schedule) {
	next := r.clock.Now().Add(s.interval)
	for r.clock.Sleep(ctx, next.Sub(r.clock.Now())) == nil && ctx.Err() == nil {
		if err := guard(func() error { return s.run(r.handlers) }); err != nil {
			r.log.Error("schedule failed", "name", s.name, "error", err)
		}
		if late := r.clock.Now().Sub(next); late >= 0 {
			next = next.Add(s.interval * (late/s.interval + 1))
		}
	}
}
