package db_test

import (
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

func TestFigures(t *testing.T) {
	d := dbtest.Open(t)
	before := d.Figures()
	if want := map[bool]string{true: "postgres", false: "sqlite"}[dbtest.Postgres()]; before.Engine != want {
		t.Errorf("engine %q, want %q", before.Engine, want)
	}
	release := hold(t, d)
	const places = 4096 // far more than ride in one train
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
	if f := d.Figures(); f.Queued != places || f.Lines != 1 {
		t.Errorf("with a long queue: %+v", f)
	}
	release()
	wg.Wait()
	f := d.Figures()
	trains, steps := d.Stats()
	if f.Queued != 0 || f.Lines != 0 || f.Steps-before.Steps != places || f.Took.Count != trains || f.Steps != steps || f.Took.Count-before.Took.Count < places/256 {
		t.Errorf("at the end: %+v, %d trains, %d steps", f, trains, steps)
	}
	if n := f.Waited.Count - before.Waited.Count; n != places+1 { // the one that held the others was refused
		t.Errorf("%d steps have waited, want %d", n, places+1)
	}
	for _, times := range []db.Times{f.Took, f.Waited} {
		last := int64(0)
		for _, bound := range []time.Duration{time.Millisecond, 10 * time.Millisecond, time.Second, 5 * time.Second} {
			if times.Within[bound] < last || times.Within[bound] > times.Count {
				t.Errorf("by time: %v", times)
			}
			last = times.Within[bound]
		}
	}
	if f.Took.Sum <= before.Took.Sum || f.Waited.Sum <= before.Waited.Sum {
		t.Errorf("all trains took %s, and all steps waited %s", f.Took.Sum, f.Waited.Sum)
	}
}
