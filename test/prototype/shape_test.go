package main

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestShapesAgree gives the same payments, in the same trains, to every
// variant: the books must come out equal, and right.
func TestShapesAgree(t *testing.T) {
	var pg *pgServer
	if _, err := exec.LookPath("initdb"); err == nil && !testing.Short() {
		if pg, err = startPG(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := pg.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	var first *books
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			if v.pg && pg == nil {
				t.Skip("needs PostgreSQL's initdb on the PATH")
			}
			got := playTrains(t, v, pg)
			if first == nil {
				first = &got
			}
			if got != *first {
				t.Errorf("books %+v, of the first variant %+v", got, *first)
			}
		})
	}
}

// playTrains runs trains of 40 in which both steps of every payment ride, so
// that the second reads what the first wrote in the same train, every third
// payment is refused, and every tenth key is used twice.
func playTrains(t *testing.T, v variant, pg *pgServer) books {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	at := place{dir: t.TempDir(), scopes: 3}
	if v.pg {
		at.dsn = pg.dsn
		if err := pgSetup(ctx, at.dsn, at.scopes); err != nil {
			t.Fatal(err)
		}
	}
	eng, err := v.open(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{source: newSource(at.scopes, 33, 200), engines: []engine{eng}}
	var keys, accepted int64
	for range 10 {
		a, b := playTrain(t, r.source, eng)
		keys, accepted = keys+a, accepted+b
	}
	b, err := r.readBooks(ctx, cell{variant: v}, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.check(keys, accepted); err != nil {
		t.Error(err)
	}
	if err := eng.close(); err != nil {
		t.Error(err)
	}
	return b
}

func playTrain(t *testing.T, src *source, eng engine) (keys, accepted int64) {
	t.Helper()
	var batch []*work
	var want []error
	for i := range 20 {
		p := src.draw()
		batch = append(batch, &work{step: p.open}, &work{step: p.record})
		want = append(want, nil, nil)
		keys++
		if p.amount > ceiling {
			want[len(want)-1] = errRefused
		} else {
			accepted++
		}
		if i%10 == 0 {
			again := *p
			again.intent += 1 << 40 // must not appear
			batch, want = append(batch, &work{step: again.open}), append(want, errRefused)
		}
	}
	if err := eng.run(batch); err != nil {
		t.Fatal(err)
	}
	for i, w := range batch {
		if w.err != want[i] {
			t.Errorf("step %d: %v, want %v", i, w.err, want[i])
		}
	}
	return keys, accepted
}

// TestLoadLocksInKeyOrder shows that the bulk load takes its row locks in key
// order, whatever the order asked: it waits for the lowest key held by
// another and has locked none above it.
func TestLoadLocksInKeyOrder(t *testing.T) {
	if _, err := exec.LookPath("initdb"); err != nil || testing.Short() {
		t.Skip("needs PostgreSQL's initdb on the PATH")
	}
	pg, err := startPG()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.stop(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := pgSetup(ctx, pg.dsn, 3); err != nil {
		t.Fatal(err)
	}
	holder, probe, loader := connect(t, ctx, pg.dsn), connect(t, ctx, pg.dsn), connect(t, ctx, pg.dsn)
	first := accountsPerScope + int64(accountClearing)
	lock := balance.loadSQL("$", " FOR UPDATE NOWAIT")
	mustExec(t, ctx, holder, "BEGIN")
	mustExec(t, ctx, holder, lock, int64(1), first)
	done := make(chan error, 1)
	go func() {
		_, err := loader.Exec(ctx, balance.bulkLoadSQL(), []int64{3, 1, 2},
			[]int64{3*accountsPerScope + accountClearing, first, 2*accountsPerScope + accountClearing})
		done <- err
	}()
	waitForLock(t, ctx, probe)
	for scope := int64(2); scope <= 3; scope++ {
		mustExec(t, ctx, probe, lock, scope, scope*accountsPerScope+accountClearing)
	}
	mustExec(t, ctx, holder, "COMMIT")
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, ctx context.Context, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgConnect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func mustExec(t *testing.T, ctx context.Context, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := c.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// waitForLock waits until a backend of this database waits for a lock.
func waitForLock(t *testing.T, ctx context.Context, c *pgx.Conn) {
	t.Helper()
	for range 500 {
		var n int
		err := c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the load did not wait for the row held")
}
