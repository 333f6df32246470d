package db_test

import (
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

func TestFigures(t *testing.T) {
	d := dbtest.Open(t)
	before := d.Figures()
	if want := map[bool]string{true: "postgres", false: "sqlite"}[dbtest.Postgres()]; before.Engine != want {
		t.Errorf("engine %q, want %q", before.Engine, want)
	}
	release := hold(t, d)
	const places = 4096
	var wg sync.WaitGroup
	for i := range places {
		wg.Go(func() {
			if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: int64(i % 7)}, 1, 1<<40)); err != nil {
				t.Error(err)
			}
		})
	}
	for d.Figures().Queued < places {
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 1<<40)); fault.KindOf(err) != fault.Overloaded {
			t.Error(err)
		}
	}
	if f := d.Figures(); f.Shed-before.Shed != 3 || f.Queued != places || f.Places < places {
		t.Errorf("with a full queue: %+v", f)
	}
	release()
	wg.Wait()
	f := d.Figures()
	trains, steps := d.Stats()
	if f.Queued != 0 || f.Steps-before.Steps != places || f.Trains != trains || f.Steps != steps || f.Trains-before.Trains < places/256 {
		t.Errorf("at the end: %+v, %d trains, %d steps", f, trains, steps)
	}
	last := int64(0)
	for _, bound := range []time.Duration{time.Millisecond, 10 * time.Millisecond, time.Second, 5 * time.Second} {
		if f.Took[bound] < last || f.Took[bound] > f.Trains {
			t.Errorf("trains by time: %v", f.Took)
		}
		last = f.Took[bound]
	}
	if f.Time <= before.Time {
		t.Errorf("all trains took %s", f.Time)
	}
}
