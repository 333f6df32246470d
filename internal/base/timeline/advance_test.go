package timeline_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/kit/id"
)

var scope = id.Scope{Account: 77}

// nothing belongs to the clocks.
type nothing struct{}

func (nothing) DeleteOf(context.Context, id.Scope, int64) error          { return nil }
func (nothing) Join(*db.Tx, id.Scope, int64, int64, event.Request) error { return nil }

// errand is work that notes when it ran, and may plan more.
type errand struct {
	Clock int64
	Name  string
	Then  time.Duration // after which "again" is to run; zero: never
}

// watch runs the work of clocks and notes, of each errand, what its clock showed.
type watch struct {
	*timeline.Service
	mu  sync.Mutex
	ran []string
}

func (w *watch) run(ctx context.Context, j job.Job) error {
	var e errand
	if err := j.Payload(&e); err != nil {
		return err
	}
	var now time.Time
	err := w.DB.Run(ctx, db.Step{Name: "test.errand", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) (err error) {
		if now, err = timeline.Now(tx, j.Scope, e.Clock); err != nil {
			return err
		}
		if e.Then != 0 {
			if err := timeline.Enqueue(tx, j.Scope, e.Clock, "errand", now.Add(e.Then), errand{Clock: e.Clock, Name: "again"}); err != nil {
				return err
			}
		}
		return job.Done(tx, j)
	}})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran = append(w.ran, e.Name+" "+now.UTC().Format(time.DateTime))
	return err
}

// Work on a clock's line runs in the order of its times, each when the clock
// shows that time, whatever the order in which it was planned; what it plans on
// the way is served in its place, and what lies beyond stays.
func TestWorkRunsInItsOrder(t *testing.T) {
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{Service: &timeline.Service{DB: d, Keys: &idem.Keys{Sealer: master}, Belongings: nothing{}}}
	runner := job.New(d, job.Options{Logger: slog.New(slog.DiscardHandler)})
	runner.Register(
		job.Kind{Name: timeline.AdvanceJob, Lease: time.Minute, MaxTries: 3, Handle: w.Move},
		job.Kind{Name: "errand", Lease: time.Minute, MaxTries: 3, Handle: w.run},
	)
	runner.Start()
	t.Cleanup(func() { _ = runner.Stop(context.Background()) })

	begin := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	made, err := w.Create(t.Context(), scope, "", begin, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	clock := made.Shown[0].Key
	plan := func(name string, days int, then time.Duration) {
		t.Helper()
		if err := d.Run(t.Context(), db.Step{Name: "test.plan", Scope: scope.Key(), Do: func(tx *db.Tx) error {
			return timeline.Enqueue(tx, scope, clock, "errand", begin.AddDate(0, 0, days), errand{clock, name, then})
		}}); err != nil {
			t.Fatal(err)
		}
	}
	plan("third", 30, 0)
	plan("beyond", 400, 0)
	plan("first", 1, 48*time.Hour)
	plan("second", 20, 0)
	if _, err := w.Advance(t.Context(), scope, clock, begin.AddDate(1, 0, 0), nil); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		o, ok, err := timeline.Clocks.Read(t.Context(), d, scope, clock)
		if err != nil || !ok || time.Now().After(deadline) {
			t.Fatal("the clock does not arrive", ok, err)
		}
		if !o.Body.Advancing() {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	want := []string{"first 2027-01-02 00:00:00", "again 2027-01-04 00:00:00", "second 2027-01-21 00:00:00", "third 2027-01-31 00:00:00"}
	if diff := cmp.Diff(want, w.ran); diff != "" {
		t.Error(diff)
	}
}
