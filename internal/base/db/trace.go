package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
)

// Sent is a statement that a database was given: see [Options.Trace].
type Sent struct {
	SQL string
	// Rows is how many rows a write has written. SQLite's statements write one
	// each; the rows that others give are not counted there.
	Rows   int64
	Reader bool // it is a reader's, not a train's

	sqlite *sqlite3.Stmt
}

// Bound is the text with the values that are bound to it, on SQLite, for as long as
// the statement is told of; empty elsewhere.
func (s Sent) Bound() string {
	if s.sqlite == nil {
		return ""
	}
	return s.sqlite.ExpandedSQL()
}

// traceSQLite has a connection tell what it runs.
func traceSQLite(c *sqlite3.Conn, tell func(Sent), reader bool) error {
	if tell == nil {
		return nil
	}
	return c.Trace(sqlite3.TRACE_STMT, func(_ sqlite3.TraceEvent, statement, text any) error {
		if sql, ok := text.(string); ok {
			tell(Sent{SQL: sql, Rows: 1, Reader: reader, sqlite: statement.(*sqlite3.Stmt)})
		}
		return nil
	})
}

// tracePostgres has the connections that a configuration makes tell what they
// send.
func tracePostgres(c *pgx.ConnConfig, tell func(Sent), reader bool) {
	if tell != nil {
		c.Tracer = postgresTracer{tell, reader}
	}
}

// postgresTracer tells of statements that stand alone, and of each in a batch.
type postgresTracer struct {
	tell   func(Sent)
	reader bool
}

type sentKey struct{}

func (t postgresTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, sentKey{}, q.SQL)
}

func (t postgresTracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	sql, _ := ctx.Value(sentKey{}).(string)
	t.tell(Sent{SQL: sql, Rows: q.CommandTag.RowsAffected(), Reader: t.reader})
}

func (t postgresTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (t postgresTracer) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	t.tell(Sent{SQL: q.SQL, Rows: q.CommandTag.RowsAffected(), Reader: t.reader})
}

func (t postgresTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// Queued is how many steps wait for their trains now. It allocates nothing.
func (d *DB) Queued() (n int) {
	for _, w := range d.base().trains {
		steps, _ := w.queue.figures()
		n += steps
	}
	return n
}
