package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// migrationLock is the advisory lock under which schemas change: "florin" in
// ASCII.
const migrationLock = 0x666c6f72696e

// ddlPatience is how long a migration's statement waits for a table that
// somebody uses. Whoever comes to the table later waits behind it, so that a
// long transaction, such as a backup's, would stop all servers for as long as it
// lasts.
const ddlPatience = "1s"

func (p *postgres) version(ctx context.Context) (n int64, err error) {
	err = p.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		n, err = schemaVersion(ctx, c.Conn())
		return err
	})
	return n, err
}

func schemaVersion(ctx context.Context, c *pgx.Conn) (n int64, err error) {
	var there bool
	if err := c.QueryRow(ctx, "SELECT to_regclass('migration') IS NOT NULL").Scan(&there); err != nil || !there {
		return 0, err
	}
	err = c.QueryRow(ctx, "SELECT coalesce(max(number), 0) FROM migration").Scan(&n)
	return n, err
}

func (p *postgres) migrate(ctx context.Context, m migration) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if p.schema != "" {
		if err := createSchema(ctx, c, p.schema); err != nil {
			return fmt.Errorf("schema %s: %w", p.schema, err)
		}
	}
	return mayRepeat(migrateOne(ctx, c, m))
}

// mayRepeat marks that others were in the way: a lock that was not to be had in
// time, or a deadlock. Nothing was changed.
func mayRepeat(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "55P03" || pg.Code == "40P01") {
		return fmt.Errorf("%w: %w", errRetry, err)
	}
	return err
}

// lockMigrations waits its turn among those who migrate.
func lockMigrations(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock))
	return err
}

// createSchema makes a schema that is missing. IF NOT EXISTS would want the
// right to create it where it is there, too, and fail where two create at once.
func createSchema(ctx context.Context, c *pgx.Conn, name string) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if err := lockMigrations(ctx, tx); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", quoted(name)).Scan(&there); err != nil || there {
			return err
		}
		_, err := tx.Exec(ctx, "CREATE SCHEMA "+quoted(name))
		return err
	})
}

func migrateOne(ctx context.Context, c *pgx.Conn, m migration) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if err := lockMigrations(ctx, tx); err != nil {
			return err
		}
		have, err := schemaVersion(ctx, c)
		if err != nil || have >= m.number {
			return err
		}
		// An index on a large table takes as long as it takes.
		if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '"+ddlPatience+"'; SET LOCAL statement_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, name TEXT COLLATE \"C\" NOT NULL)"); err != nil {
			return err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, m.sql).ReadAll(); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO migration (number, name) VALUES ($1, $2)", m.number, m.name)
		return err
	})
}
