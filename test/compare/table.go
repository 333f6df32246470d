//go:build unix

package main

import (
	"fmt"
	"io"
	"slices"
)

// lines of the table: what, and with how many decimals.
var lines = []struct {
	name     string
	of       func(sample) float64
	decimals int
}{
	{"payments/s", func(s sample) float64 { return s.rate }, 0},
	{"latency p50, ms", func(s sample) float64 { return s.p50 }, 1},
	{"latency p99, ms", func(s sample) float64 { return s.p99 }, 1},
	{"CPU per payment, all, µs", func(s sample) float64 { return s.own + s.client + s.serve + s.sandbox + s.server }, 0},
	{"… client, server and simulator in one", func(s sample) float64 { return s.own }, 0},
	{"… client", func(s sample) float64 { return s.client }, 0},
	{"… florin serve", func(s sample) float64 { return s.serve }, 0},
	{"… florin sandbox", func(s sample) float64 { return s.sandbox }, 0},
	{"… PostgreSQL", func(s sample) float64 { return s.server }, 0},
	{"bytes of database per payment", func(s sample) float64 { return s.bytes }, 0},
	{"bytes of PostgreSQL's log per payment", func(s sample) float64 { return s.log }, 0},
	{"bytes written to disk per payment", func(s sample) float64 { return s.written }, 0},
	{"steps per payment", func(s sample) float64 { return s.steps }, 1},
	{"steps per transaction", func(s sample) float64 { return s.stepsPerTrain }, 0},
	{"cores busy with other things", func(s sample) float64 { return s.othersCores }, 2},
}

// table prints medians, each line's by itself, with the lowest and highest.
func table(w io.Writer, cells []cell, samples [][]sample) error {
	header, rule := "| |", "|---|"
	for _, c := range cells {
		header += " " + c.name + " |"
		rule += "---|"
	}
	if _, err := fmt.Fprintf(w, "%s\n%s\n", header, rule); err != nil {
		return err
	}
	for _, l := range lines {
		row := "| " + l.name + " |"
		for i := range cells {
			row += " " + spread(samples[i], l.of, l.decimals) + " |"
		}
		if _, err := fmt.Fprintln(w, row); err != nil {
			return err
		}
	}
	return nil
}

// spread is "median (lowest–highest)", or a dash where nothing is known.
func spread(samples []sample, of func(sample) float64, decimals int) string {
	var all []float64
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	if len(all) == 0 || all[len(all)-1] == 0 && decimals < 2 {
		return "–"
	}
	middle := (all[(len(all)-1)/2] + all[len(all)/2]) / 2
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, middle, decimals, all[0], decimals, all[len(all)-1])
}
