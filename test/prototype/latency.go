package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// times are how long payments took, of all clients, from when it is on.
type times struct {
	on  atomic.Bool
	mu  sync.Mutex
	all []time.Duration
}

func (t *times) keep(took []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, took...)
}

// latencies gives the median and the 99th percentile, in microseconds.
func (r *run) latencies() (median, p99 float64) {
	all := r.times.all
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return float64(all[(len(all)-1)/2].Microseconds()), float64(all[(len(all)-1)*99/100].Microseconds())
}

// stored is how many bytes a cell's database takes.
func stored(ctx context.Context, c cell, at place) (n int64, err error) {
	if c.variant.pg {
		conn, err := pgx.Connect(ctx, at.dsn)
		if err != nil {
			return 0, err
		}
		defer conn.Close(ctx)
		err = conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
		return n, err
	}
	files, err := filepath.Glob(filepath.Join(at.dir, "florin.db*"))
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return 0, err
		}
		n += info.Size()
	}
	return n, err
}
