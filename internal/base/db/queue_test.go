package db_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// However many steps wait, none is refused: they may be second halves. Others
// see that it is crowded.
func TestLongQueueCarriesAll(t *testing.T) {
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Patience: time.Nanosecond})
	release := hold(t, d)
	const steps = 2000
	var wg sync.WaitGroup
	for i := range steps {
		wg.Go(func() {
			if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: int64(i % 7)}, 1, 1<<40)); err != nil {
				t.Error(err)
			}
		})
	}
	for d.Figures().Queued < steps {
		time.Sleep(time.Millisecond)
	}
	if !d.Crowded(2) || d.Crowded(1<<20) {
		t.Errorf("crowded for who waits: %v, for another: %v", d.Crowded(2), d.Crowded(1<<20))
	}
	release()
	wg.Wait()
	if d.Crowded(2) {
		t.Error("crowded when nobody waits")
	}
	var sum int64
	for i := range 7 {
		sum += state(t, d, int64(i))
	}
	if sum != steps {
		t.Errorf("%d confirmed, %d counted", steps, sum)
	}
}

func TestCloseCompletesWhatIsQueued(t *testing.T) {
	address := dbtest.Address(t)
	d := dbtest.OpenAt(t, address, db.Options{})
	release := hold(t, d)
	const steps = 600
	var queued, done, late atomic.Int64
	var wg sync.WaitGroup
	for i := range steps {
		wg.Go(func() {
			queued.Add(1)
			switch err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: int64(i % 3)}, 1, 1<<40)); {
			case err == nil:
				done.Add(1)
			case fault.KindOf(err) == fault.Unavailable:
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for queued.Load() < steps/2 {
		time.Sleep(time.Millisecond)
	}
	go func() {
		time.Sleep(10 * time.Millisecond)
		release()
	}()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	other := dbtest.OpenAt(t, address, db.Options{})
	if sum := state(t, other, 0) + state(t, other, 1) + state(t, other, 2); sum != done.Load() || sum == 0 { // how many were in time, the machine says
		t.Errorf("%d confirmed and %d refused of %d, %d counted", done.Load(), late.Load(), steps, sum)
	}
}

// Close waits for reads that are under way, and later reads are refused.
func TestCloseAndReads(t *testing.T) {
	d := dbtest.Open(t)
	put(t, d, counter{Payload: "x"}, counter{Payload: "y"})
	reading, goOn, read := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var first sync.Once
	go func() {
		read <- sorted.Each(t.Context(), d, func(string) error {
			first.Do(func() { close(reading); <-goOn })
			return nil
		}, int64(2))
	}()
	<-reading
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = d.Close()
	}()
	time.Sleep(20 * time.Millisecond)
	select {
	case <-closed:
		t.Error("closed under a read")
	default:
	}
	close(goOn)
	if err := <-read; err != nil {
		t.Error(err)
	}
	<-closed
	if _, _, err := counters.Read(t.Context(), d, db.Key{Scope: 2, ID: 1}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("read after the end: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestStepThatWantsEverMoreIsRefusedAlone(t *testing.T) {
	d := dbtest.Open(t)
	release := hold(t, d)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if i != 20 {
				if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40)); err != nil {
					t.Error(err)
				}
				return
			}
			next := int64(0)
			err := d.Run(t.Context(), db.Step{Name: "greedy", Scope: 2, Do: func(tx *db.Tx) error {
				next++
				_, _, err := counters.Get(tx, db.Key{Scope: 2, ID: 1000 + next})
				return err
			}})
			if err == nil || !strings.Contains(err.Error(), "ever more rows") {
				t.Errorf("the greedy step: %v", err)
			}
		})
	}
	release()
	wg.Wait()
	if n := state(t, d, 1); n != 49 {
		t.Errorf("counted %d, want 49", n)
	}
}

