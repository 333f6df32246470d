package app

import (
	"context"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// takeOverEvery is how often it is looked whether a process is gone. One that
	// seems so twice is.
	takeOverEvery = time.Second
	// buryAfter is how long a process that is gone is remembered: longer than any
	// lease lasts.
	buryAfter = 2 * time.Minute
)

// takeOver ends the leases of processes that are gone. One that was merely cut
// off from the database finds that its leases have ended, as if it had stood
// still.
func (a *App) takeOver(ctx context.Context) error {
	nodes, err := a.DB.Gone(ctx)
	if err != nil {
		return err
	}
	now, seen := a.clock.Now(), a.missing
	a.missing = map[int64]time.Time{}
	var sure, old []int64
	for _, n := range nodes {
		since, again := seen[n]
		if !again {
			since = now
		}
		a.missing[n] = since
		if again {
			sure = append(sure, n)
		}
		if now.Sub(since) > buryAfter {
			old = append(old, n)
		}
	}
	if len(sure) == 0 {
		return nil
	}
	gone := func(owner int64) bool { return slices.Contains(sure, id.Node(owner)) }
	jobs, err := job.Forfeit(ctx, a.DB, gone)
	if err != nil {
		return err
	}
	turns, err := a.Webhooks.Forfeit(ctx, gone)
	if err != nil {
		return err
	}
	attempts := 0
	for _, forfeit := range []func(context.Context, func(int64) bool) (int, error){a.Payment.Forfeit, a.Setup.Forfeit, a.Payout.Forfeit} {
		n, err := forfeit(ctx, gone)
		if err != nil {
			return err
		}
		attempts += n
	}
	if jobs+turns+attempts > 0 {
		a.log.Warn("took over the work of a process that is gone", "nodes", sure, "jobs", jobs, "endpoints", turns, "attempts", attempts)
	}
	return a.DB.Bury(ctx, old)
}
