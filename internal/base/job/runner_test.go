package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// tally counts effects in rows: tests of jobs know no domain.
type tally struct {
	Count int64
	Note  string
}

var tallies = db.NewTable("meta", "scope, key", "number, text", func(c *tally, f *db.Fields) {
	db.Int(f, &c.Count)
	db.Text(f, &c.Note)
})

var (
	scope = id.Scope{Account: 77}
	quiet = slog.New(slog.DiscardHandler)
)

func tallyKey(key int64) db.Key { return db.Key{Scope: scope.Key(), ID: key} }

// count adds one to the job's tally within its handler's step.
func count(tx *db.Tx, key int64) error {
	c, ok, err := tallies.Get(tx, tallyKey(key))
	if err != nil {
		return err
	}
	c.Count++
	if ok {
		tallies.Update(tx, tallyKey(key), c)
	} else {
		tallies.Insert(tx, tallyKey(key), c)
	}
	return nil
}

func counted(t *testing.T, d *db.DB, key int64) int64 {
	t.Helper()
	c, _, err := tallies.Read(t.Context(), d, tallyKey(key))
	if err != nil {
		t.Fatal(err)
	}
	return c.Count
}

// once is a handler's step: the effect and the end of the job.
func once(d *db.DB, j job.Job) db.Step {
	return db.Step{Name: "test.once", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error {
		if err := count(tx, j.Key); err != nil {
			return err
		}
		return job.Done(tx, j)
	}}
}

func do(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Run(context.WithoutCancel(t.Context()), db.Step{Name: "test", Scope: scope.Key(), Do: f}); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t *testing.T, d *db.DB, kind string, due time.Time, payload any) int64 {
	t.Helper()
	key := d.IDs().Next()
	do(t, d, func(tx *db.Tx) error { return job.Enqueue(tx, scope, key, kind, due, payload) })
	return key
}

func runner(t *testing.T, d *db.DB, o job.Options, kinds ...job.Kind) *job.Runner {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet
	}
	r := job.New(d, o)
	r.Register(kinds...)
	return r
}

func start(t *testing.T, r *job.Runner) {
	t.Helper()
	r.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Error("stop:", err)
		}
	})
}

// eventually waits for a condition of the database.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func gone(t *testing.T, d *db.DB, key int64) func() bool {
	return func() bool {
		_, ok, err := job.Read(t.Context(), d, scope, key)
		if err != nil {
			t.Fatal(err)
		}
		return !ok
	}
}

func TestJobIsHandledWithWhatWasEnqueued(t *testing.T) {
	d := dbtest.Open(t)
	type what struct{ Name string }
	got := make(chan job.Job, 1)
	// A poll of an hour: only the wake-up can bring the job in time.
	start(t, runner(t, d, job.Options{Poll: time.Hour}, job.Kind{Name: "greet", Handle: func(_ context.Context, j job.Job) error {
		got <- j
		return nil
	}}))
	key := enqueue(t, d, "greet", time.Time{}, what{"Ada"})
	j := <-got
	var w what
	if err := j.Payload(&w); err != nil || w.Name != "Ada" || j.Key != key || j.Scope != scope || j.Tries != 1 || j.State != job.Running {
		t.Errorf("got %+v %+v %v", j, w, err)
	}
	eventually(t, "the job is deleted", gone(t, d, key))
}

func TestJobOfAnotherProcessIsFoundByPolling(t *testing.T) {
	address := dbtest.Address(t)
	d, other := dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})
	start(t, runner(t, d, job.Options{Poll: 50 * time.Millisecond}, job.Kind{Name: "k", Handle: func(context.Context, job.Job) error { return nil }}))
	eventually(t, "it is deleted", gone(t, d, enqueue(t, other, "k", time.Time{}, nil)))
}

