package webhook

import (
	"time"

	"github.com/florinpay/florin/internal/kit/probe"
)

// State is where a delivery is in its life; the package's documentation says how
// each is left. Numbers are stored and never change; the schema names Delivered.
type State int64

// The states of a delivery.
const (
	Pending   State = 1
	Delivered State = 2
	Failed    State = 3
	Stopped   State = 4
)

var stateNames = [...]string{Pending: "pending", Delivered: "delivered", Failed: "failed", Stopped: "stopped"}

// String gives the state's name.
func (s State) String() string {
	if s < Pending || s > Stopped {
		return "unknown"
	}
	return stateNames[s]
}

const (
	// Patience is how long later events of a lane wait for one that fails.
	Patience = time.Minute
	// GiveUpAfter is how long an event is tried, from its first failure.
	GiveUpAfter = 72 * time.Hour
	// DisableAfter is for how long every request to an endpoint must have failed
	// for it to be disabled.
	DisableAfter = 5 * 24 * time.Hour

	firstPause = 10 * time.Second
	longPause  = 6 * time.Hour
)

// delivery is one event on its way to one endpoint.
type delivery struct {
	Event int64
	Seq   int64
	State State
	Due   time.Time // when it is to be sent; zero unless pending
	// Failed is when the first try failed: since then it is parked; zero before.
	Failed time.Time
	Tries  int64
}

// pause is how long a delivery waits after a number of tries: 10 s, 20 s, and so
// on up to six hours, a fifth more or less, so that what failed at once does not
// come back at once. It depends on nothing but the event and the try.
func pause(event, tries int64) time.Duration {
	d := longPause
	if n := tries - 1; n < 12 {
		d = min(longPause, firstPause<<n)
	}
	const odd = 0x9e3779b97f4a7c15 // spreads tries over all bits
	h := (uint64(event)*odd ^ uint64(tries)) * odd >> 32
	return d - d/5 + time.Duration(h%uint64(d/5*2))
}

// choice is what to do next in a lane.
type choice struct {
	pick    int        // which of the deliveries to send; -1: none
	skipped []int64    // numbers that the picked one goes past
	blocked []delivery // deliveries that are due but have to wait
	until   time.Time  // when they are looked at again
}

// choose decides what to do next in a lane, of which open are the deliveries that
// are not acknowledged, by number. It is the whole rule of order: the first that
// is due goes, if each before it is parked and has been for [Patience], or is
// given up.
func choose(open []delivery, now time.Time) choice {
	c := choice{pick: -1}
	var skipped []int64
	for i, d := range open {
		if d.State != Pending {
			skipped = append(skipped, d.Seq)
			continue
		}
		if !d.Due.After(now) {
			c.pick, c.skipped = i, skipped
			return c
		}
		if past := d.Failed.Add(Patience); (d.Failed.IsZero() || past.After(now)) && !probe.Mutant("webhook.arrival-order") {
			if d.Failed.IsZero() || d.Due.Before(past) {
				past = d.Due
			}
			c.block(open[i+1:], past, now)
			return c
		}
		skipped = append(skipped, d.Seq)
	}
	return c
}

// block notes what is due but has to wait.
func (c *choice) block(later []delivery, until, now time.Time) {
	c.until = until
	for _, d := range later {
		if d.State == Pending && !d.Due.After(now) {
			c.blocked = append(c.blocked, d)
		}
	}
}

// after is a delivery after a request that failed at an instant.
func (d delivery) after(now time.Time) delivery {
	d.Tries++
	if d.Failed.IsZero() {
		d.Failed = now
	}
	d.Due = now.Add(pause(d.Event, d.Tries))
	if d.Due.After(d.Failed.Add(GiveUpAfter)) || probe.Mutant("webhook.give-up-early") {
		d.State, d.Due = Failed, time.Time{}
	}
	return d
}
