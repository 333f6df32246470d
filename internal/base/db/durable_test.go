//go:build unix

package db_test

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// TestNotAcknowledgedBeforeCommit: whoever waits for a step hears nothing while
// its COMMIT is under way, and nothing good when that fails.
func TestNotAcknowledgedBeforeCommit(t *testing.T) {
	t.Run("SQLite", unwritable)
	t.Run("PostgreSQL", heldUp)
}

// unwritable lets the log of a SQLite database grow no further, as a quota does: the
// step's rows are decided and only COMMIT writes them.
func unwritable(t *testing.T) {
	address := dbtest.SQLite(t)
	d := dbtest.OpenAt(t, address, db.Options{Logger: slog.New(slog.DiscardHandler)})
	before, after := db.Key{Scope: 2, ID: 1}, db.Key{Scope: 2, ID: 2}
	if err := d.Run(t.Context(), increment(before, 1, 9)); err != nil {
		t.Fatal(err)
	}
	log, err := os.Stat(strings.TrimPrefix(address, "sqlite:") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	lift := limitFiles(t, uint64(log.Size()))
	err = d.Run(t.Context(), increment(after, 1, 9))
	lift()
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("though COMMIT could not be written: %v", err)
	}
	for k, want := range map[db.Key]bool{before: true, after: false} {
		if _, ok, err := counters.Read(t.Context(), d, k); ok != want || err != nil {
			t.Errorf("row %d is there: %v, want %v (%v)", k.ID, ok, want, err)
		}
	}
	if err := d.Run(t.Context(), increment(after, 1, 9)); err != nil {
		t.Errorf("once it can grow again: %v", err)
	}
}

// limitFiles makes writes beyond a size fail, for the whole process, until the
// function that it gives is called.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = size
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

// heldUp keeps COMMIT on its way to a PostgreSQL server for a while.
func heldUp(t *testing.T) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	through, straight, _ := lossy(t, func(_ byte, isCommit bool) cut {
		if isCommit {
			arrived <- struct{}{}
			<-release
		}
		return pass
	})
	k := db.Key{Scope: 2, ID: 1}
	acknowledged := make(chan error, 1)
	go func() { acknowledged <- through.Run(context.WithoutCancel(t.Context()), increment(k, 1, 9)) }()
	<-arrived
	select {
	case err := <-acknowledged:
		t.Errorf("acknowledged before COMMIT (%v)", err)
	case <-time.After(200 * time.Millisecond):
	}
	if _, ok, err := counters.Read(t.Context(), straight, k); ok || err != nil {
		t.Error("the row is there before COMMIT", err)
	}
	close(release)
	if t.Failed() {
		return
	}
	if err := <-acknowledged; err != nil {
		t.Error(err)
	}
	if _, ok, err := counters.Read(t.Context(), straight, k); !ok || err != nil {
		t.Error("the row is not there after COMMIT", err)
	}
}
