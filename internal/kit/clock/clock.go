// Package clock is the only place that asks the machine for the time.
//
// Everything else takes a [Clock] when it is made, so that tests, test clocks
// and the simulated world decide what time it is.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and waits. Waiting is for what may be lost when the
// process dies (deadlines, back-off, pollers); what must survive is a job.
type Clock interface {
	// Now is the present instant, in UTC.
	Now() time.Time
	// Sleep waits for d, or until ctx is done, whose error it then returns.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's clock. Under testing/synctest it is the bubble's.
type System struct{}

// Now implements [Clock].
func (System) Now() time.Time { return time.Now().UTC() }

// Sleep implements [Clock].
func (System) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Fixed stands still until it is told to move.
type Fixed struct {
	mu  sync.Mutex
	now time.Time
	// moved is closed and replaced at every move, to wake sleepers.
	moved chan struct{}
}

// At gives a clock that stands at t.
func At(t time.Time) *Fixed { return &Fixed{now: t.UTC(), moved: make(chan struct{})} }

// Now implements [Clock].
func (f *Fixed) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock forward by d and wakes the sleepers that are due.
func (f *Fixed) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	close(f.moved)
	f.moved = make(chan struct{})
}

// Sleep implements [Clock]: it returns when the clock has been moved by d.
func (f *Fixed) Sleep(ctx context.Context, d time.Duration) error {
	until := f.Now().Add(d)
	for {
		f.mu.Lock()
		due, moved := !f.now.Before(until), f.moved
		f.mu.Unlock()
		if due {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