// A step may follow a chain of rows, one round each.
func TestStepThatFollowsAChain(t *testing.T) {
	d := dbtest.Open(t)
	chain := make([]counter, 12)
	for i := range chain {
		chain[i].Due = int64(i + 2)
	}
	put(t, d, chain...)
	var seen int
	err := d.Run(t.Context(), db.Step{Name: "chain", Scope: 2, Do: func(tx *db.Tx) error {
		seen = 0
		for key := int64(1); key <= int64(len(chain)); seen++ {
			c, _, err := counters.Get(tx, db.Key{Scope: 2, ID: key})
			if err != nil {
				return err
			}
			key = c.Due
		}
		return nil
	}})
	if err != nil || seen != len(chain) {
		t.Errorf("saw %d: %v", seen, err)
	}
}

// A step that asks for many rows at once has them after one round.
func TestStepThatAsks(t *testing.T) {
	d := dbtest.Open(t)
	put(t, d, make([]counter, 40)...)
	var needs []db.Need
	for key := range int64(40) {
		needs = append(needs, counters.Need(db.Key{Scope: 2, ID: key + 1}))
	}
	runs := 0
	err := d.Run(t.Context(), db.Step{Name: "asking", Scope: 2, Do: func(tx *db.Tx) error {
		runs++
		if err := tx.Ask(needs...); err != nil {
			return err
		}
		for key := range int64(40) {
			if _, ok, err := counters.Get(tx, db.Key{Scope: 2, ID: key + 1}); !ok || err != nil {
				return fmt.Errorf("row %d: %v %w", key+1, ok, err)
			}
		}
		return nil
	}})
	if err != nil || runs != 2 {
		t.Errorf("%d runs: %v", runs, err)
	}
}

func TestWatchTellsWhatWasCommitted(t *testing.T) {
	d := dbtest.Open(t)
	var mu sync.Mutex
	seen := map[int64]int64{}
	stop := counters.Watch(d, func(k db.Key, c counter) {
		mu.Lock()
		defer mu.Unlock()
		seen[k.ID] = c.State
	})
	refusal := errors.New("no")
	for i, f := range []func(tx *db.Tx) error{
		func(tx *db.Tx) error { counters.Insert(tx, db.Key{Scope: 2, ID: 1}, counter{State: 1}); return nil },
		func(tx *db.Tx) error { counters.Insert(tx, db.Key{Scope: 2, ID: 2}, counter{State: 1}); return refusal },
		func(tx *db.Tx) error {
			_, _, err := counters.Get(tx, db.Key{Scope: 2, ID: 1})
			if err == nil {
				counters.Update(tx, db.Key{Scope: 2, ID: 1}, counter{State: 5})
			}
			return err
		},
	} {
		if err := d.Run(t.Context(), db.Step{Name: "test", Scope: 2, Do: f}); err != nil && !errors.Is(err, refusal) {
			t.Fatal(i, err)
		}
	}
	stop()
	if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 99)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 1 || seen[1] != 5 {
		t.Errorf("told %v", seen)
	}
}

// In a bubble of virtual time the database works, and steps are stamped with
// its time.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.OpenAt(t, dbtest.SQLite(t), db.Options{Serial: true})
		begin := time.Now()
		for day := range 365 {
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					var at time.Time
					err := d.Run(t.Context(), db.Step{Name: "test", Scope: 2, Do: func(tx *db.Tx) error {
						at = tx.Now()
						return increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40).Do(tx)
					}})
					if want := begin.Add(time.Duration(day) * 24 * time.Hour); err != nil || !at.Equal(want) {
						t.Errorf("day %d: at %v, want %v: %v", day, at, want, err)
					}
				})
			}
			wg.Wait()
			if _, _, err := counters.Read(t.Context(), d, db.Key{Scope: 2, ID: 1}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(24 * time.Hour)
		}
		if n := state(t, d, 1); n != 5*365 {
			t.Errorf("counted %d", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		<-ctx.Done()
		if err := d.Run(ctx, increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a step after its time: %v", err)
		}
	})
}
