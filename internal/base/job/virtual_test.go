package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
)

// history notes what happens in virtual time.
type history struct {
	mu    sync.Mutex
	lines []string
}

func (h *history) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, time.Now().UTC().Format("2006-01-02 15:04:05.000000 ")+fmt.Sprintf(format, args...))
}

// sorted orders what happened at one instant, which has no order of its own.
func (h *history) sorted() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.lines))
}

func bubbleDB(t *testing.T) *db.DB {
	return dbtest.OpenAt(t, dbtest.SQLite(t), db.Options{Serial: true})
}

// month runs 30 days of failing jobs, jobs that come in rounds and schedules.
func month(t *testing.T, seed int64) (lines []string) {
	synctest.Test(t, func(t *testing.T) {
		d, h, random := bubbleDB(t), &history{}, rand.New(rand.NewPCG(uint64(seed), 0))
		begin := time.Now()
		r := runner(t, d, job.Options{Seed: seed, Poll: time.Hour},
			job.Kind{Name: "flaky", MaxTries: 40, Backoff: time.Minute, MaxBackoff: 2 * 24 * time.Hour, Handle: func(_ context.Context, j job.Job) error {
				h.note("flaky %d try %d", j.Key, j.Tries)
				if j.Tries < 12 {
					return errors.New("not yet")
				}
				return nil
			}},
			job.Kind{Name: "daily", Handle: func(ctx context.Context, j job.Job) error {
				h.note("daily")
				return d.Run(ctx, db.Step{Name: "test", Scope: j.Scope.Key(), Do: func(tx *db.Tx) error {
					return job.Again(tx, j, j.Created.Add(24*time.Hour*time.Duration(1+time.Since(j.Created)/(24*time.Hour))))
				}})
			}},
			job.Kind{Name: "doomed", MaxTries: 5, Handle: func(_ context.Context, j job.Job) error {
				h.note("doomed %d try %d", j.Key, j.Tries)
				return errors.New("never")
			}})
		r.Every("hourly", time.Hour, func(context.Context) error { h.note("hourly"); return nil })
		for range 40 {
			enqueue(t, d, "flaky", begin.Add(time.Duration(random.Int64N(int64(10*24*time.Hour)))), nil)
			enqueue(t, d, "doomed", begin.Add(time.Duration(random.Int64N(int64(20*24*time.Hour)))), nil)
		}
		enqueue(t, d, "daily", begin, nil)
		r.Start()
		time.Sleep(30*24*time.Hour + time.Minute)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		lines = h.sorted()
		dead, err := job.ListDead(t.Context(), d, scope, 0, 100)
		if err != nil || len(dead) != 40 {
			t.Errorf("%d dead, want 40: %v", len(dead), err)
		}
	})
	return lines
}

func TestThirtyDaysPassInSecondsAndEqualSeedsAreEqual(t *testing.T) {
	begin := time.Now()
	first, again, other := month(t, 1), month(t, 1), month(t, 2)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("equal seeds differ: %s", diff)
	}
	if slices.Equal(first, other) {
		t.Error("different seeds are equal")
	}
	counts := map[string]int{}
	for _, l := range first {
		counts[strings.Fields(l)[2]]++
	}
	if diff := cmp.Diff(map[string]int{"hourly": 720, "daily": 31, "doomed": 200, "flaky": 480}, counts); diff != "" {
		t.Error("want -, got +:", diff)
	}
	t.Logf("three months in %v", time.Since(begin))
}

func TestJobsRunAtTheirTimeToTheMicrosecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		var late []time.Duration
		start(t, runner(t, d, job.Options{Parallel: 1}, job.Kind{Name: "k", Handle: func(_ context.Context, j job.Job) error {
			var due time.Time
			err := j.Payload(&due)
			late = append(late, time.Since(due))
			return err
		}}))
		for _, in := range []time.Duration{1300 * time.Millisecond, 70 * time.Millisecond, 10 * time.Second, time.Microsecond} {
			due := time.Now().Add(in)
			enqueue(t, d, "k", due, due)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(late) != 4 || slices.Max(late) > time.Microsecond || slices.Min(late) < 0 {
			t.Errorf("late by %v", late)
		}
	})
}

func TestTimeoutEndsTheHandlersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		var took time.Duration
		start(t, runner(t, d, job.Options{}, job.Kind{Name: "k", Timeout: 20 * time.Second, MaxTries: 1, Handle: func(ctx context.Context, _ job.Job) error {
			begin := time.Now()
			<-ctx.Done()
			took = time.Since(begin)
			return ctx.Err()
		}}))
		key := enqueue(t, d, "k", time.Time{}, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		j, _, err := job.Read(t.Context(), d, scope, key)
		if err != nil || j.State != job.Dead || !strings.Contains(j.Problem, "took longer") || took != 20*time.Second {
			t.Errorf("after %v: %+v %v", took, j, err)
		}
	})
}