func TestEnqueueRefusesHugePayloads(t *testing.T) {
	d := dbtest.Open(t)
	for name, payload := range map[string]any{"huge": strings.Repeat("x", job.MaxPayload), "not JSON": func() {}} {
		err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
			return job.Enqueue(tx, scope, 1, "k", time.Time{}, payload)
		}})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEnqueueOnce(t *testing.T) {
	d := dbtest.Open(t)
	var added atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			var mine bool
			err := d.Run(t.Context(), db.Step{Name: "test", Scope: int64(i), Do: func(tx *db.Tx) (err error) {
				mine, err = job.EnqueueOnce(tx, scope, "k", fmt.Sprint("name ", i%3), time.Now().Add(time.Hour), i)
				return err
			}})
			if err != nil {
				t.Error(err)
			}
			if mine {
				added.Add(1)
			}
		})
	}
	wg.Wait()
	if added.Load() != 3 {
		t.Errorf("%d were added, want 3", added.Load())
	}
	for i := range 3 {
		if _, ok, err := job.Read(t.Context(), d, scope, job.KeyOf("k", fmt.Sprint("name ", i))); !ok || err != nil {
			t.Errorf("name %d: %v %v", i, ok, err)
		}
	}
}

func TestLeaseOfAStuckHandlerIsTakenOver(t *testing.T) {
	address := dbtest.Address(t)
	first, second := dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})
	const lease = 300 * time.Millisecond
	stuck, release, late := make(chan job.Job, 1), make(chan struct{}), make(chan error, 1)
	start(t, runner(t, first, job.Options{Poll: 20 * time.Millisecond, Parallel: 1}, job.Kind{Name: "k", Lease: lease, Timeout: lease, Handle: func(_ context.Context, j job.Job) error {
		stuck <- j
		<-release // ignores its context, as a process that hangs would
		late <- first.Run(context.Background(), once(first, j))
		return nil
	}}))
	key := enqueue(t, first, "k", time.Time{}, nil)
	claimed := <-stuck
	begun := make(chan time.Time, 1)
	start(t, runner(t, second, job.Options{Poll: 20 * time.Millisecond}, job.Kind{Name: "k", Handle: func(ctx context.Context, j job.Job) error {
		begun <- time.Now()
		return second.Run(ctx, once(second, j))
	}}))
	if at := <-begun; at.Before(claimed.Due) {
		t.Errorf("taken over at %v, before the lease ended at %v", at, claimed.Due)
	}
	eventually(t, "the second runner is done", gone(t, second, key))
	close(release)
	if err := <-late; !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the first runner's Done: %v, want ErrLeaseLost", err)
	}
	if n := counted(t, second, key); n != 1 {
		t.Errorf("the effect happened %d times", n)
	}
}

// A runner that takes over its own stuck job is as strange to the stuck handler
// as any other.
func TestLeaseIsLostToTheSameProcessToo(t *testing.T) {
	d := dbtest.Open(t)
	const lease = 200 * time.Millisecond
	late := make(chan error, 1)
	start(t, runner(t, d, job.Options{Poll: 20 * time.Millisecond}, job.Kind{Name: "k", Lease: lease, Timeout: lease, Handle: func(ctx context.Context, j job.Job) error {
		if j.Tries == 1 {
			eventually(t, "the second run is done", gone(t, d, j.Key))
			late <- d.Run(context.Background(), once(d, j))
			return nil
		}
		return d.Run(ctx, once(d, j))
	}}))
	key := enqueue(t, d, "k", time.Time{}, nil)
	if err := <-late; !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("Done = %v, want ErrLeaseLost", err)
	}
	if n := counted(t, d, key); n != 1 {
		t.Errorf("the effect happened %d times", n)
	}
}

