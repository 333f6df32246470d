// Package limit counts how often each API key asks.
package limit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates is one limit for the requests of each key, by a bucket of tokens: one
// goes out with each request, and they come back at the rate of the limit. It
// knows of the requests that this process has seen, and no others.
type Rates struct {
	limit rate.Limit
	burst int
	// refill is how long an empty bucket takes to be full. One that was left alone
	// for so long is like a new one, so it need not be kept.
	refill time.Duration

	mu          sync.Mutex
	recent, old map[uint64]*rate.Limiter // used since turned; used before, and not since
	turned      time.Time
}

// NewRates limits each key to so many requests per second, and burst at once; burst
// 0 is one second's worth. Without a rate there is no limit: nil, which lets
// everything pass.
func NewRates(perSecond float64, burst int) *Rates {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = int(math.Ceil(perSecond))
	}
	refill := time.Duration(math.Ceil(float64(burst) / perSecond * float64(time.Second)))
	return &Rates{limit: rate.Limit(perSecond), burst: burst, refill: max(refill, time.Second), recent: map[uint64]*rate.Limiter{}}
}

// Take lets a request of a key pass, and gives 0, or else how long it is until
// one of the key would.
func (r *Rates) Take(key uint64, now time.Time) (wait time.Duration) {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	bucket := r.bucket(key, now)
	token := bucket.ReserveN(now, 1)
	if wait = token.DelayFrom(now); wait > 0 {
		token.CancelAt(now)
	}
	return wait
}

// bucket finds a key's. Those that were not used for a while are forgotten.
func (r *Rates) bucket(key uint64, now time.Time) *rate.Limiter {
	if since := now.Sub(r.turned); since >= r.refill || since < 0 {
		r.recent, r.old, r.turned = make(map[uint64]*rate.Limiter, len(r.recent)), r.recent, now
	}
	b := r.recent[key]
	if b == nil {
		if b = r.old[key]; b == nil {
			b = rate.NewLimiter(r.limit, r.burst)
		}
		r.recent[key] = b
		delete(r.old, key)
	}
	return b
}

// Keys is how many keys are being counted.
func (r *Rates) Keys() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.recent) + len(r.old)
}