// A job at which processes die again and again must not go on for ever.
func TestTriesLostWithTheirProcessCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		var runs atomic.Int64
		never := make(chan struct{})
		start(t, runner(t, d, job.Options{}, job.Kind{Name: "k", Lease: time.Minute, MaxTries: 3, Handle: func(context.Context, job.Job) error {
			runs.Add(1)
			<-never
			return nil
		}}))
		key := enqueue(t, d, "k", time.Time{}, nil)
		time.Sleep(time.Hour)
		j, _, err := job.Read(t.Context(), d, scope, key)
		if err != nil || j.State != job.Dead || runs.Load() != 3 || !strings.Contains(j.Problem, "without a result") {
			t.Errorf("%d runs: %+v %v", runs.Load(), j, err)
		}
		close(never)
		time.Sleep(time.Second)
	})
}

func TestStopWaitsForHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		r := runner(t, d, job.Options{Parallel: 1}, job.Kind{Name: "k", Handle: func(context.Context, job.Job) error {
			time.Sleep(10 * time.Second)
			return nil
		}})
		first := enqueue(t, d, "k", time.Time{}, nil)
		second := enqueue(t, d, "k", time.Time{}, nil)
		r.Start()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if err := r.Stop(ctx); err != nil || time.Since(begin) != 9*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(begin), err)
		}
		if !gone(t, d, first)() {
			t.Error("the job that was running is not done")
		}
		if j, ok, _ := job.Read(t.Context(), d, scope, second); !ok || j.State != job.Waiting {
			t.Errorf("the other was claimed: %+v", j)
		}
	})
}

func TestStopEndsHandlersThatTakeTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		kind := job.Kind{Name: "k", Lease: time.Minute, Handle: func(ctx context.Context, j job.Job) error {
			if j.Tries > 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		r := runner(t, d, job.Options{}, kind)
		key := enqueue(t, d, "k", time.Time{}, nil)
		r.Start()
		begin := time.Now()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 6*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(begin), err)
		}
		j, _, err := job.Read(t.Context(), d, scope, key)
		if err != nil || j.State != job.Running || j.Problem != "" {
			t.Errorf("left as %+v %v", j, err)
		}
		start(t, runner(t, d, job.Options{}, kind))
		time.Sleep(time.Until(j.Due) - time.Millisecond)
		if gone(t, d, key)() {
			t.Error("taken over before the lease ended")
		}
		time.Sleep(time.Second)
		if !gone(t, d, key)() {
			t.Error("not taken over after the lease ended")
		}
	})
}

func TestStopDoesNotWaitForWhoIgnoresIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		never := make(chan struct{})
		r := runner(t, d, job.Options{}, job.Kind{Name: "k", Handle: func(context.Context, job.Job) error { <-never; return nil }})
		enqueue(t, d, "k", time.Time{}, nil)
		r.Start()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		if err := r.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 7*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(begin), err)
		}
		close(never)
		time.Sleep(time.Second)
	})
}

func TestScheduleNeverOverlapsAndSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := bubbleDB(t)
		r := runner(t, d, job.Options{})
		begin := time.Now()
		var at []time.Duration
		running := 0
		r.Every("sweep", 10*time.Second, func(context.Context) error {
			running++
			defer func() { running-- }()
			if running > 1 {
				t.Error("overlaps with itself")
			}
			at = append(at, time.Since(begin))
			switch len(at) {
			case 1:
				return errors.New("no")
			case 2:
				panic("no")
			case 3:
				time.Sleep(25 * time.Second) // leaves out two
			}
			return nil
		})
		start(t, r)
		time.Sleep(75 * time.Second)
		synctest.Wait()
		want := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 60 * time.Second, 70 * time.Second}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Error(diff)
		}
	})
}

// lines counts what is logged.
type lines struct {
	slog.Handler
	n atomic.Int64
}

func (l *lines) Enabled(context.Context, slog.Level) bool  { return true }
func (l *lines) Handle(context.Context, slog.Record) error { l.n.Add(1); return nil }

// A database that refuses is asked again at every poll, no more often.
func TestRunnerWithoutADatabaseNeitherSpinsNorDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, logged := bubbleDB(t), &lines{}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		r := runner(t, d, job.Options{Logger: slog.New(logged)}, job.Kind{Name: "k", Handle: func(context.Context, job.Job) error { return nil }})
		r.Start()
		time.Sleep(time.Minute)
		if err := r.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if n := logged.n.Load(); n < 119 || n > 121 {
			t.Errorf("%d attempts in a minute, want one in half a second", n)
		}
	})
}
