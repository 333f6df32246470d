package db_test

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// The model test runs random steps at once and then, one after another, in
// the order of a row that every accepted step has numbered itself by, on a map.
// What each step saw, and what is stored at the end, must be the same.

const (
	orderRow   = 1 // counts accepted steps
	firstPurse = 10
	purses     = 4 // their sum never changes
	firstLoose = 20
	loose      = 5 // come and go
)

var errRefused = errors.New("refused by the model test")

// action is one random step.
type action struct {
	kind       int
	a, b       int64 // keys
	n          int64
	needs      bool // the rows are named beforehand
	order      int64
	saw        []int64
	wantFailed bool
}

const (
	setRow = iota
	deleteRow
	transfer
	look
	refuse
	panicking
	replace
	fleeting
	actions
)

// rows is what an action works on: a train's or the model's.
type rows interface {
	get(key int64) (int64, bool, error)
	put(key, n int64, there bool)
	del(key int64)
}

func randomAction(random *rand.Rand) *action {
	a := &action{kind: random.IntN(actions), n: random.Int64N(50), needs: random.IntN(2) == 0}
	if a.kind == transfer {
		a.a, a.b = firstPurse+random.Int64N(purses), firstPurse+random.Int64N(purses)
	} else {
		a.a, a.b = firstLoose+random.Int64N(loose), firstLoose+random.Int64N(loose)
	}
	a.wantFailed = a.kind == refuse || a.kind == panicking
	return a
}

// do carries the action out. It is written as any step is: it may run again.
func (a *action) do(r rows) error {
	a.saw = nil
	see := func(key int64) (int64, bool, error) {
		n, ok, err := r.get(key)
		if !ok {
			n = -1
		}
		a.saw = append(a.saw, n)
		return n, ok, err
	}
	n, ok, err := see(a.a)
	if err != nil {
		return err
	}
	switch a.kind {
	case setRow:
		r.put(a.a, a.n, ok)
	case deleteRow:
		if ok {
			r.del(a.a)
		}
	case transfer:
		to, _, err := see(a.b)
		if err != nil {
			return err
		}
		if a.a == a.b || n < a.n {
			return errRefused
		}
		r.put(a.a, n-a.n, true)
		r.put(a.b, to+a.n, true)
	case look:
		var sum int64
		for i := range int64(purses) {
			n, _, err := see(firstPurse + i)
			if err != nil {
				return err
			}
			sum += n
		}
		if sum != 100*purses {
			return fmt.Errorf("the purses hold %d", sum)
		}
	case refuse, panicking:
		r.put(a.a, 1<<40, ok)
		if a.kind == panicking {
			panic("by the model test")
		}
		return errRefused
	case replace:
		if ok {
			r.del(a.a)
		}
		r.put(a.a, a.n, false)
	case fleeting:
		if !ok {
			r.put(a.a, a.n, false)
			r.put(a.a, a.n+1, true)
			r.del(a.a)
		}
	}
	return nil
}

// stored is a train's rows in one scope.
type stored struct {
	tx    *db.Tx
	scope int64
}

func (s stored) key(key int64) db.Key { return db.Key{Scope: s.scope, ID: key} }

func (s stored) get(key int64) (int64, bool, error) {
	c, ok, err := counters.Get(s.tx, s.key(key))
	return c.State, ok, err
}

func (s stored) put(key, n int64, there bool) {
	if there {
		counters.Update(s.tx, s.key(key), counter{State: n})
	} else {
		counters.Insert(s.tx, s.key(key), counter{State: n})
	}
}

func (s stored) del(key int64) { counters.Delete(s.tx, s.key(key)) }

type model map[int64]int64

func (m model) get(key int64) (int64, bool, error) { n, ok := m[key]; return n, ok, nil }
func (m model) put(key, n int64, _ bool)           { m[key] = n }
func (m model) del(key int64)                      { delete(m, key) }

