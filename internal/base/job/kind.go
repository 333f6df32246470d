package job

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is one kind of work.
type Kind struct {
	// Name stands in the jobs' rows: "webhook.deliver".
	Name string
	// Handle does the work. nil means that it is done; an error, or a panic,
	// means that it is tried again. Its context ends after Timeout, or when the
	// runner is stopped and can't wait any longer.
	Handle func(ctx context.Context, j Job) error
	// Lease is for how long a claim keeps other runners away; default one minute.
	Lease time.Duration
	// Timeout is how long Handle may take; default nine tenths of Lease, which
	// it may not exceed.
	Timeout time.Duration
	// MaxTries is how often a job is claimed before it is dead; default 10. A
	// process that dies at the job has used up a try.
	MaxTries int
	// Backoff is the most that the second try waits after the first one's
	// error, default one second. It doubles with every try up to MaxBackoff,
	// default one hour; the wait is drawn evenly from all that is not longer.
	Backoff, MaxBackoff time.Duration
	// Parallel is how many jobs of the kind run at once in one runner, so that
	// slow ones leave room for others; default: as many as the runner can.
	Parallel int
}

const (
	defaultLease      = time.Minute
	defaultMaxTries   = 10
	defaultBackoff    = time.Second
	defaultMaxBackoff = time.Hour
)

// withDefaults also refuses what can't work, which is a mistake in the program.
func (k Kind) withDefaults(parallel int) Kind {
	if k.Lease == 0 {
		k.Lease = defaultLease
	}
	if k.Timeout == 0 {
		k.Timeout = k.Lease / 10 * 9
	}
	if k.MaxTries == 0 {
		k.MaxTries = defaultMaxTries
	}
	if k.Backoff == 0 {
		k.Backoff = defaultBackoff
	}
	if k.MaxBackoff == 0 {
		k.MaxBackoff = max(defaultMaxBackoff, k.Backoff)
	}
	if k.Parallel == 0 || k.Parallel > parallel {
		k.Parallel = parallel
	}
	if k.Name == "" || k.Handle == nil || k.Timeout > k.Lease || min(k.Timeout, k.Backoff, k.MaxBackoff-k.Backoff+1) <= 0 || min(k.MaxTries, k.Parallel) < 1 {
		panic(fmt.Sprintf("job: kind %q can't work: %+v", k.Name, k))
	}
	return k
}

// delay is the wait after a try that failed: exponential, with full jitter. It
// depends on nothing but the seed, the job and the try, so that equal seeds
// give equal histories however the runs of different jobs interleave.
func (k *Kind) delay(seed, key int64, tries int) time.Duration {
	most := k.MaxBackoff
	if doublings := tries - 1; doublings < 62 && k.Backoff <= k.MaxBackoff>>doublings {
		most = k.Backoff << doublings
	}
	const odd = 0x9e3779b97f4a7c15 // spreads tries over all bits
	random := rand.New(rand.NewPCG(uint64(seed), uint64(key)^uint64(tries)*odd))
	return time.Duration(random.Int64N(int64(most)) + 1)
}
