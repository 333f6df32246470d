package dbtest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A database that a test has left is emptied for the next one, in whatever process:
// to make and to drop one takes the server longer than most tests take. Idle ones are
// named idlePrefix, the schema and a number; there are as many as tests ran at once.
const idlePrefix = "florin_idle_"

// mostRows is how many rows are worth deleting; with more a new database is cheaper.
const mostRows = 20_000

// shape describes a database that a test may have changed in more than its rows: its
// columns and indexes, the migrations, settings of its own.
const shape = `SELECT md5(concat(
	(SELECT string_agg(concat_ws(' ', n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY n.nspname, c.relname, a.attnum)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'),
	(SELECT string_agg(concat_ws(' ', nspname), ',' ORDER BY nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%'),
	(SELECT string_agg(concat_ws(' ', number, name), ',' ORDER BY number) FROM migration),
	(SELECT string_agg(s.setconfig::text, ',') FROM pg_db_role_setting s JOIN pg_database b ON b.oid = s.setdatabase WHERE b.datname = current_database())))`

// describe notes the shape of a template with it.
func describe(ctx context.Context, admin *pgx.Conn, server, name string) error {
	c, err := pgx.Connect(ctx, withDatabase(server, name))
	if err != nil {
		return err
	}
	var text string
	err = c.QueryRow(ctx, shape).Scan(&text)
	if closed := c.Close(ctx); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "COMMENT ON DATABASE "+name+" IS '"+text+"'")
	return err
}

// claim takes an idle database of a schema and gives it a name; false: there is none.
func claim(ctx context.Context, admin *pgx.Conn, schema, name string) (bool, error) {
	rows, err := admin.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", idleNames(schema))
	if err != nil {
		return false, err
	}
	idle, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	for _, old := range idle {
		if _, err := admin.Exec(ctx, "ALTER DATABASE "+old+" RENAME TO "+name); err == nil {
			return true, nil // otherwise another process was quicker
		}
	}
	return false, nil
}

func idleNames(schema string) string {
	return idlePrefix + strings.TrimPrefix(schema, templatePrefix) + "_"
}

// retire empties a database and leaves it to whoever comes next. It reports false where
// the database is not worth it, and is to be dropped.
func retire(ctx context.Context, server, schema, name string) (bool, error) {
	c, err := pgx.Connect(ctx, withDatabase(server, name))
	if err != nil {
		return false, err
	}
	clean, err := empty(ctx, c, schema)
	if closed := c.Close(ctx); err == nil {
		err = closed
	}
	if err != nil || !clean {
		return false, err
	}
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return false, err
	}
	defer func() { _ = admin.Close(ctx) }()
	_, err = admin.Exec(ctx, fmt.Sprintf("ALTER DATABASE %s RENAME TO %s%d", name, idleNames(schema), time.Now().UnixNano()))
	return err == nil, err
}

// empty deletes all rows, unless there is more to undo.
func empty(ctx context.Context, c *pgx.Conn, schema string) (bool, error) {
	if _, err := c.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
		return false, err
	}
	var is, was string
	if err := c.QueryRow(ctx, "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1", schema).Scan(&was); err != nil {
		return false, err
	}
	if err := c.QueryRow(ctx, shape).Scan(&is); err != nil || is != was {
		return false, nil // the test has changed more than rows
	}
	rows, err := c.Query(ctx, "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'")
	if err != nil {
		return false, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	deleted := int64(0)
	b := &pgx.Batch{}
	for _, table := range tables {
		b.Queue("DELETE FROM " + table)
	}
	results := c.SendBatch(ctx, b)
	for range tables {
		tag, err := results.Exec()
		if err != nil {
			return false, results.Close()
		}
		deleted += tag.RowsAffected()
	}
	return deleted <= mostRows, results.Close()
}
