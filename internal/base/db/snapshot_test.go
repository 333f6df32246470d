package db_test

import (
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// A snapshot shows all tables as they were when it was taken, and nothing of
// what is written since; nobody writes through it, and its end ends nothing else.
func TestSnapshot(t *testing.T) {
	d := dbtest.Open(t)
	k := db.Key{Scope: 2, ID: 7}
	add := func() {
		t.Helper()
		if err := d.Run(t.Context(), increment(k, 1, 100)); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(at *db.DB, want int64) {
		t.Helper()
		c, _, err := counters.Read(t.Context(), at, k)
		if err != nil || c.State != want {
			t.Errorf("it shows %d, want %d (%v)", c.State, want, err)
		}
	}
	add()
	first, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	add()
	shows(first, 1)
	second, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 8}, 0, 100)); err != nil {
			t.Fatal(err)
		}
	}
	add()
	shows(first, 1)
	shows(second, 2)
	shows(d, 3)
	if err := first.Run(t.Context(), increment(k, 1, 100)); err == nil {
		t.Error("a step was run at a snapshot")
	}
	if _, err := first.Snapshot(t.Context()); err == nil {
		t.Error("a snapshot of a snapshot was taken")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := counters.Read(t.Context(), first, k); err == nil {
		t.Error("a closed snapshot is read")
	}
	shows(second, 2)
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	for range 12 { // more than there are connections to read with
		s, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		shows(s, 3)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	add()
	shows(d, 4)
}
