package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
)

// traceSQLite has a connection tell the statements that it runs.
func traceSQLite(c *sqlite3.Conn, told func(sql, bound string)) error {
	return c.Trace(sqlite3.TRACE_STMT, func(_ sqlite3.TraceEvent, statement, text any) error {
		told(text.(string), statement.(*sqlite3.Stmt).ExpandedSQL())
		return nil
	})
}

// postgresTracer tells the statements that are sent, alone or in a batch.
type postgresTracer func(sql, bound string)

func (p postgresTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	p(q.SQL, "")
	return ctx
}

func (postgresTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (p postgresTracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		p(q.SQL, "")
	}
	return ctx
}

func (postgresTracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (postgresTracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
