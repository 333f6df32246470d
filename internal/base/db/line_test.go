package db

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// named gives the steps that text names to a queue: "aab" are two of scope a and one of b.
// The numbers of each scope's steps count up.
func named(q *queue, text string) {
	seen := map[rune]int{}
	for _, scope := range text {
		seen[scope]++
		q.push(&ticket{step: Step{Name: fmt.Sprintf("%c%d", scope, seen[scope]), Scope: int64(scope)}})
	}
}

// departures are the steps that leave with each train until none is left.
func departures(q *queue, seats int) (trains []string) {
	for q.steps > 0 {
		var names []string
		for _, t := range q.take(nil, seats) {
			names = append(names, t.step.Name)
		}
		trains = append(trains, strings.Join(names, " "))
	}
	return trains
}

func TestLinesTakeTurns(t *testing.T) {
	for _, c := range []struct {
		waiting string
		seats   int
		want    []string
	}{
		{"", 4, nil},
		{"aaaaa", 2, []string{"a1 a2", "a3 a4", "a5"}},
		{"aabab", 8, []string{"a1 b1 a2 b2 a3"}},
		{"aaaaaaaab", 4, []string{"a1 b1 a2 a3", "a4 a5 a6 a7", "a8"}},
		{"aaaabc", 2, []string{"a1 b1", "c1 a2", "a3 a4"}}, // who had a seat goes behind who had none
		{"abcdefa", 3, []string{"a1 b1 c1", "d1 e1 f1", "a2"}},
		{"aaabbb", 2, []string{"a1 b1", "a2 b2", "a3 b3"}},
		{"aaaabb", 3, []string{"a1 b1 a2", "b2 a3 a4"}},
	} {
		q := newQueue()
		for again := range 2 { // the lines of the first time serve the second
			named(q, c.waiting)
			if diff := cmp.Diff(c.want, departures(q, c.seats)); diff != "" {
				t.Errorf("%q, %d seats, round %d: %s", c.waiting, c.seats, again, diff)
			}
			if steps, lines := q.figures(); steps != 0 || lines != 0 || q.first != nil {
				t.Errorf("%q: %d steps and %d lines are left", c.waiting, steps, lines)
			}
		}
	}
}

// One who comes while others are served gets the turn after theirs.
func TestLateLine(t *testing.T) {
	q := newQueue()
	named(q, "aaaaaaaa")
	q.take(nil, 2)
	named(q, "b")
	if diff := cmp.Diff([]string{"a3 b1", "a4 a5", "a6 a7", "a8"}, departures(q, 2)); diff != "" {
		t.Error(diff)
	}
}

func TestAhead(t *testing.T) {
	for _, c := range []struct {
		waiting string
		who     rune
		want    int
	}{
		{"aaaa", 'a', 4},
		{"aaaa", 'b', 1},
		{"aaaabbbb", 'c', 2},
		{"aaaabb", 'b', 5},
		{"aaaabb", 'a', 6},
		{"abcdef", 'g', 6},
		{"abcdef", 'a', 6},
		{"aaaaaaaabcdef", 'b', 11}, // at most: the others of c to f may yet come
	} {
		q := newQueue()
		named(q, c.waiting)
		own, lines := 0, len(q.lines)
		if l := q.lines[int64(c.who)]; l != nil {
			own = l.steps
		} else {
			lines++
		}
		if got := ahead(q.steps, own, lines); got != c.want {
			t.Errorf("%q, then %c: %d ahead, want %d", c.waiting, c.who, got, c.want)
		}
	}
}

func TestPatience(t *testing.T) {
	p := patienceOf(250 * time.Millisecond)
	for _, c := range []struct {
		wait, standing time.Duration // in milliseconds
		want           bool
	}{
		{0, 0, false}, {0, 5000, false}, {249, 5000, false}, {250, 5000, false}, {251, 5000, true},
		{251, 1000, false}, {1000, 1000, false}, {1001, 1000, true}, {1001, 0, true}, {900, 0, false}, {251, 1001, true},
	} {
		if got := p.over(c.wait*time.Millisecond, c.standing*time.Millisecond); got != c.want {
			t.Errorf("to wait %d ms where some have waited for %d ms: too long %v, want %v", c.wait, c.standing, got, c.want)
		}
	}
}

