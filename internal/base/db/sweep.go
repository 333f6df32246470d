package db

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// SweepRows is how many rows a sweep deletes at once: one commit for many, and
// few enough not to hold up the other steps of its train.
const SweepRows = 200

// Pace is told each time that a sweep has deleted some rows, and how many. It
// waits for as long as the next ones are to wait; its error ends the sweep.
type Pace func(ctx context.Context, rows int) error

// Sweep deletes the rows whose keys find gives, [SweepRows] at most each time,
// until it gives none: in steps of that name, one for each scope. A row of which
// over, if it is given, says that it is not over after all stays. find has to
// pass over what stays; a sweep that gets nowhere ends.
func Sweep[R any](ctx context.Context, d *DB, name string, t *Table[R], find func(limit int64) ([]Key, error), over func(R) bool, pace Pace) error {
	for {
		keys, err := find(SweepRows)
		if err != nil || len(keys) == 0 {
			return err
		}
		gone, err := remove(ctx, d, name, t, keys, over)
		if err != nil {
			return err
		}
		if err := pace(ctx, gone); err != nil || gone == 0 {
			return err
		}
	}
}

// remove deletes rows and tells how many. Steps of several scopes are run side
// by side, so that they share a commit.
func remove[R any](ctx context.Context, d *DB, name string, t *Table[R], keys []Key, over func(R) bool) (gone int, err error) {
	slices.SortFunc(keys, Key.compare)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
	)
	for len(keys) > 0 {
		n := slices.IndexFunc(keys, func(k Key) bool { return k.Scope != keys[0].Scope })
		if n < 0 {
			n = len(keys)
		}
		some := keys[:n]
		keys = keys[n:]
		group.Go(func() {
			n, failed := removeOf(ctx, d, name, t, some, over)
			mu.Lock()
			defer mu.Unlock()
			gone, err = gone+n, errors.Join(err, failed)
		})
	}
	group.Wait()
	return gone, err
}

// removeOf deletes rows of one scope in one step.
func removeOf[R any](ctx context.Context, d *DB, name string, t *Table[R], some []Key, over func(R) bool) (gone int, err error) {
	step := Step{Name: name, Scope: some[0].Scope, Do: func(tx *Tx) error {
		gone = 0
		for _, k := range some {
			row, ok, err := t.Get(tx, k)
			if err != nil {
				return err
			}
			if ok && (over == nil || over(row)) {
				t.Delete(tx, k)
				gone++
			}
		}
		return nil
	}}
	for _, k := range some {
		step.Needs = append(step.Needs, t.Need(k))
	}
	if err := d.Run(ctx, step); err != nil {
		return 0, err
	}
	return gone, nil
}
