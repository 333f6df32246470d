package db

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
)

// Scratch makes a schema with that name, which must not be there yet, in the
// PostgreSQL database at address ("postgres://…"). It gives the address under
// which that schema alone is seen, and a function that drops it with all that
// has come to be in it. It is for books that end with the process that made
// them.
func Scratch(ctx context.Context, address, name string) (own string, drop func(context.Context) error, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", nil, fmt.Errorf("the address %s is no URL", redactAddress(address))
	}
	if err := execOnce(ctx, address, "CREATE SCHEMA "+quoted(name)); err != nil {
		return "", nil, err
	}
	values := u.Query()
	values.Set("search_path", quoted(name))
	u.RawQuery = values.Encode()
	return u.String(), func(ctx context.Context) error {
		return execOnce(ctx, address, "DROP SCHEMA "+quoted(name)+" CASCADE")
	}, nil
}

// execOnce runs a statement on a connection of its own.
func execOnce(ctx context.Context, address, sql string) error {
	return once(ctx, address, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, sql)
		return err
	})
}

// once lends a connection that is closed afterwards.
func once(ctx context.Context, address string, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("PostgreSQL at %s: %w", redactAddress(address), err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if err := f(c); err != nil {
		return fmt.Errorf("PostgreSQL at %s: %w", redactAddress(address), err)
	}
	return nil
}

// ServerUsage is what a PostgreSQL database takes of its server.
type ServerUsage struct {
	// Bytes are those of the database's files, whatever schema they belong to.
	Bytes int64
	// Log is how many bytes the server has written to its write-ahead log since
	// its data directory was made, for all its databases.
	Log int64
}

// MeasureServer asks the PostgreSQL server at address. Unless it is nil, look gets
// the number, on the server's machine, of the process that serves the question,
// while that lives; its parent is the server itself.
func MeasureServer(ctx context.Context, address string, look func(backend int)) (u ServerUsage, err error) {
	err = once(ctx, address, func(c *pgx.Conn) error {
		var backend int
		err := c.QueryRow(ctx, "SELECT pg_database_size(current_database()), (pg_current_wal_lsn() - '0/0')::bigint, pg_backend_pid()").
			Scan(&u.Bytes, &u.Log, &backend)
		if err == nil && look != nil {
			look(backend)
		}
		return err
	})
	return u, err
}
