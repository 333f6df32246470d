package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// postgresReaders is how many connections serve reads.
const postgresReaders = 8

// postgres is the server engine.
type postgres struct {
	config *pgx.ConnConfig
	pool   *pgxpool.Pool
	schema string // see Options.Schema
}

// session is what every connection asks of the server: a commit is durable
// before it is answered, and a node that dies does not hold its locks for long.
var session = map[string]string{
	"application_name":                    "florin",
	"synchronous_commit":                  "on",
	"default_transaction_isolation":       "read committed",
	"lock_timeout":                        "10s",
	"idle_in_transaction_session_timeout": "60s",
}

// plans keeps statements, all of which go by key or along an index, from being
// planned anew each time, or for tables as empty as they were at the first one:
// docs/decisions/0001-storage.md has the figures of trains. A reader that was made
// on an empty table went over all of it until it was analysed.
var plans = map[string]string{
	"plan_cache_mode":   "force_generic_plan",
	"enable_seqscan":    "off",
	"enable_hashjoin":   "off",
	"enable_mergejoin":  "off",
	"enable_bitmapscan": "off",
	"jit":               "off",
}

func openPostgres(ctx context.Context, address, schema string, trace func(Sent)) (*postgres, error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("the address of the PostgreSQL database is not valid: %w", err)
	}
	for k, v := range session {
		if _, set := config.ConnConfig.RuntimeParams[k]; !set {
			config.ConnConfig.RuntimeParams[k] = v
		}
	}
	if probe.Mutant("db.no-sync") {
		config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	}
	if schema != "" {
		config.ConnConfig.RuntimeParams["search_path"] = quoted(schema)
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	for k, v := range plans {
		config.ConnConfig.RuntimeParams[k] = v
	}
	single := config.ConnConfig.Copy()
	tracePostgres(single, trace, false)
	tracePostgres(config.ConnConfig, trace, true)
	config.MaxConns = postgresReaders
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	// What one read sees is of one moment; a read-only transaction at this level
	// never fails for it.
	config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("PostgreSQL at %s: %w", redactAddress(address), err)
	}
	return &postgres{single, pool, schema}, nil
}

// quoted is a name as it stands in a statement.
func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

func (p *postgres) connect(ctx context.Context) (conn, error) {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRetry, err)
	}
	return &postgresConn{c}, nil
}

func (p *postgres) read(ctx context.Context, f func(reader) error) error {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errWhole, err)
	}
	defer c.Release()
	if err = f(postgresReader{c.Conn()}); err != nil && c.Conn().IsClosed() {
		err = fmt.Errorf("%w: %w", errWhole, err)
	}
	return err
}

func (p *postgres) close() { p.pool.Close() }

// rebind numbers the placeholders. Registered statements have no ? in literals.
func (p *postgres) rebind(sql string) string {
	var b strings.Builder
	n := 0
	for i := range len(sql) {
		if sql[i] == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
		} else {
			b.WriteByte(sql[i])
		}
	}
	return b.String()
}

func (p *postgres) prepare(ctx context.Context, sql string) error {
	return p.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		_, err := c.Conn().PgConn().Prepare(ctx, "", sql, nil)
		return err
	})
}

// postgresConn is a train's connection.
type postgresConn struct{ c *pgx.Conn }

const insertTrain = "INSERT INTO train (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING"

// begin opens the transaction and inserts its id first: a replay after a lost
// answer to COMMIT finds the id taken, and waits for the old transaction if it
// is still under way.
func (c *postgresConn) begin(ctx context.Context, train, now int64) error {
	var b pgx.Batch
	b.Queue("BEGIN")
	b.Queue(insertTrain, train, now)
	r := c.c.SendBatch(ctx, &b)
	if _, err := r.Exec(); err != nil {
		_ = r.Close()
		return classifyPostgres(err)
	}
	tag, err := r.Exec()
	if closed := r.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return classifyPostgres(err)
	case tag.RowsAffected() == 0:
		return errCommitted
	}
	return nil
}

func (c *postgresConn) commit(ctx context.Context) error {
	tag, err := c.c.Exec(ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		return fmt.Errorf("%w: COMMIT was answered with %s", errRetry, tag)
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.SeverityUnlocalized == "ERROR" {
		return fmt.Errorf("%w: %w", errRetry, err) // refused; after FATAL and PANIC nobody knows
	}
	return err
}

// clear has nothing to do: the disk is the server's business.
func (c *postgresConn) clear() {}

func (c *postgresConn) rollback(ctx context.Context) {
	if !c.c.IsClosed() {
		_, _ = c.c.Exec(ctx, "ROLLBACK")
	}
}

func (c *postgresConn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.c.Close(ctx)
}

// classifyPostgres marks what a repetition may cure. SQLSTATE classes:
// https://www.postgresql.org/docs/15/errcodes-appendix.html
func classifyPostgres(err error) error {
	if err == nil {
		return nil
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return fmt.Errorf("%w: %w", errRetry, err) // the connection broke
	}
	switch pg.Code {
	case "23505":
		return fmt.Errorf("%w: %w: %w", errRetry, errDuplicate, err)
	case "40001", "40P01", "55P03", "53300", "25P03", "25P04": // the last two: the server ended an idle or long transaction
		return fmt.Errorf("%w: %w", errRetry, err)
	}
	switch pg.Code[:2] {
	case "08", "57":
		return fmt.Errorf("%w: %w", errRetry, err)
	}
	return err
}

// forgetChunk is how many marks one statement deletes.
const forgetChunk = 10_000

// forgetTrains deletes the marks of trains that left before a time, which their
// ids sort by, some at a time.
func (p *postgres) forgetTrains(ctx context.Context, before time.Time) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	for {
		gone, err := c.Exec(ctx, "DELETE FROM train WHERE id IN (SELECT id FROM train WHERE id < $1 ORDER BY id LIMIT $2)", id.Floor(before), forgetChunk)
		if err != nil || gone.RowsAffected() < forgetChunk {
			return err
		}
	}
}
