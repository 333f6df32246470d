package db

import (
	"context"
	"errors"
	"fmt"
)

// snapshot is an engine whose reads all see one moment: one connection, with a
// read transaction open.
type snapshot struct {
	engine
	turn chan reader // of one
	end  func()      // gives the connection back
}

// Snapshot gives a handle that reads the database as it is now, whatever is
// written meanwhile, for whoever compares rows that change together. Nothing can
// be written through it, its reads take turns (a function given to
// [Query.Each] may not use it), and while it is open SQLite's write-ahead log
// only grows: close it soon.
func (d *DB) Snapshot(ctx context.Context) (*DB, error) {
	s := &snapshot{engine: d.engine, turn: make(chan reader, 1)}
	var err error
	switch e := d.engine.(type) {
	case *sqlite:
		err = s.ofSQLite(e)
	case *postgres:
		err = s.ofPostgres(ctx, e)
	default:
		err = errors.New("db: a snapshot of a snapshot")
	}
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	frozen := &DB{engine: s, clock: d.clock, log: d.log, ids: d.ids, gate: readOnly{}}
	frozen.life, frozen.end = context.WithCancel(context.Background())
	return frozen, nil
}

// anything is a read with which a transaction's view begins.
const anything = "SELECT COUNT(*) FROM meta WHERE scope = 0 AND key = 0"

func (s *snapshot) ofSQLite(e *sqlite) error {
	c, err := e.open()
	if err != nil {
		return err
	}
	if err := errors.Join(c.c.Exec("PRAGMA query_only=on"), c.c.Exec("BEGIN"), c.c.Exec(anything)); err != nil {
		c.close()
		return classifySQLite(err)
	}
	s.end = c.close
	s.turn <- c
	return nil
}

func (s *snapshot) ofPostgres(ctx context.Context, e *postgres) error {
	c, err := e.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errWhole, err)
	}
	_, err = c.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	if err == nil {
		_, err = c.Exec(ctx, anything)
	}
	// The pool closes a connection that is given back within a transaction.
	if err != nil {
		c.Release()
		return err
	}
	s.end = c.Release
	s.turn <- postgresReader{c.Conn()}
	return nil
}

func (s *snapshot) read(ctx context.Context, f func(reader) error) error {
	select {
	case r, open := <-s.turn:
		if !open {
			return errClosed
		}
		defer func() { s.turn <- r }()
		return f(r)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the read that is under way.
func (s *snapshot) close() {
	<-s.turn
	close(s.turn)
	s.end()
}

// readOnly is the gate before a snapshot.
type readOnly struct{}

func (readOnly) Step(_ context.Context, s Step, _ func(Step) error) error {
	return fmt.Errorf("db: step %s at a snapshot, which can't be written to", s.Name)
}

func (readOnly) Read(context.Context) error { return nil }
