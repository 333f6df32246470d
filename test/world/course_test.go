package world

import (
	"context"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// course is the time of the world: that of the machine it runs on, and hours in
// which nobody does anything are passed over.
type course struct {
	clock.System
	mu     sync.Mutex
	passed time.Duration
	moved  chan struct{} // closed when time is passed over
}

func newCourse() *course { return &course{moved: make(chan struct{})} }

func (c *course) Now() time.Time {
	now, _ := c.look()
	return now
}

func (c *course) look() (now time.Time, moved chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.System.Now().Add(c.passed), c.moved
}

// Sleep implements [clock.Clock]. Whoever sleeps when time is passed over has slept
// so long.
func (c *course) Sleep(ctx context.Context, d time.Duration) error {
	now, moved := c.look()
	for end := now.Add(d); ; now, moved = c.look() {
		timer := time.NewTimer(end.Sub(now))
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-moved:
			timer.Stop()
		}
	}
}

// pass passes over so much time.
func (c *course) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
	close(c.moved)
	c.moved = make(chan struct{})
}
