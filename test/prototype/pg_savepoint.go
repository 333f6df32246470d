package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgSavepoint is the shape "closure with savepoint" on PostgreSQL.
// Plain, every call of a step is a round trip. Pipelined, a step's writes are
// queued and sent together with its RELEASE, and need sends its reads
// together: two round trips a step, also if it is refused.
type pgSavepoint struct {
	ctx       context.Context
	conn      *pgx.Conn
	pipelined bool
	insertS   [9]string
	claimS    [9]string
	updateS   [9]string
	loadS     [9]string

	queued pgx.Batch
	got    map[ref]*row // rows of this step, by need; nil: absent
}

func newPgSavepoint(ctx context.Context, dsn string, pipelined bool) (*pgSavepoint, error) {
	conn, err := pgConnect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	e := &pgSavepoint{ctx: ctx, conn: conn, pipelined: pipelined, got: map[ref]*row{}}
	for _, t := range tables {
		e.insertS[t.index] = t.insertSQL("$")
		e.claimS[t.index] = t.insertSQL("$") + " ON CONFLICT DO NOTHING"
		e.updateS[t.index] = t.updateSQL("$")
		e.loadS[t.index] = t.loadSQL("$", " FOR UPDATE")
	}
	return e, nil
}

func (e *pgSavepoint) close() error { return e.conn.Close(e.ctx) }

func (e *pgSavepoint) run(batch []*work) error {
	if _, err := e.conn.Exec(e.ctx, "BEGIN"); err != nil {
		return err
	}
	for _, w := range batch {
		if err := e.one(w); err != nil {
			return err
		}
	}
	_, err := e.conn.Exec(e.ctx, "COMMIT")
	return err
}

func (e *pgSavepoint) one(w *work) error {
	clear(e.got)
	if _, err := e.exec("SAVEPOINT step"); err != nil {
		return err
	}
	w.err = w.step(e)
	switch w.err {
	case nil:
	case errRefused:
		// What is queued was not sent; the savepoint itself was, by need.
		e.queued = pgx.Batch{}
		if _, err := e.exec("ROLLBACK TO step"); err != nil {
			return err
		}
	default:
		return w.err
	}
	if _, err := e.exec("RELEASE step"); err != nil {
		return err
	}
	return e.flush()
}

// exec runs a statement now, or queues it; queued, it reports one row.
func (e *pgSavepoint) exec(sql string, args ...any) (int64, error) {
	if e.pipelined {
		e.queued.Queue(sql, args...)
		return 1, nil
	}
	tag, err := e.conn.Exec(e.ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (e *pgSavepoint) flush() error {
	if e.queued.Len() == 0 {
		return nil
	}
	err := e.conn.SendBatch(e.ctx, &e.queued).Close()
	e.queued = pgx.Batch{}
	return err
}

func (e *pgSavepoint) need(refs ...ref) error {
	if !e.pipelined {
		return nil
	}
	for _, r := range refs {
		e.queued.Queue(e.loadS[r.table.index], r.scope, r.key).QueryRow(func(pr pgx.Row) error {
			var got row
			err := scanRow(pr, r.table, &got)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			e.got[r] = &got
			return err
		})
	}
	return e.flush()
}

func (e *pgSavepoint) get(r ref) (row, bool, error) {
	if e.pipelined {
		if got := e.got[r]; got != nil {
			return *got, true, nil
		}
		return row{}, false, nil
	}
	var out row
	err := scanRow(e.conn.QueryRow(e.ctx, e.loadS[r.table.index], r.scope, r.key), r.table, &out)
	if errors.Is(err, pgx.ErrNoRows) {
		return out, false, nil
	}
	return out, err == nil, err
}

// claim needs the answer at once, pipelined or not: the step may be refused.
func (e *pgSavepoint) claim(t *table, r *row) (bool, error) {
	args := pgArgs(r.v[:len(t.ints)], r.blob, t.blob != "")
	if !e.pipelined {
		n, err := e.exec(e.claimS[t.index], args...)
		return n == 1, err
	}
	var n int64
	e.queued.Queue(e.claimS[t.index], args...).Exec(func(tag pgconn.CommandTag) error {
		n = tag.RowsAffected()
		return nil
	})
	err := e.flush()
	return n == 1, err
}

func (e *pgSavepoint) insert(t *table, r *row) error {
	_, err := e.exec(e.insertS[t.index], pgArgs(r.v[:len(t.ints)], r.blob, t.blob != "")...)
	return err
}

func (e *pgSavepoint) update(t *table, r *row) error {
	var buf [maxInts]int64
	n, err := e.exec(e.updateS[t.index], pgArgs(t.updateInts(r, buf[:]), r.blob, t.setBlob)...)
	if err == nil && n != 1 {
		err = fmt.Errorf("update of %s: %d rows", t.name, n)
	}
	return err
}
