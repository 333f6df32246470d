package job_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

func TestSchedulesTellHowTheyStand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner(t, bubbleDB(t), job.Options{})
		begin, runs := time.Now(), 0
		at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second).UTC() }
		r.Every("sweep", 10*time.Second, func(context.Context) error {
			switch runs++; runs {
			case 1:
				return errors.New("no")
			case 2:
				time.Sleep(3 * time.Second)
			case 3:
				time.Sleep(25 * time.Second)
			}
			return nil
		})
		same := func(when string, lag time.Duration, want job.Schedule) {
			t.Helper()
			synctest.Wait()
			want.Name, want.Interval = "sweep", 10*time.Second
			got := r.Schedules()
			if diff := cmp.Diff([]job.Schedule{want}, got); diff != "" || got[0].Lag(time.Now()) != lag {
				t.Errorf("%s: lag %s\n%s", when, got[0].Lag(time.Now()), diff)
			}
		}
		same("before the start", 0, job.Schedule{})
		start(t, r)
		same("before the first run", 0, job.Schedule{Next: at(10)})
		time.Sleep(11 * time.Second)
		failed := job.Schedule{Next: at(20), Began: at(10), Runs: 1, Failures: 1, Problem: "no", Failed: at(10)}
		same("after an error", 0, failed)
		time.Sleep(10 * time.Second) // 21
		running := failed
		running.Next, running.Running = at(30), true
		same("during a run", 0, running)
		time.Sleep(5 * time.Second) // 26
		done := failed
		done.Began, done.Took, done.Runs, done.Next = at(20), 3*time.Second, 2, at(30)
		same("after it", 0, done)
		time.Sleep(26 * time.Second) // 52, in the run of 30
		late := done
		late.Next, late.Running = at(40), true
		same("during a run that takes too long", 12*time.Second, late)
		time.Sleep(5 * time.Second) // 57
		late.Running, late.Began, late.Took, late.Runs, late.Next = false, at(30), 25*time.Second, 3, at(60)
		same("after that", 0, late)
	})
}

func TestCounts(t *testing.T) {
	d := dbtest.Open(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	enqueue(t, d, "b", now.Add(time.Hour), nil)
	enqueue(t, d, "b", now.Add(2*time.Hour), nil)
	early := enqueue(t, d, "b", time.Time{}, nil)
	dead := enqueue(t, d, "c", time.Time{}, nil)
	first, _, err := job.Read(t.Context(), d, scope, early)
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	r := runner(t, d, job.Options{},
		job.Kind{Name: "c", MaxTries: 1, Handle: func(context.Context, job.Job) error { return errors.New("no") }},
		job.Kind{Name: "d", Lease: time.Hour, Handle: func(context.Context, job.Job) error { <-release; return nil }})
	start(t, r)
	t.Cleanup(func() { close(release) }) // before the runner is stopped
	long := enqueue(t, d, "d", time.Time{}, nil)
	eventually(t, "one is dead and one runs", func() bool {
		list, err := job.Counts(t.Context(), d)
		return err == nil && len(list) == 3 && list[1].Dead == 1 && list[2].Running == 1
	})
	running, _, err := job.Read(t.Context(), d, scope, long)
	if err != nil {
		t.Fatal(err)
	}
	got, err := job.Counts(t.Context(), d, append(r.Kinds(), "a")...)
	want := []job.Count{{Kind: "a"}, {Kind: "b", Waiting: 3, Overdue: 1, Oldest: first.Due}, {Kind: "c", Dead: 1}, {Kind: "d", Running: 1, Oldest: running.Due}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	next, err := job.ListNext(t.Context(), d, 3)
	if err != nil || len(next) != 3 || next[0].Key != early || next[0].Kind != "b" || next[2].Due.Before(next[1].Due) {
		t.Errorf("%+v %v", next, err)
	}
	discard(t, d, dead, early)
}

// discard discards a dead job, once, and not another.
func discard(t *testing.T, d *db.DB, dead, waiting int64) {
	t.Helper()
	try := func(key int64) (j job.Job, err error) {
		err = d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) (err error) {
			j, err = job.Discard(tx, scope, key)
			return err
		}})
		return j, err
	}
	if _, err := try(waiting); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a waiting job is discarded: %v", err)
	}
	if j, err := try(dead); err != nil || j.Kind != "c" || j.Key != dead || j.Problem != "no" || j.Text() != "null" {
		t.Errorf("%+v %v", j, err)
	}
	if _, err := try(dead); fault.KindOf(err) != fault.NotFound {
		t.Errorf("twice: %v", err)
	}
}

func TestIDs(t *testing.T) {
	for _, j := range []job.Job{
		{Scope: id.Scope{}, Key: 1}, {Scope: id.Scope{Account: 1 << 57, Livemode: true}, Key: job.KeyOf("a", "b")}, {Scope: id.Scope{Account: 7}, Key: math.MaxInt64},
	} {
		s, key, ok := job.ParseID(j.ID())
		if !ok || s != j.Scope || key != j.Key {
			t.Errorf("%s: %v %d %t", j.ID(), s, key, ok)
		}
	}
	for _, bad := range []string{"", "job_", "job_1", "job_1_", "job__1", "job_-1_1", "job_1_0", "job_1_-5", "job_1_1_1", "jobs_1_1", "1_1", "job_1_zzzzzzzzzzzzzzzz", "job_é_1"} {
		if s, key, ok := job.ParseID(bad); ok {
			t.Errorf("%q is %v %d", bad, s, key)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("job_0_1")
	f.Add("job_1y2p0ij32e8e7_1")
	f.Fuzz(func(t *testing.T, text string) {
		s, key, ok := job.ParseID(text)
		if !ok {
			return
		}
		if again, k, ok := job.ParseID((job.Job{Scope: s, Key: key}).ID()); !ok || again != s || k != key {
			t.Errorf("%q: %v %d", text, s, key)
		}
	})
}
