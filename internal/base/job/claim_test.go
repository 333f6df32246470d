package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Two runners that have seen the same jobs to be due share them out: a job has
// one lease at a time, and a new one once that is over.
func TestJobHasOneLease(t *testing.T) {
	address, now := dbtest.Address(t), clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	const lease = time.Minute
	var runners []*job.Runner
	var handles []*db.DB
	for range 2 {
		d := dbtest.OpenAt(t, address, db.Options{Clock: now})
		handles = append(handles, d)
		runners = append(runners, runner(t, d, job.Options{}, job.Kind{Name: "k", Lease: lease,
			Handle: func(context.Context, job.Job) error { return nil }}))
	}
	waiting := func() db.Key { return db.Key{Scope: scope.Key(), ID: enqueue(t, handles[0], "k", now.Now(), nil)} }
	first, second := waiting(), waiting()
	claim := func(what string, r *job.Runner, want int, seen ...db.Key) {
		t.Helper()
		got, err := job.Claim(r, t.Context(), seen)
		if err != nil || len(got) != want {
			t.Errorf("%s: %d claimed, want %d: %v", what, len(got), want, err)
		}
	}
	claim("free", runners[0], 1, first)
	claim("one free, one leased to another", runners[1], 1, first, second)
	claim("both leased", runners[0], 0, first, second)
	now.Advance(lease - time.Microsecond)
	claim("both leases almost over", runners[1], 0, first, second)
	now.Advance(time.Microsecond)
	claim("both leases over", runners[1], 2, first, second)
	claim("leased anew", runners[0], 0, first, second)
}
