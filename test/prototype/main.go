// Command prototype measures ways of storing payments: shapes of write steps
// and drivers, on PostgreSQL and SQLite. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	settings
	names, trains, refuse string
	reps                  int
	json                  bool
}

func parse() options {
	var o options
	flag.StringVar(&o.names, "variants", "all", "variants with commas between; 'all', 'pg' or 'sqlite'")
	flag.StringVar(&o.trains, "trains", "1,2", "trains on PostgreSQL (SQLite has one)")
	flag.StringVar(&o.refuse, "refuse", "0,10,50", "payments of 100 whose second step is refused")
	flag.IntVar(&o.reps, "reps", 3, "repetitions; the cells are interleaved, medians are shown")
	flag.IntVar(&o.clients, "c", 256, "payments in flight")
	flag.IntVar(&o.most, "cap", 500, "most steps in a train")
	flag.IntVar(&o.scopes, "scopes", 4, "merchants; each has two hot balance rows")
	flag.IntVar(&o.bodySize, "body", 600, "bytes of a stored body")
	flag.DurationVar(&o.warm, "warm", 700*time.Millisecond, "time before measuring")
	flag.DurationVar(&o.measure, "d", 4*time.Second, "time measured in each repetition")
	flag.BoolVar(&o.http, "http", false, "end to end: HTTP server, provider call over a socket, JSON reply")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.Parse()
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx, parse()); err != nil {
		fmt.Fprintln(os.Stderr, "prototype:", err)
		stop()
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options) (err error) {
	cells, err := o.cells()
	if err != nil {
		return err
	}
	for _, c := range cells {
		if c.variant.pg && o.pg == nil {
			if o.pg, err = startPG(); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, o.pg.stop()) }()
		}
	}
	results := make([][]figures, len(cells))
	for rep := range o.reps {
		for n := range cells {
			// Every other round backwards, so that no cell always follows
			// the same one.
			i := n
			if rep%2 == 1 {
				i = len(cells) - 1 - n
			}
			f, err := measureCell(ctx, cells[i], o.settings)
			if err != nil {
				return err
			}
			results[i] = append(results[i], f)
			fmt.Fprintf(os.Stderr, "rep %d %-28s trains %d refused %2d %%: %6.0f payments/s, %4.0f + %4.0f us\n", rep+1,
				cells[i].variant.name, cells[i].trains, cells[i].refuse, f.PaymentsPerSecond, f.OwnMicros, f.ServerMicros)
		}
	}
	return report(os.Stdout, o, cells, results)
}

func (o options) cells() ([]cell, error) {
	chosen, err := choose(o.names)
	if err != nil {
		return nil, err
	}
	trains, err := numbers(o.trains, 1)
	if err != nil {
		return nil, err
	}
	refuse, err := numbers(o.refuse, 0)
	if err != nil {
		return nil, err
	}
	var out []cell
	for _, r := range refuse {
		for _, v := range chosen {
			if !v.pg {
				out = append(out, cell{v, 1, r})
				continue
			}
			for _, t := range trains {
				out = append(out, cell{v, t, r})
			}
		}
	}
	return out, nil
}

func choose(names string) ([]variant, error) {
	var out []variant
	for _, v := range variants() {
		if names == "all" || names == "pg" && v.pg || names == "sqlite" && !v.pg {
			out = append(out, v)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, name := range strings.Split(names, ",") {
		v, err := find(variants(), name)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func numbers(list string, least int) ([]int, error) {
	var out []int
	for _, f := range strings.Split(list, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < least {
			return nil, fmt.Errorf("not a list of whole numbers of %d and more: %q", least, list)
		}
		out = append(out, n)
	}
	return out, nil
}
