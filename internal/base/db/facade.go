package db

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// Gate stands before a [Facade]. It holds what is asked of the database until
// its time has come, and may refuse it, as a network between would.
type Gate interface {
	// Step is to call run, which returns when the step is durable or refused, at
	// most once, and gives its caller's error.
	Step(ctx context.Context, s Step, run func(Step) error) error
	// Read is asked before each read; an error refuses it.
	Read(ctx context.Context) error
}

// Facade gives another handle on the database of d, for one node of a
// simulated world, where several nodes of one process share the only writer of
// a file: with a clock, keys and watchers of its own, behind a gate. Closing it
// refuses what is asked of it later, and leaves d open; close d last.
func (d *DB) Facade(c clock.Clock, g Gate) *DB {
	return &DB{root: d, gate: g, clock: c, log: d.log, engine: d.engine, trains: d.trains, life: d.life,
		ids: id.NewGenerator(c, unclaimedNode)}
}

// base is the handle that owns the trains.
func (d *DB) base() *DB {
	if d.root != nil {
		return d.root
	}
	return d
}

// String names a row in a history: its table, and its key without the scope.
func (n Need) String() string {
	if n.table == nil {
		return "nothing"
	}
	if n.key.Sub == 0 {
		return fmt.Sprintf("%s/%d", n.table.name, n.key.ID)
	}
	return fmt.Sprintf("%s/%d/%d", n.table.name, n.key.ID, n.key.Sub)
}
