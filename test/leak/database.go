package leak

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Database searches the database at "sqlite:PATH" or "postgres://…".
//
// Of SQLite these are the bytes of the file and of what lies beside it: the
// write-ahead log, which keeps what was deleted since, and its index. Of
// PostgreSQL these are the values of every row of every table as bytes, also of
// what the server has compressed in its files; the files themselves, its log and
// its write-ahead log are searched when the throw-away server ends (test/postgres).
func Database(ctx context.Context, address string) ([]Hit, error) {
	if file, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return sqlite(file)
	}
	return postgres(ctx, address)
}

func sqlite(file string) (hits []Hit, err error) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		found, bad := File(file + suffix)
		hits, err = append(hits, found...), errors.Join(err, bad)
	}
	return hits, err
}

func postgres(ctx context.Context, address string) (hits []Hit, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the database is not valid")
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tables, err := tablesOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		s := newScanner(path.Base(u.Path) + "." + table)
		_, err := conn.PgConn().CopyTo(ctx, s, "COPY (SELECT * FROM "+table+") TO STDOUT (FORMAT binary)")
		hits = append(hits, s.end()...)
		s.release()
		if err != nil {
			return hits, fmt.Errorf("search %s: %w", table, err)
		}
	}
	return hits, nil
}

// tablesOf gives the quoted names of all tables that are not the server's own.
func tablesOf(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"+
		" WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
