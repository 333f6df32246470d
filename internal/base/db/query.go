package db

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/kit/fault"
)

// statement is a registered text.
type statement struct {
	name, sql string
	kinds     []columnKind
}

// Query is a registered statement that reads rows R. Its text is the same for
// both engines, with ? for arguments (int64, string or []byte).
type Query[R any] struct {
	*statement
	fields func(*R, *Fields)
}

// NewQuery registers a statement. Queries are package variables, described at
// start; one test prepares all of them on both engines.
func NewQuery[R any](name, sql string, fields func(*R, *Fields)) *Query[R] {
	f := Fields{note: true}
	fields(new(R), &f)
	s := &statement{name: name, sql: sql, kinds: f.kinds}
	registry.Lock()
	defer registry.Unlock()
	registry.queries = append(registry.queries, s)
	return &Query[R]{s, fields}
}

// Each runs the query and hands its rows to f, one after another, until f
// returns an error. It sees what is committed and takes no locks. f must be
// quick: no read transaction lasts over a second.
func (q *Query[R]) Each(ctx context.Context, d *DB, f func(R) error, args ...any) error {
	if !validArgs(args) {
		return errText
	}
	return d.read(ctx, func(r reader) error {
		var row, none R
		fields := Fields{load: true}
		return r.query(ctx, q.sql, q.kinds, args, func(values []value) error {
			row, fields.values, fields.next = none, values, 0
			q.fields(&row, &fields)
			return f(row)
		})
	})
}

// All runs the query and gives its rows.
func (q *Query[R]) All(ctx context.Context, d *DB, args ...any) (rows []R, err error) {
	err = q.Each(ctx, d, func(r R) error {
		rows = append(rows, r)
		return nil
	}, args...)
	return rows, err
}

// Read gives the committed row under k, without a lock, and whether there is one.
func (t *Table[R]) Read(ctx context.Context, d *DB, k Key) (r R, ok bool, err error) {
	rows, err := t.ReadMany(ctx, d, []Key{k})
	r, ok = rows[k]
	return r, ok, err
}

// ReadMany gives the committed rows under keys, those that are there.
func (t *Table[R]) ReadMany(ctx context.Context, d *DB, keys []Key) (map[Key]R, error) {
	rows := make(map[Key]R, len(keys))
	wanted := []want{{t.table, sortKeys(append([]Key(nil), keys...))}}
	err := d.read(ctx, func(r reader) error {
		return r.load(ctx, wanted, func(found *table, k Key, values []value) {
			if found == t.table {
				rows[k] = t.decode(values)
			}
		})
	})
	return rows, err
}

// read lends a read-only connection. That there is none is told as a fault.
func (d *DB) read(ctx context.Context, f func(reader) error) error {
	if d.gate != nil {
		if err := d.gate.Read(ctx); err != nil {
			return err
		}
	}
	err := func() error {
		defer d.take()()
		return d.engine.read(ctx, f)
	}()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errClosed):
		return errShutDown()
	case errors.Is(err, errWhole):
		d.log.Warn("a read could not be served", "error", err)
		return fault.New(fault.Unavailable, "", "The database can't be reached or is busy. Try again shortly.")
	}
	return err
}
