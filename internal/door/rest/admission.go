package rest

import (
	"hash/maphash"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/door/rest/limit"
	"github.com/florinpay/florin/internal/kit/fault"
)

// Limits bound what is let in. The zero value of a field is no bound.
type Limits struct {
	// InFlight is how many requests are answered at once.
	InFlight int
	// Rates is how often each key may ask.
	Rates *limit.Rates
}

// Reason is why a request was not let in.
type Reason int

// The reasons.
const (
	TooOften Reason = iota // its key has asked more often than it may
	TooMany                // too many requests are being answered
	TooLong                // it would wait too long for the database
	reasons
)

// reasonNames are the reasons' in metrics and in Stripe's header. What Stripe
// says names its own limiters; clients are told by it whether to send less often
// or less at once.
var reasonNames = [reasons]struct{ metric, stripe string }{
	TooOften: {"rate", "global-rate"}, TooMany: {"concurrency", "global-concurrency"}, TooLong: {"wait", "global-concurrency"},
}

// String is the reason's name in metrics.
func (r Reason) String() string { return reasonNames[r].metric }

// admission is who is in, and who was not let in.
type admission struct {
	inFlight atomic.Int64
	asking   atomic.Int64 // look up whether their key is known
	refused  [reasons]atomic.Int64
}

// maxAsking bounds who asks the database of keys at once while it is too busy
// for more: one that does not answer must not gather requests that ask.
const maxAsking = 64

// Refused tells how many requests were not let in, by reason.
func (s *Server) Refused() map[Reason]int64 {
	all := make(map[Reason]int64, reasons)
	for r := range reasons {
		all[r] = s.admission.refused[r].Load()
	}
	return all
}

// refusal is that a request was not let in. Nothing was begun, and nothing is
// kept of it, so a repetition is a first try.
type refusal struct {
	fault  *fault.Error
	reason Reason
	after  time.Duration // when to come again
}

func (r *refusal) Error() string { return r.fault.Error() }

// Unwrap gives what is answered.
func (r *refusal) Unwrap() error { return r.fault }

// tell says in an answer's header why, and when to come again.
func (r *refusal) tell(h http.Header) {
	h.Set("Stripe-Rate-Limited-Reason", reasonNames[r.reason].stripe)
	h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(r.after.Seconds())))))
}

// admit refuses a request that there is no room for, before anything of it is
// read. Who repeats a request whose first part was let in is always let in: it may
// be a payment that is half done.
func (s *Server) admit(r *http.Request, c *call) error {
	if wait := s.Limits.Rates.Take(c.bucket, s.DB.Clock().Now()); wait > 0 {
		return s.refuse(TooOften, wait, "Request rate limit exceeded: this API key sends requests more often than this server lets it. Learn how to deal with it at https://stripe.com/docs/rate-limits.")
	}
	writes := r.Method != http.MethodGet && r.Method != http.MethodHead
	full := s.Limits.InFlight > 0 && s.admission.inFlight.Load() > int64(s.Limits.InFlight)
	switch {
	case !full && (!writes || !s.DB.Crowded(c.scope.Key())):
		return nil
	case writes && s.known(r, c):
		return nil
	case full:
		return s.refuse(TooMany, 0, "Too many requests are being answered. Try again shortly.")
	}
	return s.refuse(TooLong, 0, "Too many requests are waiting. Try again shortly.")
}

func (s *Server) refuse(why Reason, after time.Duration, message string) error {
	s.admission.refused[why].Add(1)
	return &refusal{fault.New(fault.Overloaded, "rate_limit", "%s", message), why, after}
}

// known reports whether the request's idempotency key was used before. If that
// can't be told now, it is not.
func (s *Server) known(r *http.Request, c *call) bool {
	key := r.Header.Get("Idempotency-Key")
	if key == "" || len(key) > maxKey {
		return false
	}
	defer s.admission.asking.Add(-1)
	if s.admission.asking.Add(1) > maxAsking {
		return false
	}
	known, err := s.Keys.Known(c.ctx, s.DB, c.scope, &idem.Request{Key: key})
	return known && err == nil
}

// bucketSeed makes it impossible to choose keys that share a bucket.
var bucketSeed = maphash.MakeSeed()

// bucketOf names the bucket of an API key.
func bucketOf(key string) uint64 { return maphash.String(bucketSeed, key) }