// While its successor is still at the job, a handler that has lost its lease
// can neither end the job nor have its effect.
func TestLostLeaseIsRefusedWhileTheSuccessorRuns(t *testing.T) {
	d := dbtest.Open(t)
	const lease = 150 * time.Millisecond
	late := make(chan error, 2)
	tried := make(chan struct{})
	start(t, runner(t, d, job.Options{Poll: 20 * time.Millisecond}, job.Kind{Name: "k", Lease: lease, Timeout: lease, MaxTries: 50, Handle: func(ctx context.Context, j job.Job) error {
		if j.Tries > 1 {
			<-tried
			return d.Run(context.Background(), once(d, j))
		}
		eventually(t, "the successor has the lease", func() bool {
			now, _, err := job.Read(t.Context(), d, scope, j.Key)
			return err == nil && now.Tries > 1
		})
		late <- d.Run(context.Background(), once(d, j))
		late <- d.Run(context.Background(), db.Step{Name: "test", Do: func(tx *db.Tx) error { return job.Again(tx, j, tx.Now()) }})
		close(tried)
		return nil
	}}))
	key := enqueue(t, d, "k", time.Time{}, nil)
	for _, what := range []string{"Done", "Again"} {
		if err := <-late; !errors.Is(err, job.ErrLeaseLost) {
			t.Errorf("%s = %v, want ErrLeaseLost", what, err)
		}
	}
	eventually(t, "the job is done", gone(t, d, key))
	if n := counted(t, d, key); n != 1 {
		t.Errorf("the effect happened %d times", n)
	}
}

func TestTwoRunnersUnderLoadDoEachJobOnce(t *testing.T) {
	address := dbtest.Address(t)
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	const n = 400
	seed := uint64(1)
	t.Log("seed", seed)
	var runs atomic.Int64
	for _, d := range handles {
		start(t, runner(t, d, job.Options{Poll: 20 * time.Millisecond, Parallel: 24, Seed: int64(seed)}, job.Kind{
			Name: "k", Lease: 400 * time.Millisecond, Timeout: 300 * time.Millisecond, MaxTries: 1000, Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond,
			Handle: func(_ context.Context, j job.Job) error {
				runs.Add(1)
				switch rand.New(rand.NewPCG(seed, uint64(j.Key)^uint64(j.Tries))).IntN(12) {
				case 0:
					return errors.New("before the effect")
				case 1:
					panic("before the effect")
				case 2: // the answer is lost after the effect
					_ = d.Run(context.Background(), once(d, j))
					return errors.New("after the effect")
				case 3: // beyond the lease
					time.Sleep(450 * time.Millisecond)
				}
				return d.Run(context.Background(), once(d, j))
			}}))
	}
	keys := make([]int64, n)
	var wg sync.WaitGroup
	for i := range n {
		keys[i] = handles[i%2].IDs().Next()
		wg.Go(func() {
			err := handles[i%2].Run(context.Background(), db.Step{Name: "test", Scope: int64(i), Do: func(tx *db.Tx) error {
				return job.Enqueue(tx, scope, keys[i], "k", time.Time{}, i)
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, key := range keys {
		eventually(t, "all jobs are done", gone(t, handles[0], key))
	}
	for _, key := range keys {
		if c := counted(t, handles[0], key); c != 1 {
			t.Errorf("job %d had its effect %d times (seed %d)", key, c, seed)
		}
	}
	if runs.Load() <= n {
		t.Errorf("%d runs for %d jobs: nothing was repeated", runs.Load(), n)
	}
}

func TestDeadJobIsListedAndRetried(t *testing.T) {
	d := dbtest.Open(t)
	var healed atomic.Bool
	start(t, runner(t, d, job.Options{}, job.Kind{Name: "k", MaxTries: 3, Backoff: time.Millisecond, Handle: func(_ context.Context, j job.Job) error {
		if healed.Load() {
			return nil
		}
		return fmt.Errorf("no use, try %d", j.Tries)
	}}))
	key := enqueue(t, d, "k", time.Time{}, "kept")
	var dead []job.Job
	eventually(t, "the job is dead", func() bool {
		var err error
		if dead, err = job.ListDead(t.Context(), d, scope, 0, 10); err != nil {
			t.Fatal(err)
		}
		return len(dead) == 1
	})
	j := dead[0]
	if j.Key != key || j.State != job.Dead || !j.Due.IsZero() || j.Tries != 3 || j.Problem != "no use, try 3" {
		t.Errorf("dead job %+v", j)
	}
	if all, err := job.ListAllDead(t.Context(), d, id.Scope{}, 0, 10); err != nil || len(all) != 1 || all[0].Key != key {
		t.Errorf("over all scopes: %+v %v", all, err)
	}
	if more, err := job.ListDead(t.Context(), d, scope, key, 10); err != nil || len(more) != 0 {
		t.Errorf("after it: %+v %v", more, err)
	}
	if none, err := job.ListDead(t.Context(), d, id.Scope{Account: 78}, 0, 10); err != nil || len(none) != 0 {
		t.Errorf("another scope sees %+v %v", none, err)
	}
	healed.Store(true)
	do(t, d, func(tx *db.Tx) error { return job.Retry(tx, scope, key) })
	eventually(t, "the retried job is done", gone(t, d, key))
	err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error { return job.Retry(tx, scope, key) }})
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("retry of none: %v", err)
	}
}

func TestRetryAndRemove(t *testing.T) {
	d := dbtest.Open(t)
	key := enqueue(t, d, "k", time.Now().Add(time.Hour), nil)
	err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error { return job.Retry(tx, scope, key) }})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("retry of a waiting job: %v", err)
	}
	for _, want := range []bool{true, false} {
		do(t, d, func(tx *db.Tx) error {
			if got, err := job.Remove(tx, scope, key); err != nil || got != want {
				return fmt.Errorf("removed %v %v, want %v", got, err, want)
			}
			return nil
		})
	}
}

