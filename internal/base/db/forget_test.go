package db_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Marks of trains go a day after these left, however many there are, found by
// their key.
func TestForgetTrains(t *testing.T) {
	needPostgres(t)
	now := clock.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	address := dbtest.Address(t)
	d := dbtest.OpenAt(t, address, db.Options{Clock: now})
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(t.Context()) })
	marks := func() (n int) {
		t.Helper()
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM train").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := marks()
	if _, err := c.Exec(t.Context(), "INSERT INTO train (id, at) SELECT n, $1 FROM generate_series(1, 25000) n", now.Now().UnixMicro()); err != nil {
		t.Fatal(err)
	}
	run := func() {
		t.Helper()
		if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40)); err != nil {
			t.Fatal(err)
		}
	}
	run()
	now.Advance(23 * time.Hour)
	run()
	forget := func(want int) {
		t.Helper()
		if err := d.ForgetTrains(t.Context()); err != nil || marks() != want {
			t.Errorf("%d marks are left, want %d: %v", marks(), want, err)
		}
	}
	forget(before + 2)
	now.Advance(2 * time.Hour)
	forget(1)
}
