package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Series is what several runs of the same gave.
type Series struct {
	Runs []*Report `json:"runs"`
	// Counted is how many runs count: figures are of those or, where there are
	// none, of all.
	Counted int      `json:"counted"`
	Figures []Figure `json:"figures"`
}

// Figure is one of the things that were measured, over several runs.
type Figure struct {
	Name     string  `json:"name"` // with its unit: "payment p99, ms"
	Decimals int     `json:"decimals"`
	Median   float64 `json:"median"`
	Lowest   float64 `json:"lowest"`
	Highest  float64 `json:"highest"`
}

// Repeat makes as many runs as c says, each on fresh books. With payments stored
// before, which take long, all are on the same.
func Repeat(ctx context.Context, c Config) (*Series, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := new(Series)
	if c.Fill > 0 && c.URL == "" {
		list, err := runs(ctx, c, c.Runs)
		if err != nil {
			return nil, err
		}
		s.Runs = list
	}
	for n := len(s.Runs); n < c.Runs; n++ {
		if c.Runs > 1 {
			progress(c, fmt.Sprintf("run %d of %d", n+1, c.Runs))
		}
		r, err := Run(ctx, c)
		if err != nil {
			return nil, err
		}
		s.Runs = append(s.Runs, r)
	}
	s.sum()
	return s, nil
}

// OK reports whether the books agreed in all runs.
func (s *Series) OK() bool {
	return !slices.ContainsFunc(s.Runs, func(r *Report) bool { return !r.OK() })
}

// sum makes the figures.
func (s *Series) sum() {
	counted := slices.DeleteFunc(slices.Clone(s.Runs), func(r *Report) bool { return r.Void != "" })
	if s.Counted = len(counted); s.Counted == 0 {
		counted = s.Runs
	}
	values := map[string][]float64{}
	for _, r := range counted {
		for _, f := range r.figures() {
			if values[f.Name] == nil {
				s.Figures = append(s.Figures, f)
			}
			values[f.Name] = append(values[f.Name], f.Median)
		}
	}
	for i := range s.Figures {
		f := &s.Figures[i]
		all := values[f.Name]
		slices.Sort(all)
		f.Median, f.Lowest, f.Highest = (all[(len(all)-1)/2]+all[len(all)/2])/2, all[0], all[len(all)-1]
	}
}

// Middle is a run with about the median of payments, or requests, per second.
func (s *Series) Middle() *Report {
	sorted := slices.SortedFunc(slices.Values(s.Runs), func(a, b *Report) int {
		return cmp.Or(cmp.Compare(a.PaymentsPerSecond, b.PaymentsPerSecond), cmp.Compare(a.RequestsPerSecond, b.RequestsPerSecond))
	})
	return sorted[(len(sorted)-1)/2]
}

// figures are those of one run.
func (r *Report) figures() (list []Figure) {
	add := func(decimals int, value float64, name string, args ...any) {
		list = append(list, Figure{Name: fmt.Sprintf(name, args...), Decimals: decimals, Median: value})
	}
	add(0, r.PaymentsPerSecond, "payments/s")
	if r.Requests != r.Payments {
		add(0, r.RequestsPerSecond, "requests/s")
	}
	latencies := slices.Clone(r.Latencies)
	if o := r.Open; o != nil {
		latencies = append(latencies, o.Late)
		add(0, float64(o.Unsent), "unsent at the end, errands")
	}
	if w := r.Webhooks; w != nil {
		latencies = append(latencies, w.Lag)
		add(0, float64(w.AtEnd), "webhooks behind at the end, payments")
		add(1, w.DrainSeconds, "webhooks drained after, s")
	}
	for _, l := range latencies {
		add(1, float64(l.P50)/1000, "%s p50, ms", l.Kind)
		add(1, float64(l.P99)/1000, "%s p99, ms", l.Kind)
	}
	var cpu, written float64
	for _, p := range r.Processes {
		cpu += p.CPUMicros
		if p.Written != nil {
			written += *p.Written
		}
	}
	add(0, cpu, "CPU per %s, all, µs", r.Per)
	for _, p := range r.Processes {
		add(0, p.CPUMicros, "… %s", p.Name)
	}
	if written > 0 {
		add(0, written, "written to disk per %s, B", r.Per)
	}
	if d := r.Disk; d != nil && r.Check.Acknowledged.Payments > 0 {
		add(0, d.Database, "growth of the database per payment, B")
		if d.Log > 0 {
			add(0, d.Log, "PostgreSQL's log per %s, B", r.Per)
		}
	}
	for _, p := range r.Processes {
		if p.Name == "serve" {
			add(0, float64(p.Peak)/(1<<20), "most memory of the server, MiB")
		}
	}
	add(1, r.Steps, "steps per %s", r.Per)
	add(1, r.StepsPerTrain, "steps in a transaction")
	if r.OtherCores != nil {
		add(2, *r.OtherCores, "cores busy with other things")
	}
	add(1, 100*r.Stolen, "stolen by the host, %%")
	return list
}

// Print writes the figures for people, and what was wrong in any of the runs.
func (s *Series) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%-40s %12s %12s %12s\n", s.title(), "", "median", "lowest", "highest")
	for _, f := range s.Figures {
		fmt.Fprintf(&b, "%-40s %12.*f %12.*f %12.*f\n", f.Name, f.Decimals, f.Median, f.Decimals, f.Lowest, f.Decimals, f.Highest)
	}
	for _, p := range s.problems() {
		fmt.Fprintf(&b, "\n%s\n", p)
	}
	if s.OK() {
		b.WriteString("\nafter each run the clients, Florin, the sandbox and florin verify agreed\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// title says what was measured, and how often.
func (s *Series) title() string {
	often := "one run"
	if len(s.Runs) > 1 {
		often = fmt.Sprintf("medians of %d runs", len(s.Runs))
	}
	if s.Counted < len(s.Runs) {
		often += fmt.Sprintf(", of which %d count", s.Counted)
	}
	return s.Runs[0].title() + "; " + often
}

// problems are those of all runs.
func (s *Series) problems() (list []string) {
	for i, r := range s.Runs {
		add := func(what string, texts ...string) {
			for _, t := range texts {
				list = append(list, fmt.Sprintf("run %d %s: %s", i+1, what, t))
			}
		}
		add("is WRONG", r.Check.Problems...)
		add("did NOT KEEP UP", r.Short...)
		if r.Void != "" {
			add("DOES NOT COUNT", r.Void)
		}
		for _, e := range r.Errors {
			add("had errors", fmt.Sprintf("%d × %s", e.Count, e.Kind))
		}
	}
	return list
}
