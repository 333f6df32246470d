package db_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// withSettings adds session settings to a PostgreSQL address.
func withSettings(t *testing.T, address string, settings map[string]string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for k, v := range settings {
		q.Set(k, v)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// rival is another client's transaction.
func rival(t *testing.T, address string, statements ...string) pgx.Tx {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(ctx) })
	tx, err := c.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.Exec(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	return tx
}

func lockRow(key int64) string {
	return fmt.Sprintf("SELECT * FROM job WHERE scope = 2 AND key = %d FOR UPDATE", key)
}

// conflictDB is a database with rows 1 to 3 of scope 2, and its bare address.
func conflictDB(t *testing.T, settings map[string]string) (*db.DB, string) {
	t.Helper()
	needPostgres(t)
	address := dbtest.Address(t)
	d := dbtest.OpenAt(t, withSettings(t, address, settings), db.Options{Logger: slog.New(slog.DiscardHandler)})
	for key := range int64(3) {
		if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: key + 1}, 1, 1<<40)); err != nil {
			t.Fatal(err)
		}
	}
	return d, address
}

func state(t *testing.T, d *db.DB, key int64) int64 {
	t.Helper()
	c, _, err := counters.Read(context.WithoutCancel(t.Context()), d, db.Key{Scope: 2, ID: key})
	if err != nil {
		t.Fatal(err)
	}
	return c.State
}

func TestLockTimeoutIsTriedAgain(t *testing.T) {
	d, address := conflictDB(t, map[string]string{"lock_timeout": "100ms"})
	tx := rival(t, address, lockRow(1))
	var holding sync.WaitGroup
	holding.Go(func() {
		time.Sleep(350 * time.Millisecond)
		_ = tx.Rollback(context.Background())
	})
	err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40))
	holding.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if n := state(t, d, 1); n != 2 {
		t.Errorf("row counts %d, want 2", n)
	}
}

// A row that someone holds for good refuses the steps that want it, and no others.
func TestRowHeldForGoodRefusesItsStepsAlone(t *testing.T) {
	d, address := conflictDB(t, map[string]string{"lock_timeout": "20ms"})
	tx := rival(t, address, lockRow(1))
	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 60 {
		wg.Go(func() {
			err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: int64(1 + i%3)}, 1, 1<<40))
			switch {
			case i%3 == 0 && fault.KindOf(err) == fault.Unavailable:
				refused.Add(1)
			case i%3 == 0 || err != nil:
				t.Errorf("step %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b, c := state(t, d, 1), state(t, d, 2), state(t, d, 3); a != 1 || b != 21 || c != 21 || refused.Load() != 20 {
		t.Errorf("rows count %d %d %d, want 1 21 21; %d refused", a, b, c, refused.Load())
	}
}

func TestDeadlockIsTriedAgain(t *testing.T) {
	// The train notices the deadlock first, so it is the one that is ended.
	d, address := conflictDB(t, map[string]string{"deadlock_timeout": "50ms"})
	tx := rival(t, address, "SET LOCAL deadlock_timeout = '20s'", lockRow(1))
	runs, held := 0, make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		done <- d.Run(context.WithoutCancel(t.Context()), db.Step{Name: "test", Scope: 2, Needs: []db.Need{counters.Need(db.Key{Scope: 2, ID: 2})}, Do: func(tx *db.Tx) error {
			runs++
			once.Do(func() { close(held) }) // row 2 is locked; row 1 is asked for next
			for _, key := range []int64{2, 1} {
				k := db.Key{Scope: 2, ID: key}
				c, _, err := counters.Get(tx, k)
				if err != nil {
					return err
				}
				c.State += 10
				counters.Update(tx, k, c)
			}
			return nil
		}})
	}()
	<-held
	if _, err := tx.Exec(t.Context(), lockRow(2)); err != nil {
		t.Fatal("the rival was ended, not the train:", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if a, b := state(t, d, 1), state(t, d, 2); a != 11 || b != 11 || runs < 3 {
		t.Errorf("rows count %d %d after %d runs, want 11 11 after a repetition", a, b, runs)
	}
}

func TestSerializationFailuresAreTriedAgain(t *testing.T) {
	d, address := conflictDB(t, map[string]string{"default_transaction_isolation": "serializable"})
	other := dbtest.OpenAt(t, withSettings(t, address, map[string]string{"default_transaction_isolation": "serializable"}), db.Options{Logger: slog.New(slog.DiscardHandler)})
	var wg sync.WaitGroup
	var done atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			for range 10 {
				h := []*db.DB{d, other}[i%2]
				switch err := h.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40)); {
				case err == nil:
					done.Add(1)
				case fault.KindOf(err) != fault.Unavailable:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := state(t, d, 1); n != 1+done.Load() || done.Load() < 100 {
		t.Errorf("row counts %d after %d confirmed", n, done.Load())
	}
}

// A server that ends sessions (a restart, an operator) costs a repetition.
func TestSessionsEndedByTheServer(t *testing.T) {
	d, address := conflictDB(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	var killing sync.WaitGroup
	killing.Go(func() {
		c, err := pgx.Connect(context.Background(), address)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close(context.Background()) }()
		for ctx.Err() == nil {
			_, err := c.Exec(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE 'COMMIT%'")
			if err != nil {
				t.Error(err)
			}
			time.Sleep(40 * time.Millisecond)
		}
	})
	confirmed := addUp(t, d, 400)
	cancel()
	killing.Wait()
	for range 20 { // pooled readers may have been ended too
		if _, _, err := counters.Read(context.Background(), d, db.Key{Scope: 2, ID: 1}); err == nil {
			break
		} else if fault.KindOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
	got := 0
	for _, ok := range confirmed {
		if ok {
			got++
		}
	}
	if got < 350 {
		t.Errorf("only %d of %d steps were carried out", got, len(confirmed))
	}
	fresh := dbtest.OpenAt(t, address, db.Options{})
	for i, ok := range confirmed {
		c, _, err := counters.Read(context.Background(), fresh, db.Key{Scope: int64(2 + 2*(i%5)), ID: int64(1000 + i)})
		if err != nil || (c.State == 1) != ok || c.State > 1 {
			t.Errorf("step %d, confirmed %v, had its effect %d times: %v", i, ok, c.State, err)
		}
	}
}
