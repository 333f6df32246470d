package db_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
)

// A train whose id another one has used is not taken for committed: only one
// whose own COMMIT was in doubt may be. Two handles that make the same ids lose
// nothing that they acknowledged.
func TestTrainIDTakenByAnother(t *testing.T) {
	address := dbtest.Address(t)
	still := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	options := db.Options{Clock: still, Logger: slog.New(slog.DiscardHandler)}
	handles := []*db.DB{dbtest.OpenAt(t, address, options), dbtest.OpenAt(t, address, options)}
	for _, d := range handles {
		d.UseNode(7)
	}
	const each = 30
	var wg sync.WaitGroup
	for i, d := range handles {
		wg.Go(func() {
			for range each {
				if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: int64(i)}, 1, 1<<40)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range handles {
		c, _, err := counters.Read(t.Context(), handles[0], db.Key{Scope: 2, ID: int64(i)})
		if err != nil || c.State != each {
			t.Errorf("handle %d: %d of %d acknowledged steps are there (%v)", i, c.State, each, err)
		}
	}
}
