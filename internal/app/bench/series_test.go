package bench

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func seriesOf(reports ...*Report) *Series {
	s := &Series{Runs: reports}
	s.sum()
	return s
}

func figureOf(s *Series, name string) Figure {
	i := slices.IndexFunc(s.Figures, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return Figure{}
	}
	return s.Figures[i]
}

// Figures are medians of the runs that count, each by itself.
func TestSeries(t *testing.T) {
	run := func(rate float64, p50 int64, void string) *Report {
		return &Report{PaymentsPerSecond: rate, Latencies: []Latency{{Kind: "payment", P50: p50}}, Per: "payment", Void: void,
			Processes: []Process{{Name: "serve", CPUMicros: 1000 / rate, Written: new(100.0)}, {Name: "sandbox", CPUMicros: 1}}}
	}
	a, b, c, d := run(100, 2500, ""), run(250, 1000, ""), run(200, 4000, ""), run(900, 1, "the host gave 9.0 % of the processors' time to others")
	for name, test := range map[string]struct {
		runs    []*Report
		counted int
		want    []Figure
		middle  *Report
	}{
		"one":      {[]*Report{a}, 1, []Figure{{"payments/s", 0, 100, 100, 100}, {"payment p50, ms", 1, 2.5, 2.5, 2.5}}, a},
		"three":    {[]*Report{a, b, c}, 3, []Figure{{"payments/s", 0, 200, 100, 250}, {"payment p50, ms", 1, 2.5, 1, 4}, {"CPU per payment, all, µs", 0, 6, 5, 11}}, c},
		"even":     {[]*Report{a, b}, 2, []Figure{{"payments/s", 0, 175, 100, 250}, {"written to disk per payment, B", 0, 100, 100, 100}}, a},
		"one void": {[]*Report{a, d, c}, 2, []Figure{{"payments/s", 0, 150, 100, 200}}, c},
		"all void": {[]*Report{d}, 0, []Figure{{"payments/s", 0, 900, 900, 900}}, d},
	} {
		s := seriesOf(test.runs...)
		if s.Counted != test.counted || s.Middle() != test.middle {
			t.Errorf("%s: %d count, the middle has %.0f/s", name, s.Counted, s.Middle().PaymentsPerSecond)
		}
		for _, want := range test.want {
			if got := figureOf(s, want.Name); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
}

// What a run says of itself is said of the series too.
func TestSeriesProblems(t *testing.T) {
	r := &Report{Check: Check{Problems: []string{"one is missing"}}, Errors: []ErrorCount{{Kind: "429", Count: 7}}, Open: &Open{Rate: 100, Unsent: 11},
		Webhooks: &Webhooks{AtEnd: 21, Undelivered: 3}, PaymentsPerSecond: 20, Stolen: 0.06}
	r.judge()
	s := seriesOf(&Report{Open: &Open{Rate: 100, Unsent: 10}, Webhooks: &Webhooks{AtEnd: 20}, PaymentsPerSecond: 20, Stolen: 0.05}, r)
	s.Runs[0].judge()
	got := strings.Join(s.problems(), "\n")
	for _, want := range []string{"run 2 is WRONG: one is missing", "run 2 did NOT KEEP UP: 11 errands", "run 2 did NOT KEEP UP: webhooks were 21 payments behind", "run 2 did NOT KEEP UP: of 3 payments", "run 2 DOES NOT COUNT: the host gave 6.0 %", "run 2 had errors: 7 × 429"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "run 1") || s.OK() {
		t.Errorf("OK is %v; %s", s.OK(), got)
	}
}

// A table replaces what its section has, and nothing else.
func TestSection(t *testing.T) {
	file := filepath.Join(t.TempDir(), "figures.md")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- bench a -->\nold\n<!-- /bench a -->\nbetween\n<!-- bench b -->\n<!-- /bench b -->\nafter\n")
	s := seriesOf(&Report{Florin: "v1", Database: "sqlite", Mix: "payment", Clients: 4, Merchants: 1, Command: "florin bench --runs 3", PaymentsPerSecond: 1234, Seconds: 60})
	for range 2 {
		if err := (Section{file, "a"}).Write(s); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n<!-- bench a -->\n\nflorin v1, sqlite, mix payment, 4 clients in a closed loop, one merchant, 1m0s; one run.") ||
		!strings.Contains(got, "\n    florin bench --runs 3\n") || !strings.Contains(got, "\n| payments/s | 1234 | 1234 | 1234 |\n") || strings.Contains(got, "old") ||
		!strings.HasSuffix(got, "\n<!-- /bench a -->\nbetween\n<!-- bench b -->\n<!-- /bench b -->\nafter\n") || strings.Count(got, "payments/s") != 1 {
		t.Errorf("%s", got)
	}
	for _, bad := range []Section{{file, "c"}, {file + ".not", "a"}} {
		if bad.Check() == nil || bad.Write(s) == nil {
			t.Errorf("%v is written", bad)
		}
	}
	if left, err := filepath.Glob(filepath.Dir(file) + "/*"); len(left) != 1 || err != nil {
		t.Errorf("%v are left", left)
	}
}
