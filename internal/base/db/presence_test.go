package db_test

import (
	"slices"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/id"
)

// TestPresence: a process shows that it lives, and is missed when its connections
// end without a word, but not when it leaves in order.
func TestPresence(t *testing.T) {
	if !dbtest.Postgres() {
		if gone, err := dbtest.Open(t).Gone(t.Context()); gone != nil || err != nil {
			t.Errorf("on SQLite %v is gone, %v", gone, err)
		}
		return
	}
	address := dbtest.Address(t)
	watcher := dbtest.OpenAt(t, address, db.Options{})
	gone := func() []int64 {
		list, err := watcher.Gone(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	until := func(what string, yes func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !yes(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: gone are %v", what, gone())
			}
		}
	}
	shown := func(d *db.DB) func() bool {
		return func() bool {
			_, ok, err := pairs.Read(t.Context(), watcher, db.Key{ID: 1<<20 + id.Node(d.IDs().Next())})
			return err == nil && ok && len(gone()) == 0
		}
	}
	orderly, sudden := dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})
	leave, stop := orderly.Attend(), sudden.Attend()
	until("the first is not shown", shown(orderly))
	until("the second is not shown", shown(sudden))
	leave()
	if list := gone(); len(list) > 0 {
		t.Errorf("after one has left in order, %v is gone", list)
	}
	// Its handle is closed under it: it can't say that it goes.
	_ = sudden.Close()
	stop()
	want := []int64{id.Node(sudden.IDs().Next())}
	until("the second is not missed", func() bool { return slices.Equal(gone(), want) })
	if err := watcher.Bury(t.Context(), want); err != nil || len(gone()) > 0 {
		t.Errorf("after it was buried, %v is gone, %v", gone(), err)
	}
}
