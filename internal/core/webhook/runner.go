package webhook

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
)

const (
	// linger is how long an endpoint stays claimed with nothing to do, so that
	// not each event costs a claim.
	linger = time.Second
	// maxServed is how many endpoints one process serves at once.
	maxServed = 256
)

// Runner serves endpoints in one process, beside others.
type Runner struct {
	v      *Service
	quit   context.CancelFunc
	fresh  chan struct{} // events may be there to spread
	ready  chan struct{} // endpoints may be there to serve
	mu     sync.Mutex
	turns  map[db.Key]*turn
	stops  []func()
	loops  sync.WaitGroup
	served sync.WaitGroup
}

// Start begins to serve.
func (v *Service) Start() *Runner {
	ctx, quit := context.WithCancel(context.Background())
	r := &Runner{v: v, quit: quit, fresh: make(chan struct{}, 1), ready: make(chan struct{}, 1), turns: map[db.Key]*turn{}}
	r.stops = []func(){
		event.Notice(v.DB, func() { nudge(r.fresh) }),
		queues.Watch(v.DB, r.marked),
	}
	r.loops.Go(func() { r.loop(ctx, r.fresh, "events can't be spread to webhook endpoints", r.spread) })
	r.loops.Go(func() { r.loop(ctx, r.ready, "webhook endpoints can't be served", r.claim) })
	return r
}

// Stop takes no further endpoints and waits until the requests that are under
// way have ended, or ctx does.
func (r *Runner) Stop(ctx context.Context) error {
	r.quit()
	for _, stop := range r.stops {
		stop()
	}
	ended := make(chan struct{})
	go func() {
		r.loops.Wait()
		r.served.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// marked is told of each queue's row that this process writes.
func (r *Runner) marked(at db.Key, q queue) {
	r.mu.Lock()
	t := r.turns[at]
	r.mu.Unlock()
	if t != nil {
		nudge(t.wake)
	}
	if q.Owner == 0 && !q.Due.IsZero() {
		nudge(r.ready)
	}
}

// loop runs f, again at once while it says so, and otherwise when it is woken or
// after poll.
func (r *Runner) loop(ctx context.Context, wake chan struct{}, problem string, f func(context.Context) (bool, error)) {
	for ctx.Err() == nil {
		again, err := f(ctx)
		if err != nil && ctx.Err() == nil {
			r.v.Log.Error(problem, "error", err)
		}
		if again && err == nil {
			continue
		}
		nap, cancel := context.WithCancel(ctx)
		slept := make(chan struct{})
		go func() {
			defer close(slept)
			_ = r.v.DB.Clock().Sleep(nap, poll)
		}()
		select {
		case <-wake:
		case <-slept:
		}
		cancel()
		<-slept
		select {
		case <-wake: // both, of which either may have been seen first
		default:
		}
	}
}

func (r *Runner) spread(ctx context.Context) (bool, error) {
	n, err := r.v.Spread(ctx)
	return n > 0, err
}

// full reports whether no further endpoint can be served.
func (r *Runner) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.turns) >= maxServed
}

func (r *Runner) claim(ctx context.Context) (bool, error) {
	r.mu.Lock()
	room := maxServed - len(r.turns)
	r.mu.Unlock()
	if room <= 0 {
		return false, nil
	}
	turns, err := r.v.claim(ctx, room)
	if err != nil {
		return false, err
	}
	for _, t := range turns {
		t.crowded = r.full
		r.mu.Lock()
		r.turns[t.at()] = t
		r.mu.Unlock()
		r.served.Go(func() {
			if err := t.serve(ctx, linger); err != nil && ctx.Err() == nil {
				r.v.Log.Error("a webhook endpoint can't be served", "scope", t.scope, "endpoint", Endpoints.ID(t.scope, t.endpoint), "error", err)
			}
			r.mu.Lock()
			crowded := len(r.turns) >= maxServed
			delete(r.turns, t.at())
			r.mu.Unlock()
			if crowded {
				nudge(r.ready) // there is room again
			}
		})
	}
	return len(turns) == room, nil
}

// Work spreads what is fresh and sends what is due, until there is nothing more
// to do now: for tests and for those who keep time themselves.
func (v *Service) Work(ctx context.Context) error {
	for {
		n, err := v.Spread(ctx)
		if err != nil {
			return err
		}
		turns, err := v.claim(ctx, maxServed)
		if err != nil {
			return err
		}
		var mu sync.Mutex
		var problems error
		var served sync.WaitGroup
		for _, t := range turns {
			served.Go(func() {
				if err := t.serve(ctx, 0); err != nil {
					mu.Lock()
					defer mu.Unlock()
					problems = errors.Join(problems, err)
				}
			})
		}
		served.Wait()
		if problems != nil || n == 0 && len(turns) == 0 {
			return problems
		}
	}
}
