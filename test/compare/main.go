//go:build unix

// Command compare measures Florin beside the storage prototype, on SQLite and on
// PostgreSQL, and prints a table for docs/benchmarks.md:
//
//	go run ./test/compare -rounds 5
//
// The runs alternate, every second round backwards, so that whatever else the
// machine does falls on all of them. Each run has a database of its own, and on
// PostgreSQL a server of its own with the same settings. It needs PostgreSQL's
// programs and, for the processes' time, Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options say how each run is made.
type options struct {
	rounds, clients  int
	duration, warmup time.Duration
	quiet            time.Duration
	only             string
}

// cell is one program on one engine.
type cell struct {
	name string
	run  func(context.Context, *session) (sample, error)
}

// session is what all runs share.
type session struct {
	options
	florin, prototype string // binaries
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := compare(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(ctx context.Context) (err error) {
	var s session
	flag.IntVar(&s.rounds, "rounds", 5, "runs of each cell")
	flag.IntVar(&s.clients, "clients", 64, "payments under way")
	flag.DurationVar(&s.duration, "duration", 8*time.Second, "time measured in each run")
	flag.DurationVar(&s.warmup, "warmup", 2*time.Second, "time before that")
	flag.DurationVar(&s.quiet, "quiet", 0, "wait before each run, at most so long, until nothing else runs")
	flag.StringVar(&s.only, "only", "", "measure one program: prototype or Florin")
	flag.Parse()
	dir, err := os.MkdirTemp("", "florin-compare-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := s.build(ctx, dir); err != nil {
		return err
	}
	cells := []cell{
		{"prototype, SQLite", runPrototype("ncruces-checksums-changes")},
		{"Florin, SQLite", runFlorin},
		{"prototype, PostgreSQL", runPrototype("pg-changes")},
		{"Florin, PostgreSQL", runFlorinPostgres},
	}
	samples := make([][]sample, len(cells))
	for round := range s.rounds {
		for n := range cells {
			i := n
			if round%2 == 1 {
				i = len(cells) - 1 - n
			}
			if s.only != "" && !strings.HasPrefix(cells[i].name, s.only) {
				continue
			}
			if err := awaitQuiet(ctx, s.quiet); err != nil {
				return err
			}
			got, err := cells[i].run(ctx, &s)
			if err != nil {
				return fmt.Errorf("%s: %w", cells[i].name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d, %-22s %s\n", round+1, cells[i].name, got)
			samples[i] = append(samples[i], got)
		}
	}
	return table(os.Stdout, cells, samples)
}

func startsWith(text, start string) bool {
	return len(text) >= len(start) && text[:len(start)] == start
}

// build makes both programs from this tree.
func (s *session) build(ctx context.Context, dir string) error {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	at := strings.TrimSpace(string(root))
	s.florin, s.prototype = filepath.Join(dir, "florin"), filepath.Join(dir, "prototype")
	for _, b := range []struct{ dir, out, pkg string }{
		{at, s.florin, "./cmd/florin"}, {filepath.Join(at, "test", "prototype"), s.prototype, "."},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.out, b.pkg)
		cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
	}
	return nil
}
