package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// line is one row of the report: the medians of a cell's repetitions, each
// figure's median taken by itself, and the spread of the rate.
type line struct {
	Variant string `json:"variant"`
	Trains  int    `json:"trains"`
	Refused int    `json:"refused_percent"`
	Reps    int    `json:"reps"`
	figures
	Slowest float64   `json:"slowest_payments_per_second"`
	Fastest float64   `json:"fastest_payments_per_second"`
	All     []figures `json:"all"`
}

func summarise(c cell, all []figures) line {
	pick := func(of func(figures) float64) []float64 {
		var out []float64
		for _, f := range all {
			out = append(out, of(f))
		}
		slices.Sort(out)
		return out
	}
	mid := func(of func(figures) float64) float64 {
		s := pick(of)
		n := len(s)
		return (s[(n-1)/2] + s[n/2]) / 2
	}
	rate := pick(func(f figures) float64 { return f.PaymentsPerSecond })
	return line{
		Variant: c.variant.name, Trains: c.trains, Refused: c.refuse, Reps: len(all), All: all,
		Slowest: rate[0], Fastest: rate[len(rate)-1],
		figures: figures{
			PaymentsPerSecond: mid(func(f figures) float64 { return f.PaymentsPerSecond }),
			OwnMicros:         mid(func(f figures) float64 { return f.OwnMicros }),
			ServerMicros:      mid(func(f figures) float64 { return f.ServerMicros }),
			Commits:           int64(mid(func(f figures) float64 { return float64(f.Commits) })),
			StepsPerTrain:     mid(func(f figures) float64 { return f.StepsPerTrain }),
			RefusedShare:      mid(func(f figures) float64 { return f.RefusedShare }),
			ForeignCores:      mid(func(f figures) float64 { return f.ForeignCores }),
			MedianMicros:      mid(func(f figures) float64 { return f.MedianMicros }),
			P99Micros:         mid(func(f figures) float64 { return f.P99Micros }),
			BytesPerPayment:   mid(func(f figures) float64 { return f.BytesPerPayment }),
		},
	}
}

func report(w io.Writer, o options, cells []cell, results [][]figures) error {
	lines := make([]line, len(cells))
	for i := range cells {
		lines[i] = summarise(cells[i], results[i])
	}
	if o.json {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"clients": o.clients, "cap": o.most, "scopes": o.scopes,
			"body_bytes": o.bodySize, "seconds": o.measure.Seconds(), "http": o.http, "lines": lines})
	}
	_, err := fmt.Fprintf(w, "Medians of %d x %s; %d clients, cap %d, %d scopes, bodies of %d B, http %t.\n\n"+
		"| variant | trains | refused %% | payments/s (slowest-fastest) | CPU us own | CPU us server | CPU us all | commits | steps/train | foreign cores |\n"+
		"|---|---|---|---|---|---|---|---|---|---|\n", o.reps, o.measure, o.clients, o.most, o.scopes, o.bodySize, o.http)
	for _, l := range lines {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "| %s | %d | %d | %.0f (%.0f-%.0f) | %.0f | %.0f | %.0f | %d | %.0f | %.1f |\n", l.Variant, l.Trains,
			l.Refused, l.PaymentsPerSecond, l.Slowest, l.Fastest, l.OwnMicros, l.ServerMicros, l.OwnMicros+l.ServerMicros,
			l.Commits, l.StepsPerTrain, l.ForeignCores)
	}
	return err
}
