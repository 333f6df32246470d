package world

import (
	"math/bits"
	"regexp"
	"strings"
	"testing"
)

// shrinkTries is how many worlds are run at most to make one smaller.
const shrinkTries = 150

// shrinker leaves more and more out of a world that fails, as long as it fails.
type shrinker struct {
	fails func(mask) bool
	found mask
	tries int
}

// shrink gives a mask under which a world still fails and little of it is left.
func shrink(fails func(mask) bool) mask {
	s := &shrinker{fails: fails}
	s.try(mask{outside: true})
	for before := (mask{errands: 1}); before != s.found && s.tries < shrinkTries; {
		before = s.found
		s.reduce(clients*errands, func(m mask, out uint64) mask { m.errands |= out; return m })
		s.reduce(maxFocus+maxFaults+maxHooks, func(m mask, out uint64) mask { m.faults |= out; return m })
	}
	return s.found
}

// reduce leaves out halves, quarters and so on of n things.
func (s *shrinker) reduce(n int, without func(mask, uint64) mask) {
	for size := (n + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < n; at += size {
			s.try(without(s.found, (1<<size-1)<<at&(1<<n-1)))
		}
	}
}

func (s *shrinker) try(m mask) {
	if m == s.found || s.tries == shrinkTries {
		return
	}
	if s.tries++; s.fails(m) {
		s.found = m
	}
}

var numbers = regexp.MustCompile(`[0-9]+`)

// sort is what a problem is like, whatever it is about.
func sort(problem string) string {
	return numbers.ReplaceAllString(made.ReplaceAllString(problem, "#"), "#")
}

// alike reports whether one of some problems is like one of others.
func alike(some, others []string) bool {
	known := map[string]bool{}
	for _, p := range others {
		known[sort(p)] = true
	}
	for _, p := range some {
		if known[sort(p)] {
			return true
		}
	}
	return false
}

// A world with a fault planted in its checks is made as small as the fault
// allows, and the command that is printed shows the small one.
func TestShrinking(t *testing.T) {
	templates(t)
	// It takes a payment that is captured and a node that dies.
	planted := func(w *world) {
		captured := false
		for _, op := range w.read().theirs {
			captured = captured || op.Kind == "capture"
		}
		if captured && strings.Contains(w.history.text(), " dies") {
			w.fail("a capture, and a death")
		}
	}
	fails := func(seed uint64) func(mask) bool {
		return func(m mask) bool { return len(runWithout(t, seed, m, planted).problems) > 0 }
	}
	seed := uint64(1)
	for !fails(seed)(mask{}) {
		if seed++; seed > 40 {
			t.Fatal("no seed has both")
		}
	}
	m := shrink(fails(seed))
	read, err := parseMask(m.String())
	if err != nil || read != m {
		t.Fatalf("%s is read as %+v: %v", m, read, err)
	}
	if !fails(seed)(read) {
		t.Errorf("seed %d does not fail without %s", seed, m)
	}
	if left := clients*errands - bits.OnesCount64(m.errands); left > 2 || !m.outside {
		t.Errorf("seed %d: %d errands are left in %s", seed, left, m)
	}
	if left := maxFocus + maxFaults + maxHooks - bits.OnesCount64(m.faults); left > 2 {
		t.Errorf("seed %d: %d faults are left in %s", seed, left, m)
	}
}

func TestMasks(t *testing.T) {
	for _, text := range []string{"1", "1.2", "x.1.0", "1.x.0", "1.1.x", "1.1.1.1"} {
		if m, err := parseMask(text); err == nil {
			t.Errorf("%q is read as %+v", text, m)
		}
	}
	if m, err := parseMask(""); err != nil || m != (mask{}) {
		t.Errorf("nothing is read as %+v: %v", m, err)
	}
}
