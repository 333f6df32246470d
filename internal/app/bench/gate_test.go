package bench

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// jumper is a clock on which sleeping takes no time. Every look costs step.
type jumper struct{ now, step time.Duration }

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (j *jumper) Now() time.Time { return dawn.Add(j.now) }

func (j *jumper) Sleep(ctx context.Context, d time.Duration) error {
	j.now += d + j.step
	return ctx.Err()
}

// Errands are due at equal distances whatever becomes of those before them, and
// none begins before it is due or after the end.
func TestOpenGate(t *testing.T) {
	const ms = time.Millisecond
	type errand struct{ due, began time.Duration }
	for name, test := range map[string]struct {
		rate int64
		d    time.Duration
		oversleep,
		takes time.Duration
		want   []errand
		due    int64
		behind int64
	}{
		"in time":  {rate: 4, d: time.Second, takes: 10 * ms, want: []errand{{0, 0}, {250 * ms, 250 * ms}, {500 * ms, 500 * ms}, {750 * ms, 750 * ms}}, due: 4},
		"sleeping": {rate: 2, d: time.Second, takes: 10 * ms, oversleep: ms, want: []errand{{0, 0}, {500 * ms, 501 * ms}}, due: 2},
		"too slow": {rate: 4, d: time.Second, takes: 400 * ms, want: []errand{{0, 0}, {250 * ms, 400 * ms}, {500 * ms, 800 * ms}}, due: 4, behind: 1},
		"stalled":  {rate: 100, d: time.Second, takes: 2 * time.Second, want: []errand{{0, 0}}, due: 100, behind: 99},
		"uneven":   {rate: 3, d: time.Second, takes: ms, want: []errand{{0, 0}, {333333333, 333333333}, {666666666, 666666666}}, due: 3},
	} {
		clk := &jumper{step: test.oversleep}
		g := newGate(Config{Clock: clk, Rate: int(test.rate)}, test.d, 0)
		g.clock = clk
		var got []errand
		for {
			due, ok := g.pass(t.Context(), 1)
			if !ok {
				break
			}
			got = append(got, errand{due.Sub(dawn), clk.now})
			clk.now += test.takes
		}
		clk.now = max(clk.now, test.d)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(errand{})); diff != "" {
			t.Errorf("%s: −want +got\n%s", name, diff)
		}
		if g.due(clk.Now()) != test.due || g.behind(clk.Now()) != test.behind {
			t.Errorf("%s: %d were due, %d behind; want %d, %d", name, g.due(clk.Now()), g.behind(clk.Now()), test.due, test.behind)
		}
	}
}

// A stall of the one client is in the latencies of all that was due meanwhile.
func TestWaitingCounts(t *testing.T) {
	clk := &jumper{}
	g := newGate(Config{Clock: clk, Rate: 1000}, time.Second, 0)
	g.clock = clk
	var h histogram
	for n := 0; ; n++ {
		due, ok := g.pass(t.Context(), 1)
		if !ok {
			break
		}
		if n == 100 {
			clk.now += 500 * time.Millisecond
		}
		clk.now += 100 * time.Microsecond
		h.record(clk.Now().Sub(due))
	}
	// Half a second is caught up in 5/9 of a second: half of the errands waited.
	if h.total.Load() != 1000 || h.quantile(90_000) < 300*time.Millisecond || h.quantile(10_000) > time.Millisecond {
		t.Errorf("%d errands, p10 %v, p90 %v", h.total.Load(), h.quantile(10_000), h.quantile(90_000))
	}
}

func TestClosedGate(t *testing.T) {
	clk := &jumper{}
	g := newGate(Config{Clock: clk}, time.Second, 0)
	if due, ok := g.pass(t.Context(), 1); !ok || !due.IsZero() {
		t.Errorf("at the beginning: %v, %v", due, ok)
	}
	if clk.now = time.Second; g.counted(clk.Now()) != true {
		t.Error("an answer at the end does not count")
	}
	if _, ok := g.pass(t.Context(), 1); ok {
		t.Error("one begins at the end")
	}
	g, n := newGate(Config{Clock: clk}, 0, 5), 0
	for ; n < 10; n++ {
		if _, ok := g.pass(t.Context(), 2); !ok {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d journeys of 2 requests begin where 5 requests are wanted", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if clk.now = time.Second; (precise{clk}).Sleep(ctx, time.Minute) == nil {
		t.Error("a sleep outlasts its context")
	}
}

// The accounts get their shares.
func TestPick(t *testing.T) {
	const errands = 20_000
	accounts := []*account{{key: "a"}, {key: "b"}, {key: "c"}, {key: "d"}}
	for hot, want := range map[int][]int{0: {5000, 5000, 5000, 5000}, 40: {8000, 4000, 4000, 4000}, 100: {20_000, 0, 0, 0}} {
		got := map[string]int{}
		for n := range uint64(errands) {
			got[pick(accounts, hot, n).key]++
		}
		for i, a := range accounts {
			if off := got[a.key] - want[i]; off < -errands/50 || off > errands/50 {
				t.Errorf("--hot %d: account %s has %d of %d errands, want about %d", hot, a.key, got[a.key], errands, want[i])
			}
		}
	}
	if pick(accounts[:1], 0, 7) != accounts[0] {
		t.Error("one account is not picked")
	}
}
