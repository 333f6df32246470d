package db_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// counter uses the job table as plain storage: tests of db know no domain.
type counter struct {
	Kind, Payload, Problem                string
	State, Due, Owner, Tries, CreatedTime int64
	Line, At                              int64
}

var counters = db.NewTable("job", "scope, key", "kind, state, due, owner, tries, created, payload, problem, line, at",
	func(c *counter, f *db.Fields) {
		db.Text(f, &c.Kind)
		db.Int(f, &c.State)
		db.Int(f, &c.Due)
		db.Int(f, &c.Owner)
		db.Int(f, &c.Tries)
		db.Int(f, &c.CreatedTime)
		db.Text(f, &c.Payload)
		db.Text(f, &c.Problem)
		db.Int(f, &c.Line)
		db.Int(f, &c.At)
	})

func increment(k db.Key, by int64, limit int64) db.Step {
	return db.Step{Name: "test.increment", Scope: k.Scope, Do: func(tx *db.Tx) error {
		c, ok, err := counters.Get(tx, k)
		if err != nil {
			return err
		}
		if c.State+by > limit {
			return fault.New(fault.Invalid, "over", "over the limit")
		}
		c.State += by
		if ok {
			counters.Update(tx, k, c)
		} else {
			counters.Insert(tx, k, c)
		}
		return nil
	}}
}

