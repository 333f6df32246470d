package db

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Step is one atomic change.
type Step struct {
	// Name says in logs what the step is: "payment.confirm".
	Name string
	// Scope is the key of the scope whose rows the step is about; it chooses
	// the train.
	Scope int64
	// Needs are the rows that the step is known to ask for.
	Needs []Need
	// Patient says that nobody waits for the step: it may wait some milliseconds for
	// others to ride with, rather than have a train of its own.
	Patient bool
	// Do decides and records changes. It is pure but for what it captures,
	// which it must set anew each time, since it may run several times. An
	// error refuses the step: nothing of it is written.
	Do func(*Tx) error
}

// ticket is a step on its way.
type ticket struct {
	step    Step
	ctx     context.Context
	from    *DB // the handle that it was bought at
	ids     *id.Generator
	keys    []int64 // made by the step, the same each time it runs
	refused error
	done    chan error
	queued  time.Duration // when it came to its train's queue
	next    *ticket       // behind it in its line
}

// Run executes a step and returns when it is durable, or refused. The error of
// a refusal is the one that Do returned. When ctx ends before the step was
// taken up, it is not executed at all; afterwards Run waits for its end, since
// nobody could tell otherwise what became of it.
func (d *DB) Run(ctx context.Context, s Step) error {
	if d.gate != nil {
		return d.gate.Step(ctx, s, func(s Step) error { return d.ride(ctx, s) })
	}
	return d.ride(ctx, s)
}

func (d *DB) ride(ctx context.Context, s Step) error {
	t := &ticket{step: s, ctx: ctx, from: d, ids: d.ids, done: make(chan error, 1)}
	if err := d.board(t); err != nil {
		return err
	}
	return <-t.done
}

// board puts a ticket into its train's queue.
func (d *DB) board(t *ticket) error {
	d.closing.RLock()
	defer d.closing.RUnlock()
	switch {
	case d.closed:
		return errShutDown()
	case d.root != nil:
		return d.root.board(t)
	}
	d.queueOf(t.step.Scope).push(t)
	return nil
}

func (d *DB) queueOf(scope int64) *queue { return d.trains[trainOf(scope, len(d.trains))].queue }

// Crowded reports whether so many steps wait that one of a scope, if it came now,
// would wait longer than [Options.Patience]: it tells by the pace of the trains
// and by who is ahead. Whoever would begin something for somebody who can come
// again refuses then. What has begun goes on: a step itself is never refused for
// lack of room, so there are as many of them as callers let be under way at once.
func (d *DB) Crowded(scope int64) bool {
	d = d.base()
	return d.queueOf(scope).crowded(d.patience, scope, d.seats)
}

func errShutDown() error {
	return fault.New(fault.Unavailable, "", "The server is shutting down. Try again shortly.")
}

// trainOf spreads scopes over n trains. The low bits of a scope are its mode and
// a counter that is mostly zero, so the high bits of a product choose.
func trainOf(scope int64, n int) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 / the golden ratio
	return (uint64(scope) * golden >> 32) % uint64(n)
}

// execute runs the step's function once. It reports whether the step came to
// an end; otherwise rows are missing.
func (t *ticket) execute(tx *Tx) (ended bool) {
	err := t.call(tx)
	switch {
	case len(tx.missed) > 0:
		return false // whatever it decided, it decided without all rows
	case err != nil:
		t.refused = err
		if probe.Mutant("db.refused-step-writes") {
			tx.accept()
		}
	case tx.broken != nil:
		t.refused = fmt.Errorf("step %s: %w", t.step.Name, tx.broken)
	default:
		t.refused = nil
		tx.accept()
	}
	return true
}

func (t *ticket) call(tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("step %s panicked: %v\n%s", t.step.Name, p, debug.Stack())
		}
	}()
	err = t.step.Do(tx)
	if errors.Is(err, errNotLoaded) && len(tx.missed) == 0 {
		return fmt.Errorf("step %s returned an old miss", t.step.Name)
	}
	return err
}
