package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// gate lets errands begin, one after the other: in a closed loop whenever a
// client is free, in an open one when the next is due. It ends a round: none
// begins once the time is over or the requests are used up.
//
// In an open loop errand number n is due n/rate seconds after the beginning,
// whatever became of those before it. One for which no client was free begins
// late, and its latency counts from the moment it was due: so a server that
// stalls shows in as many latencies as there would have been requests meanwhile.
type gate struct {
	clock clock.Clock
	begun time.Time
	end   time.Time    // zero: the requests that are left end the round
	left  atomic.Int64 // counts if end is zero
	rate  int64        // errands a second; zero: a closed loop

	turn   sync.Mutex // whoever has it waits for the next errand to be due
	passed atomic.Int64
}

// newGate opens a round of a duration, or of so many requests if that is zero.
func newGate(c Config, d time.Duration, requests int64) *gate {
	g := &gate{clock: c.Clock, begun: c.Clock.Now(), rate: int64(c.Rate)}
	g.left.Store(requests)
	if d > 0 {
		g.end = g.begun.Add(d)
	}
	if g.rate > 0 {
		g.clock = precise{c.Clock}
	}
	return g
}

// pass waits until an errand of so many requests may begin, and gives when it
// was due: in a closed loop, the zero time. It reports false when the round is
// over.
func (g *gate) pass(ctx context.Context, requests int) (due time.Time, ok bool) {
	switch {
	case g.rate > 0:
		return g.arrival(ctx)
	case g.end.IsZero():
		return due, g.left.Add(-int64(requests))+int64(requests) > 0
	}
	return due, g.clock.Now().Before(g.end)
}

// arrival waits for the next errand. What is due and has not begun at the end of
// the round is not begun any more: see [gate.behind].
func (g *gate) arrival(ctx context.Context) (due time.Time, ok bool) {
	g.turn.Lock()
	defer g.turn.Unlock()
	due = g.begun.Add(time.Duration(g.passed.Load() * int64(time.Second) / g.rate))
	if !due.Before(g.end) {
		return due, false
	}
	now := g.clock.Now()
	if now.Before(due) {
		if g.clock.Sleep(ctx, due.Sub(now)) != nil {
			return due, false
		}
	}
	if now = g.clock.Now(); !now.Before(g.end) {
		return due, false
	}
	g.passed.Add(1)
	return due, true
}

// due is how many errands were due before an instant.
func (g *gate) due(now time.Time) int64 {
	if g.rate == 0 {
		return g.passed.Load()
	}
	if now.After(g.end) {
		now = g.end
	}
	since := int64(now.Sub(g.begun))
	return (since*g.rate + int64(time.Second) - 1) / int64(time.Second)
}

// behind is how many errands are due at an instant and have not begun.
func (g *gate) behind(now time.Time) int64 { return max(0, g.due(now)-g.passed.Load()) }

// counted reports whether an answer that came now counts for the rate.
func (g *gate) counted(now time.Time) bool { return g.end.IsZero() || !now.After(g.end) }

// precise sleeps to within a fraction of a millisecond, where the runtime's own
// timers may be a whole one late.
type precise struct{ clock.Clock }

// coarse is by how much a sleep of the clock may be too long.
const coarse = 2 * time.Millisecond

// Sleep implements [clock.Clock].
func (p precise) Sleep(ctx context.Context, d time.Duration) error {
	end := p.Now().Add(d)
	if d > coarse {
		if err := p.Clock.Sleep(ctx, d-coarse); err != nil {
			return err
		}
	}
	return nap(ctx, p.Clock, end.Sub(p.Now()))
}
