//go:build unix

package bench

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/clock"
)

// How many of an errand are counted: with a trace, those that come alone, and for
// their allocations.
const (
	tracedErrands = 8
	tracedLone    = 3
	quietErrands  = 16
)

func (e errand) times(traced bool) int {
	switch {
	case e.each > 1:
		return 2
	case traced && e.lone:
		return tracedLone
	case traced:
		return tracedErrands
	}
	return quietErrands
}

// countCosts counts what each errand takes, all that it counts once on a database
// of its own.
func countCosts(t *testing.T) (list []figure) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties pools at some moment or other
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // each processor has pools of its own
	clk := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	var told atomic.Int64
	receiver := newQuiet(t, &told)
	byErrand := map[string][]figure{}
	for _, tr := range []*trace{{}, nil} {
		name := "allocations"
		if tr != nil {
			name = "statements"
		}
		t.Run(name, func(t *testing.T) {
			c := openCosts(t, dbtest.Address(t), t.TempDir(), name, clk, tr, &told)
			c.stock()
			hook := ""
			for _, e := range costErrands {
				if e.hooked && hook == "" {
					clk.Advance(time.Hour) // what was before it is not for it
					hook = c.post("/v1/webhook_endpoints", url.Values{"url": {receiver}, "enabled_events[]": {succeeded}})
				}
				n := e.times(tr != nil)
				s := c.measure(e, n)
				if tr != nil {
					byErrand[e.name] = s.counted(e, n)
				} else {
					byErrand[e.name] = append(s.allocated(e, n), byErrand[e.name]...)
				}
			}
		})
	}
	for _, e := range costErrands {
		list = append(list, byErrand[e.name]...)
	}
	return list
}

// TestCost is the guard: what requests and webhooks take is what testdata has, on
// this engine. Nothing of it depends on time or on what else the machine does.
func TestCost(t *testing.T) {
	engine := "sqlite"
	if dbtest.Postgres() {
		engine = "postgres"
	}
	path := "testdata/cost." + engine + ".txt"
	now := countCosts(t)
	if t.Failed() {
		return
	}
	if os.Getenv("FLORIN_UPDATE") != "" {
		if err := writeCosts(path, now); err != nil {
			t.Fatal(err)
		}
		table, err := costTable()
		if err == nil {
			err = costSection.put(table)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	written, err := readCosts(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOARCH != writtenOn {
		t.Logf("allocations are not compared: they were written down on %s", writtenOn)
		written, now = slices.DeleteFunc(written, figure.allocation), slices.DeleteFunc(now, figure.allocation)
	}
	if problems := compareCosts(written, now); len(problems) > 0 {
		t.Errorf("%s is not what it takes now. What is worse needs a reason; what is as it should be is written down by\n%s\n\n%s", path, renewCosts, strings.Join(problems, "\n"))
	}
}

// TestCostTable: the documentation shows what is written down.
func TestCostTable(t *testing.T) {
	want, err := costTable()
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := costSection.split()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(costSection.File)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.TrimSuffix(strings.TrimPrefix(string(text), before), after)); diff != "" {
		t.Errorf("%s is not in step (%s writes it) -want +got:\n%s", costSection.File, renewCosts, diff)
	}
}

// TestCostComparison plants what the guard is there for.
func TestCostComparison(t *testing.T) {
	written := []figure{
		{"payment", figStatements, 49}, {"payment", figObjects, 800}, {"payment", figBytes, 100000}, {"payment", figStored, 4000},
		{"payment", "rows inserted into event", 3}, {costErrands[len(costErrands)-1].name, figObjects, 400},
	}
	for name, test := range map[string]struct {
		plant func([]figure) []figure
		want  []string
	}{
		"nothing":                   {func(l []figure) []figure { return l }, nil},
		"within what is allowed":    {func(l []figure) []figure { l[1].value, l[2].value, l[3].value = 807, 99100, 4019; return l }, nil},
		"a statement more":          {func(l []figure) []figure { l[0].value++; return l }, []string{"payment | statements of trains: WORSE: 50.00, was 49.00"}},
		"every fourth one more":     {func(l []figure) []figure { l[0].value += 0.25; return l }, []string{"WORSE: 49.25, was 49.00"}},
		"a statement less":          {func(l []figure) []figure { l[0].value--; return l }, []string{"payment | statements of trains: better: 48.00"}},
		"twelve allocations more":   {func(l []figure) []figure { l[1].value += 12; return l }, []string{"allocations: WORSE: 812.00, was 800.00 (+1.5 %"}},
		"twelve less":               {func(l []figure) []figure { l[1].value -= 12; return l }, []string{"allocations: better: 788.00"}},
		"a kilobyte of rows":        {func(l []figure) []figure { l[3].value += 1024; return l }, []string{"bytes of rows: WORSE"}},
		"an event more":             {func(l []figure) []figure { l[4].value++; return l }, []string{"rows inserted into event: WORSE: 4.00"}},
		"chance":                    {func(l []figure) []figure { l[5].value += 90; return l }, nil},
		"more than chance":          {func(l []figure) []figure { l[5].value += 110; return l }, []string{"allocations: WORSE: 510.00"}},
		"rows of another table":     {func(l []figure) []figure { return append(l, figure{"payment", "rows inserted into job", 1}) }, []string{"rows inserted into job: 1.00, and nothing was written down"}},
		"no rows of a table":        {func(l []figure) []figure { return slices.Delete(l, 4, 5) }, []string{"rows inserted into event: was 3.00, and is not counted any more"}},
		"several things, all of it": {func(l []figure) []figure { l[0].value++; l[1].value *= 2; return l }, []string{"statements", "allocations"}},
	} {
		got := compareCosts(written, test.plant(slices.Clone(written)))
		if len(got) != len(test.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: %q, want %q", name, got[i], want)
			}
		}
	}
}

// TestCostFile: what is written is read, and what nobody wrote is refused.
func TestCostFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cost.txt")
	want := []figure{{"payment", figObjects, 812.25}, {"list of ten", figReads, 1}}
	if err := writeCosts(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := readCosts(path); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"payment | steps", "payment | steps | two"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readCosts(path); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// TestCostIsSeen: a step more, its rows and statements and what it allocates are in
// the figures.
func TestCostIsSeen(t *testing.T) {
	tr := &trace{}
	clk := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	var told atomic.Int64
	c := openCosts(t, dbtest.Address(t), t.TempDir(), "seen", clk, tr, &told)
	bare := errand{name: "payment", each: 1, lone: true, ready: asked(pay, nothing)}
	more := bare
	more.ready = func(c *costs) (do, check func()) {
		once, check := bare.ready(c)
		return func() {
			once()
			c.post("/v1/customers", url.Values{"name": {"Somebody"}})
		}, check
	}
	first, second := c.measure(bare, 2), c.measure(more, 2)
	got := map[string]float64{}
	for _, f := range append(second.counted(more, 2), second.allocated(more, 2)...) {
		got[f.what] = f.value
	}
	for _, f := range append(first.counted(bare, 2), first.allocated(bare, 2)...) {
		got[f.what] -= f.value
	}
	if got[figSteps] != 1 || got[figTrains] != 1 || got["rows inserted into customer"] != 1 || got["rows inserted into event"] != 1 {
		t.Errorf("%v", got)
	}
	for _, what := range []string{figObjects, figBytes, figStatements, figStored} {
		if got[what] < 1 {
			t.Errorf("%s: %v", what, got[what])
		}
	}
}
