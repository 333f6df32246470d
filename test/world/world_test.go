package world

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// number reads a variable.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%q", name, text)
	}
	return n
}

// templates makes them, outside of virtual time.
func templates(t *testing.T) {
	t.Helper()
	dbtest.SQLite(t)
	if _, err := bankTemplate(); err != nil {
		t.Fatal(err)
	}
}

// fixed is how many seeds run twice, and their histories are compared. In as many
// as proven each cell of the matrix is hit at least so often.
const (
	fixed  = 200
	proven = 6000
	least  = 15
)

// mostWrong is after how many seeds that fail no more are run, and wrong how many
// have.
const mostWrong = 12

var wrong atomic.Int64

// TestWorld runs FLORIN_RUNS worlds, by default the first 200, or the one of
// FLORIN_SEED; of those, where FLORIN_FOCUS is set, the ones alone that are after an
// operation whose name begins so. No promise is broken in any of them; the first 200 run twice and
// both histories are equal; and everything has gone wrong everywhere often enough.
func TestWorld(t *testing.T) {
	first, count := uint64(1), number(t, "FLORIN_RUNS", fixed)
	if one := number(t, "FLORIN_SEED", 0); one != 0 {
		first, count = one, number(t, "FLORIN_RUNS", 1)
	}
	templates(t)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // worlds are small, and there is memory
	var all hits
	began := time.Now()
	after := os.Getenv("FLORIN_FOCUS")
	wrong.Store(0)
	t.Run("seeds", func(t *testing.T) {
		const lanes = 4
		for lane := range uint64(lanes) {
			t.Run(strconv.FormatUint(lane, 10), func(t *testing.T) {
				t.Parallel()
				for seed := first + lane; seed < first+count && wrong.Load() < mostWrong; seed += lanes {
					if at, _, _ := focusOf(seed); !strings.HasPrefix(at.op, after) {
						continue
					}
					live(t, seed, seed <= fixed || count == 1, true, &all)
				}
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d worlds in %s\n%s", count, took.Round(time.Second), all.table())
	t.Run("matrix", func(t *testing.T) {
		var problems []string
		switch {
		case after != "":
		case count >= proven:
			problems = all.check(least)
		case count >= fixed:
			problems = all.checkSome()
		}
		for _, p := range slices.Sorted(slices.Values(problems)) {
			t.Error(p)
		}
	})
}

// live runs a seed, once or twice, and tells of what went wrong.
func live(t *testing.T, seed uint64, twice, small bool, all *hits) {
	t.Helper()
	without, err := parseMask(os.Getenv("FLORIN_MASK"))
	if err != nil {
		t.Fatal(err)
	}
	out := runWithout(t, seed, without)
	all.merge(out.hits)
	if len(out.problems) > 0 {
		wrong.Add(1)
		how := ""
		if small {
			how = smaller(t, seed, without, out)
		}
		t.Errorf("seed %d:\n%s\n\n%s", seed, strings.Join(out.problems, "\n"), how)
	}
	if os.Getenv("FLORIN_SEED") != "" {
		fmt.Println(out.history.text())
	}
	if !twice {
		return
	}
	if diff := cmp.Diff(strings.Split(out.history.text(), "\n"), strings.Split(runWithout(t, seed, without).history.text(), "\n")); diff != "" {
		t.Errorf("seed %d gave another history the second time:\n%s", seed, diff)
	}
}

// smaller makes a failure small, and says how to see it.
func smaller(t *testing.T, seed uint64, without mask, out outcome) string {
	t.Helper()
	if without == (mask{}) {
		without = shrink(func(m mask) bool { return alike(runWithout(t, seed, m).problems, out.problems) })
		out = runWithout(t, seed, without)
	}
	return fmt.Sprintf("make simulate SEED=%d MASK=%s shows all of it, made small:\n%s\n\nin short:\n%s", seed, without,
		strings.Join(out.problems, "\n"), out.history.short(out.problems))
}

// Different seeds must give different histories, or the comparison above would
// compare nothing.
func TestSeedsDiffer(t *testing.T) {
	templates(t)
	if run(t, 1).history.text() == run(t, 2).history.text() {
		t.Error("two seeds gave one history")
	}
}

// TestSomeWorlds is what the mutants of the money path are run against.
func TestSomeWorlds(t *testing.T) {
	if os.Getenv("FLORIN_MUTANTS") == "" {
		t.Skip("TestWorld runs more of them; FLORIN_MUTANTS=all runs these")
	}
	templates(t)
	var all hits
	for seed := uint64(1); seed <= 40 && !t.Failed(); seed++ {
		live(t, seed, false, false, &all)
	}
}