func TestPanicCountsAsFailure(t *testing.T) {
	d := dbtest.Open(t)
	start(t, runner(t, d, job.Options{}, job.Kind{Name: "k", MaxTries: 2, Backoff: time.Millisecond, Handle: func(context.Context, job.Job) error {
		var none map[string]int
		none["x"] = 1
		return nil
	}}))
	key := enqueue(t, d, "k", time.Time{}, nil)
	var j job.Job
	eventually(t, "the job is dead", func() bool {
		j, _, _ = job.Read(t.Context(), d, scope, key)
		return j.State == job.Dead
	})
	if j.Tries != 2 || !strings.Contains(j.Problem, "assignment to entry in nil map") {
		t.Errorf("%+v", j)
	}
}

func TestAgainStartsAnotherRound(t *testing.T) {
	d := dbtest.Open(t)
	var rounds atomic.Int64
	start(t, runner(t, d, job.Options{}, job.Kind{Name: "k", MaxTries: 2, Backoff: time.Millisecond, Handle: func(ctx context.Context, j job.Job) error {
		n := rounds.Add(1)
		if n%2 == 1 {
			return errors.New("every first try of a round fails")
		}
		return d.Run(ctx, db.Step{Name: "test", Scope: j.Scope.Key(), Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error {
			if err := count(tx, j.Key); err != nil {
				return err
			}
			if n < 8 {
				return job.Again(tx, j, tx.Now().Add(time.Millisecond))
			}
			return job.Done(tx, j)
		}})
	}}))
	key := enqueue(t, d, "k", time.Time{}, nil)
	eventually(t, "four rounds are over", gone(t, d, key))
	if n := counted(t, d, key); n != 4 {
		t.Errorf("%d effects, want 4", n)
	}
}

// A kind that has filled its room, and jobs of a kind that nobody here knows,
// leave the others alone.
func TestNoKindStarvesAnother(t *testing.T) {
	d := dbtest.Open(t)
	release := make(chan struct{})
	for range 40 {
		enqueue(t, d, "unknown", time.Time{}, nil)
		enqueue(t, d, "slow", time.Time{}, nil)
	}
	var slow, most atomic.Int64
	start(t, runner(t, d, job.Options{Parallel: 8},
		job.Kind{Name: "slow", Parallel: 3, Handle: func(context.Context, job.Job) error {
			n := slow.Add(1)
			defer slow.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			<-release
			return nil
		}},
		job.Kind{Name: "quick", Handle: func(context.Context, job.Job) error { return nil }}))
	var keys []int64
	for range 30 {
		keys = append(keys, enqueue(t, d, "quick", time.Time{}, nil))
	}
	for _, key := range keys {
		eventually(t, "quick jobs are done", gone(t, d, key))
	}
	close(release)
	if most.Load() != 3 {
		t.Errorf("%d slow ones ran at once, want 3", most.Load())
	}
}
