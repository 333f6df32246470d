package db_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

func needPostgres(t testing.TB) {
	t.Helper()
	if !dbtest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server")
	}
}

// lossy opens a fresh database through a proxy, beside a handle that goes
// straight to it.
func lossy(t *testing.T, decide func(kind byte, isCommit bool) cut) (through, straight *db.DB, p *proxy) {
	t.Helper()
	needPostgres(t)
	address := dbtest.Address(t)
	straight = dbtest.OpenAt(t, address, db.Options{})
	var on atomic.Bool
	p, address = newProxy(t, address, func(kind byte, isCommit bool) cut {
		if !on.Load() {
			return pass
		}
		return decide(kind, isCommit)
	})
	through = dbtest.OpenAt(t, address, db.Options{Logger: slog.New(slog.DiscardHandler)})
	on.Store(true)
	return through, straight, p
}

// addUp sends n steps, each adding 1 to one of few rows and to a row of its
// own, from many goroutines, and says which were confirmed.
func addUp(t *testing.T, d *db.DB, n int) (confirmed []bool) {
	t.Helper()
	confirmed = make([]bool, n)
	const workers = 25 // fewer than steps, so that there are many trains
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				err := d.Run(t.Context(), addStep(i))
				confirmed[i] = err == nil
				if err != nil && fault.KindOf(err) != fault.Unavailable {
					t.Errorf("step %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	return confirmed
}

func addStep(i int) db.Step {
	scope := int64(2 + 2*(i%5))
	shared, own := db.Key{Scope: scope, ID: 1}, db.Key{Scope: scope, ID: int64(1000 + i)}
	return db.Step{Name: "test.add", Scope: scope, Do: func(tx *db.Tx) error {
		for _, k := range []db.Key{shared, own} {
			c, ok, err := counters.Get(tx, k)
			if err != nil {
				return err
			}
			c.State++
			if ok {
				counters.Update(tx, k, c)
			} else {
				counters.Insert(tx, k, c)
			}
		}
		return nil
	}}
}

// checkSums compares what is stored with what was confirmed: each confirmed
// step counts once, each refused one not at all.
func checkSums(t *testing.T, d *db.DB, confirmed []bool) {
	t.Helper()
	want := map[int64]int64{}
	for i, ok := range confirmed {
		scope := int64(2 + 2*(i%5))
		c, _, err := counters.Read(t.Context(), d, db.Key{Scope: scope, ID: int64(1000 + i)})
		if err != nil {
			t.Fatal(err)
		}
		var once int64
		if ok {
			once = 1
			want[scope]++
		}
		if c.State != once {
			t.Errorf("step %d, confirmed %v, had its effect %d times", i, ok, c.State)
		}
	}
	for scope, n := range want {
		c, _, err := counters.Read(t.Context(), d, db.Key{Scope: scope, ID: 1})
		if err != nil || c.State != n {
			t.Errorf("scope %d counts %d, want %d: %v", scope, c.State, n, err)
		}
	}
}

func TestConnectionCutAroundCommit(t *testing.T) {
	for name, what := range map[string]cut{"before it is sent": beforeCommit, "after it is carried out": afterCommit, "while it is under way": withCommit} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			through, straight, p := lossy(t, func(_ byte, isCommit bool) cut {
				if isCommit && n.Add(1)%2 == 1 {
					return what
				}
				return pass
			})
			confirmed := addUp(t, through, 300)
			checkSums(t, straight, confirmed)
			for i, ok := range confirmed {
				if !ok {
					t.Errorf("step %d was not carried out", i)
				}
			}
			if p.cuts[what].Load() == 0 {
				t.Error("nothing was cut")
			}
		})
	}
}

// The answer to COMMIT is lost and then the server is gone for longer than
// trains are usually tried: what was committed may not be done again, nor be
// called refused.
func TestAnswerLostAndServerGone(t *testing.T) {
	var p *proxy
	var n atomic.Int64
	through, straight, p := lossy(t, func(_ byte, isCommit bool) cut {
		if isCommit && n.Add(1) == 3 {
			p.down.Store(true)
			time.AfterFunc(1500*time.Millisecond, func() { p.down.Store(false) })
			return afterCommit
		}
		return pass
	})
	// Steps behind the train in doubt wait for it, or are refused while the server is gone.
	checkSums(t, straight, addUp(t, through, 300))
	if p.cuts[afterCommit].Load() != 1 {
		t.Error("no answer was lost")
	}
}

func TestConnectionCutAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 0))
			through, straight, p := lossy(t, func(kind byte, isCommit bool) cut {
				mu.Lock()
				defer mu.Unlock()
				switch n := random.IntN(100); {
				case isCommit && n < 60:
					return cut(1 + n%3)
				case kind != 'p' && n < 2:
					return before
				}
				return pass
			})
			checkSums(t, straight, addUp(t, through, 200))
			if p.cuts[before].Load()+p.cuts[afterCommit].Load() == 0 {
				t.Error("nothing was cut")
			}
		})
	}
}

// Steps that can't reach the server are refused all at once, not each after
// its own tries.
func TestServerGoneRefusesSoon(t *testing.T) {
	through, straight, p := lossy(t, func(byte, bool) cut { return before })
	p.down.Store(true)
	begin := time.Now()
	confirmed := addUp(t, through, 500)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	checkSums(t, straight, confirmed)
	for i, ok := range confirmed {
		if ok {
			t.Errorf("step %d was confirmed without a server", i)
		}
	}
}
