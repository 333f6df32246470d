package job

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Options are what [New] may be told.
type Options struct {
	// Seed decides the jitter of back-offs.
	Seed int64
	// Parallel is how many handlers run at once; default 16.
	Parallel int
	// Poll is the longest that a job enqueued by another process, or one whose
	// owner died, waits beyond its time; default, and what several processes on
	// one database need, 500 ms. What this process enqueues is seen at once.
	Poll   time.Duration
	Logger *slog.Logger // default: slog.Default
}

const (
	defaultParallel = 16
	defaultPoll     = 500 * time.Millisecond
	// stopGrace is how long [Runner.Stop] waits for handlers after it has ended
	// their contexts.
	stopGrace = time.Second
)

// Runner runs due jobs and schedules. Register kinds and schedules first, then
// Start it, once.
type Runner struct {
	db      *db.DB
	clock   clock.Clock
	log     *slog.Logger
	options Options
	kinds   []*Kind // in the order of registration
	every   []*schedule

	mu   sync.Mutex
	busy map[*Kind]int // how many of a kind are running
	used int           // how many are running
	full bool          // a kind had no room for all that may be due: look again when a handler ends

	wake    chan struct{} // something may be due
	planned atomic.Int64  // when the next look is planned, in microseconds; 0 while looking
	turn    int           // which kind is claimed first

	quit     context.CancelFunc // no further claims and runs
	handlers context.Context    // ends when handlers must end
	abandon  context.CancelFunc
	unwatch  func()
	looping  sync.WaitGroup
	running  sync.WaitGroup
}

// New makes a runner of the jobs in d. It waits on the clock of d.
func New(d *db.DB, o Options) *Runner {
	if o.Parallel == 0 {
		o.Parallel = defaultParallel
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Runner{db: d, clock: d.Clock(), log: o.Logger, options: o, busy: map[*Kind]int{}, wake: make(chan struct{}, 1)}
}

// Register adds kinds of work. Jobs of other kinds are left to other runners. A
// kind that can't work, or is there already, is a mistake in the program: it
// panics.
func (r *Runner) Register(kinds ...Kind) {
	for _, k := range kinds {
		k = k.withDefaults(r.options.Parallel)
		if r.kind(k.Name) != nil {
			panic("job: kind " + k.Name + " is registered twice")
		}
		r.kinds = append(r.kinds, &k)
	}
}

func (r *Runner) kind(name string) *Kind {
	for _, k := range r.kinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Start begins to claim jobs and to run schedules.
func (r *Runner) Start() {
	ctx, quit := context.WithCancel(context.Background())
	r.quit = quit
	r.handlers, r.abandon = context.WithCancel(context.Background())
	r.unwatch = jobs.Watch(r.db, r.notice)
	r.looping.Go(func() { r.loop(ctx) })
	for _, s := range r.every {
		r.looping.Go(func() { r.repeat(ctx, s) })
	}
}

// Stop claims no further jobs and waits for the handlers that are running.
// When ctx ends before they do, their contexts end; what then returns an error
// stays claimed, and its lease ends for others. Stop tells so by ctx's error,
// and returns soon after whether or not the handlers have.
func (r *Runner) Stop(ctx context.Context) error {
	r.quit()
	r.unwatch()
	defer r.abandon()
	ended := make(chan struct{})
	go func() {
		r.looping.Wait() // it is the loop that starts handlers
		r.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	r.abandon()
	grace, cancel := context.WithCancel(context.Background())
	defer cancel()
	late := make(chan struct{})
	go func() {
		defer close(late)
		_ = r.clock.Sleep(grace, stopGrace)
	}()
	select {
	case <-ended:
		return ctx.Err()
	case <-late:
		return fmt.Errorf("job: handlers that ignore their context are still running: %w", ctx.Err())
	}
}

// notice is told of each row that this process writes.
func (r *Runner) notice(_ db.Key, w row) {
	if w.State == Waiting && w.Due.UnixMicro() < r.planned.Load() {
		r.nudge()
	}
}

func (r *Runner) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// loop claims what is due and sleeps until more is.
func (r *Runner) loop(ctx context.Context) {
	for ctx.Err() == nil {
		r.planned.Store(math.MaxInt64) // whatever is written from now on is worth another look
		pause, err := r.look(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Error("jobs can't be claimed", "error", err)
		}
		if pause > 0 {
			r.planned.Store(r.clock.Now().Add(pause).UnixMicro())
			r.nap(ctx, pause)
		}
	}
}

// nap waits for d, or until something wakes the runner.
func (r *Runner) nap(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	slept := make(chan struct{})
	go func() {
		defer close(slept)
		_ = r.clock.Sleep(ctx, d)
	}()
	select {
	case <-r.wake:
	case <-slept:
	}
	cancel()
	<-slept
	select {
	case <-r.wake: // both, of which either may have been seen first
	default:
	}
}