func TestStepsOnOneRowLoseNothing(t *testing.T) {
	d := dbtest.Open(t)
	k := db.Key{Scope: 2, ID: 7}
	const n, limit = 500, 300
	var done, refused atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			switch err := d.Run(t.Context(), increment(k, 1, limit)); {
			case err == nil:
				done.Add(1)
			case fault.KindOf(err) == fault.Invalid:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c, ok, err := counters.Read(t.Context(), d, k)
	if err != nil || !ok || c.State != limit || done.Load() != limit || refused.Load() != n-limit {
		t.Fatalf("row %+v %v %v, %d done, %d refused", c, ok, err, done.Load(), refused.Load())
	}
}

func TestTwoProcessesOnOneRow(t *testing.T) {
	address := dbtest.Address(t)
	if !dbtest.Postgres() {
		t.Log("SQLite: two handles in one process")
	}
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	var wg sync.WaitGroup
	const each = 150
	for i := range 2 * each {
		wg.Go(func() {
			k := db.Key{Scope: 2, ID: int64(i % 3)} // few rows, inserted by whoever comes first
			if err := handles[i%2].Run(t.Context(), increment(k, 1, 1<<40)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var sum int64
	for i := range 3 {
		c, _, err := counters.Read(t.Context(), handles[0], db.Key{Scope: 2, ID: int64(i)})
		if err != nil {
			t.Fatal(err)
		}
		sum += c.State
	}
	if sum != 2*each {
		t.Fatalf("sum %d, want %d", sum, 2*each)
	}
}

func TestRefusedStepLeavesNothing(t *testing.T) {
	d := dbtest.Open(t)
	refusal := errors.New("no")
	for i, end := range []func() error{
		func() error { return refusal },
		func() error { panic("a bug") },
	} {
		k := db.Key{Scope: 2, ID: int64(i + 1)}
		err := d.Run(t.Context(), db.Step{Name: "test.refused", Do: func(tx *db.Tx) error {
			counters.Insert(tx, k, counter{Kind: "x"})
			return end()
		}})
		if err == nil {
			t.Error("no error")
		}
		if i == 0 && !errors.Is(err, refusal) {
			t.Errorf("error %v", err)
		}
		if _, ok, err := counters.Read(t.Context(), d, k); ok || err != nil {
			t.Errorf("row is there: %v %v", ok, err)
		}
	}
}

func TestChangesWithinATrainMerge(t *testing.T) {
	d := dbtest.Open(t)
	k := db.Key{Scope: 2, ID: 1}
	run := func(name string, f func(tx *db.Tx) error) {
		t.Helper()
		if err := d.Run(t.Context(), db.Step{Name: name, Needs: []db.Need{counters.Need(k)}, Do: f}); err != nil {
			t.Fatal(name, err)
		}
	}
	there := func(want bool, state int64) {
		t.Helper()
		c, ok, err := counters.Read(t.Context(), d, k)
		if err != nil || ok != want || c.State != state {
			t.Fatalf("row %+v %v %v, want %v %d", c, ok, err, want, state)
		}
	}
	run("insert and update", func(tx *db.Tx) error {
		counters.Insert(tx, k, counter{State: 1})
		counters.Update(tx, k, counter{State: 2})
		return nil
	})
	there(true, 2)
	run("delete and insert", func(tx *db.Tx) error {
		if _, _, err := counters.Get(tx, k); err != nil {
			return err
		}
		counters.Delete(tx, k)
		counters.Insert(tx, k, counter{State: 3})
		return nil
	})
	there(true, 3)
	run("delete", func(tx *db.Tx) error {
		if _, _, err := counters.Get(tx, k); err != nil {
			return err
		}
		counters.Delete(tx, k)
		return nil
	})
	there(false, 0)
	run("insert and delete", func(tx *db.Tx) error {
		counters.Insert(tx, k, counter{State: 4})
		counters.Delete(tx, k)
		return nil
	})
	there(false, 0)
}

func TestMistakesInAStepAreErrors(t *testing.T) {
	d := dbtest.Open(t)
	k := db.Key{Scope: 2, ID: 1}
	for name, f := range map[string]func(*db.Tx){
		"update unseen": func(tx *db.Tx) { counters.Update(tx, k, counter{}) },
		"delete unseen": func(tx *db.Tx) { counters.Delete(tx, k) },
		"insert twice": func(tx *db.Tx) {
			counters.Insert(tx, k, counter{})
			counters.Insert(tx, k, counter{})
		},
	} {
		err := d.Run(t.Context(), db.Step{Name: name, Do: func(tx *db.Tx) error { f(tx); return nil }})
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := d.Run(t.Context(), increment(k, 1, 10)); err != nil {
		t.Fatal(err)
	}
	// An insert without a Get of a key that is taken: an error, and only for that step.
	err := d.Run(t.Context(), db.Step{Name: "dup", Do: func(tx *db.Tx) error { counters.Insert(tx, k, counter{}); return nil }})
	if err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("duplicate: %v", err)
	}
}

func TestCancelledBeforeDepartureDoesNotRun(t *testing.T) {
	d := dbtest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k := db.Key{Scope: 2, ID: 9}
	if err := d.Run(ctx, increment(k, 1, 10)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, ok, _ := counters.Read(t.Context(), d, k); ok {
		t.Fatal("it ran")
	}
}

func TestClosedRefuses(t *testing.T) {
	d := dbtest.Open(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 9)); fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
}

// Text with awkward bytes, the ends of int64 and empty bytes come back as they went.
func TestValuesRoundTrip(t *testing.T) {
	d := dbtest.Open(t)
	want := counter{Kind: "ünï\n'\"\\%_😀", Payload: "", Problem: " ", State: -1 << 63, Due: 1<<63 - 1}
	k := db.Key{Scope: 4, ID: 1<<62 + 1}
	err := d.Run(t.Context(), db.Step{Name: "put", Do: func(tx *db.Tx) error { counters.Insert(tx, k, want); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	got, ok, err := counters.Read(t.Context(), d, k)
	if err != nil || !ok || got != want {
		t.Fatalf("%+v %v %v", got, ok, err)
	}
}

func BenchmarkStep(b *testing.B) {
	d := dbtest.Open(b)
	var n atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			k := db.Key{Scope: 2, ID: n.Add(1)}
			if err := d.Run(b.Context(), increment(k, 1, 9)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	trains, steps := d.Stats()
	b.ReportMetric(float64(steps)/float64(max(trains, 1)), "steps/train")
}