// step wraps an action so that it numbers itself if it is accepted.
func (a *action) step(scope int64) db.Step {
	step := db.Step{Name: "test.model", Scope: scope, Do: func(tx *db.Tx) error {
		s := stored{tx, scope}
		if err := a.do(s); err != nil {
			return err
		}
		n, _, err := s.get(orderRow)
		if err != nil {
			return err
		}
		a.order = n + 1
		s.put(orderRow, a.order, true)
		return nil
	}}
	if a.needs {
		s := stored{scope: scope}
		for _, key := range []int64{orderRow, a.b, a.a} {
			step.Needs = append(step.Needs, counters.Need(s.key(key)))
		}
	}
	return step
}

func TestRandomStepsAgainstAModel(t *testing.T) {
	runs := 60
	if dbtest.Postgres() {
		runs = 24 // each takes a while
	}
	address := dbtest.Address(t)
	options := db.Options{Logger: slog.New(slog.DiscardHandler)}
	handles := []*db.DB{dbtest.OpenAt(t, address, options), dbtest.OpenAt(t, address, options)}
	base := uint64(1)
	for run := range runs {
		modelRun(t, handles[:1+run%2], base+uint64(run), int64(1000+run))
		if t.Failed() {
			return
		}
	}
}

func modelRun(t *testing.T, handles []*db.DB, seed uint64, scope int64) {
	t.Helper()
	m := model{orderRow: 0}
	for i := range int64(purses) {
		m[firstPurse+i] = 100
	}
	err := handles[0].Run(t.Context(), db.Step{Name: "test.begin", Scope: scope, Do: func(tx *db.Tx) error {
		for key, n := range m {
			stored{tx, scope}.put(key, n, false)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	const workers, each = 16, 5
	all := make([]*action, workers*each)
	var wg sync.WaitGroup
	for w := range workers {
		random := rand.New(rand.NewPCG(seed, uint64(w)))
		wg.Go(func() {
			for i := range each {
				a := randomAction(random)
				all[w*each+i] = a
				err := handles[w%len(handles)].Run(t.Context(), a.step(scope))
				if err != nil {
					a.order = 0
				}
				if refused := errors.Is(err, errRefused); err != nil && !refused && a.kind != panicking || a.wantFailed && err == nil {
					t.Errorf("seed %d: action %+v: %v", seed, *a, err)
				}
			}
		})
	}
	wg.Wait()
	m.replay(t, seed, all)
	compareStored(t, handles[0], m, seed, scope)
}

func (m model) replay(t *testing.T, seed uint64, all []*action) {
	t.Helper()
	accepted := slices.DeleteFunc(slices.Clone(all), func(a *action) bool { return a.order == 0 })
	slices.SortFunc(accepted, func(a, b *action) int { return cmp.Compare(a.order, b.order) })
	for i, a := range accepted {
		again := *a
		if a.order != int64(i+1) {
			t.Fatalf("seed %d: action %d numbered itself %d", seed, i+1, a.order)
		}
		if err := again.do(m); err != nil || !slices.Equal(again.saw, a.saw) {
			t.Errorf("seed %d: action %+v would have seen %v: %v", seed, *a, again.saw, err)
		}
		m[orderRow] = a.order
	}
}

func compareStored(t *testing.T, d *db.DB, m model, seed uint64, scope int64) {
	t.Helper()
	got := model{}
	for _, key := range slices.Concat([]int64{orderRow}, span(firstPurse, purses), span(firstLoose, loose)) {
		c, ok, err := counters.Read(t.Context(), d, db.Key{Scope: scope, ID: key})
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			got[key] = c.State
		}
	}
	if !maps.Equal(got, m) {
		t.Errorf("seed %d: stored %v, the model says %v", seed, got, m)
	}
}

func span(first, n int64) (keys []int64) {
	for i := range n {
		keys = append(keys, first+i)
	}
	return keys
}
