package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
)

// TestForfeit: a job whose runner is gone is done by another long before its
// lease ends; one whose runner lives is left to it.
func TestForfeit(t *testing.T) {
	address := dbtest.Address(t)
	first, second := dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})
	begun, hold := make(chan struct{}, 1), make(chan struct{})
	stuck := job.New(first, job.Options{Logger: quiet})
	stuck.Register(job.Kind{Name: "forfeit", Lease: time.Hour, Handle: func(context.Context, job.Job) error {
		begun <- struct{}{}
		<-hold
		return nil
	}})
	var key int64
	err := first.Run(t.Context(), db.Step{Name: "test", Scope: scope.Key(), Do: func(tx *db.Tx) error {
		key = tx.NewKey()
		return job.Enqueue(tx, scope, key, "forfeit", tx.Now(), nil)
	}})
	if err != nil {
		t.Fatal(err)
	}
	stuck.Start()
	<-begun
	mine, theirs := id.Node(first.IDs().Next()), id.Node(second.IDs().Next())
	if n, err := job.Forfeit(t.Context(), second, func(owner int64) bool { return id.Node(owner) == theirs }); n != 0 || err != nil {
		t.Errorf("%d leases of one who holds none ended, %v", n, err)
	}
	if n, err := job.Forfeit(t.Context(), second, func(owner int64) bool { return id.Node(owner) == mine }); n != 1 || err != nil {
		t.Errorf("%d leases ended, %v; want 1", n, err)
	}
	done := make(chan struct{})
	heir := job.New(second, job.Options{Logger: quiet})
	heir.Register(job.Kind{Name: "forfeit", Lease: time.Hour, Handle: func(context.Context, job.Job) error {
		close(done)
		return nil
	}})
	heir.Start()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("nobody does the job")
	}
	close(hold)
	for _, r := range []*job.Runner{heir, stuck} {
		if err := r.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
	if _, there, err := job.Read(t.Context(), second, scope, key); there || err != nil {
		t.Errorf("the job is there still: %v", err)
	}
}