// A rush is let wait, what lasts is not, and it is over when the queue was empty.
func TestCrowded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seats = 4
		p := patienceOf(100 * time.Millisecond)
		q := newQueue()
		drive := func(d time.Duration) {
			for range 30 {
				named(q, "z")
				q.wait()
				q.take(nil, 1)
				time.Sleep(d)
				q.arrived()
			}
		}
		drive(50 * time.Millisecond)
		crowded := func(when string, hot, light bool) {
			t.Helper()
			if got := q.crowded(p, 'a', seats); got != hot {
				t.Errorf("%s: crowded for a: %v, want %v", when, got, hot)
			}
			if got := q.crowded(p, 'b', seats); got != light {
				t.Errorf("%s: crowded for b: %v, want %v", when, got, light)
			}
		}
		crowded("empty", false, false)
		named(q, strings.Repeat("a", 32)) // eight trains, 400 ms
		crowded("a rush", false, false)
		named(q, strings.Repeat("a", 4))
		crowded("more than a rush", true, false)
		q.take(nil, 24) // three trains are left, 150 ms
		crowded("within the rush", false, false)
		time.Sleep(401 * time.Millisecond)
		crowded("it lasts", true, false)
		q.take(nil, 4)
		crowded("two trains are left", false, false)
		q.take(nil, 8)
		named(q, strings.Repeat("a", 12))
		crowded("after it was empty", false, false)
		q.wait()
		q.take(nil, 4)
		crowded("a train has left", false, false)
		time.Sleep(201 * time.Millisecond)
		crowded("and takes long", true, false)
		q.arrived()
		crowded("and was back", false, false)
		q.take(nil, 8)
		drive(time.Second)
		named(q, strings.Repeat("a", 8))
		crowded("slow trains", true, false)
		q.take(nil, 5)
		crowded("slow, and with a seat in the next", false, false)
	})
}

// What many push and one takes is all taken, once, and each scope's in its order.
func TestQueueUnderLoad(t *testing.T) {
	q := newQueue()
	const scopes, each = 16, 500
	var pushing sync.WaitGroup
	for scope := range int64(scopes) {
		pushing.Go(func() {
			for n := range each {
				q.push(&ticket{step: Step{Scope: scope}, keys: []int64{int64(n)}})
			}
		})
	}
	go func() { pushing.Wait(); q.close() }()
	var next [scopes]int64
	var batch []*ticket
	for q.wait() {
		batch = q.take(batch[:0], 32)
		for _, k := range batch {
			if k.keys[0] != next[k.step.Scope] {
				t.Fatalf("scope %d: step %d, want %d", k.step.Scope, k.keys[0], next[k.step.Scope])
			}
			next[k.step.Scope]++
		}
	}
	for scope, n := range next {
		if n != each {
			t.Errorf("scope %d: %d steps of %d", scope, n, each)
		}
	}
}

// BenchmarkQueue times a step's way through the queue, with as many steps to a
// train as ride in one, for one scope and for many.
func BenchmarkQueue(b *testing.B) {
	for _, scopes := range []int64{1, 16, 1000} {
		b.Run(fmt.Sprintf("scopes=%d", scopes), func(b *testing.B) {
			q := newQueue()
			tickets := make([]ticket, trainSeats)
			batch := make([]*ticket, 0, trainSeats)
			n := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				for i := range tickets {
					n++
					tickets[i] = ticket{step: Step{Scope: n % scopes}}
					q.push(&tickets[i])
				}
				if got := len(q.take(batch, trainSeats)); got != trainSeats {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/trainSeats, "ns/step")
		})
	}
}

// Patient steps wait for one that somebody waits for, but not for long.
func TestPatientSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		begun := q.now()
		type departure struct {
			After time.Duration
			Steps int
		}
		var got []departure
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for q.wait() {
				n := len(q.take(nil, 3))
				got = append(got, departure{q.now() - begun, n})
			}
		}()
		come := func(at time.Duration, patient ...bool) {
			time.Sleep(at - (q.now() - begun))
			for _, p := range patient {
				q.push(&ticket{step: Step{Scope: 1, Patient: p}})
			}
			synctest.Wait()
		}
		const ms = time.Millisecond
		come(10*ms, true)
		come(12*ms, true)                   // with the first, at 15
		come(20*ms, true)                   // with the next, at 22
		come(22*ms, false)                  //
		come(40*ms, true, true, true, true) // three at 45, and the fourth at once
		come(60*ms, false)                  //
		come(70*ms, true)                   // at the end
		time.Sleep(ms)
		q.close()
		<-ended
		want := []departure{{15 * ms, 2}, {22 * ms, 2}, {45 * ms, 3}, {45 * ms, 1}, {60 * ms, 1}, {71 * ms, 1}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
	})
}
