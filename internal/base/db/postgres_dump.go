package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
)

// unkept are tables that no dump holds: marks of trains, which are about the
// connections of one server, and the migrations, which the loader applies.
const unkept = "('train', 'migration')"

// tables lists the tables of the connection's schema with their columns, by
// name, and about how many bytes they hold.
func postgresTables(ctx context.Context, tx pgx.Tx) (names []string, columns map[string]string, bytes int64, err error) {
	columns = map[string]string{}
	rows, err := tx.Query(ctx, `SELECT c.relname::text, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C")::text, pg_table_size(c.oid)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN `+unkept+`
		GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C"`)
	if err != nil {
		return nil, nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, list string
		var size int64
		if err := rows.Scan(&name, &list, &size); err != nil {
			return nil, nil, 0, err
		}
		names, columns[name], bytes = append(names, name), list, bytes+size
	}
	return names, columns, bytes, rows.Err()
}

// dump copies each table as PostgreSQL's COPY writes it, all in one transaction
// that sees one moment. The name of a part is that of the table and its columns.
func (p *postgres) dump(ctx context.Context, to Dump, progress Progress) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0"); err != nil {
		return err
	}
	return pgx.BeginTxFunc(ctx, c, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		names, columns, total, err := postgresTables(ctx, tx)
		if err != nil {
			return err
		}
		done := int64(0)
		for _, name := range names {
			out := &chunker{each: func(chunk []byte) error {
				done += int64(len(chunk))
				progress(done, max(done, total))
				return to(name+" "+columns[name], chunk)
			}}
			_, err := tx.Conn().PgConn().CopyTo(ctx, out, fmt.Sprintf("COPY (SELECT %s FROM %s) TO STDOUT", columns[name], quoted(name)))
			if err == nil {
				err = out.flush()
			}
			if err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		return nil
	})
}

// chunker gathers what is written into chunks.
type chunker struct {
	buffer []byte
	each   func([]byte) error
}

// Write implements [io.Writer].
func (c *chunker) Write(p []byte) (int, error) {
	c.buffer = append(c.buffer, p...)
	if len(c.buffer) < dumpChunk {
		return len(p), nil
	}
	return len(p), c.flush()
}

func (c *chunker) flush() error {
	if len(c.buffer) == 0 {
		return nil
	}
	err := c.each(c.buffer)
	c.buffer = c.buffer[:0]
	return err
}

// vacant refuses a schema on which a process of Florin has started: it has given
// out the number of a node.
func (p *postgres) vacant(ctx context.Context) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	var there bool
	if err := c.QueryRow(ctx, "SELECT to_regclass('meta') IS NOT NULL").Scan(&there); err != nil || !there {
		return err
	}
	if err := c.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM meta WHERE scope = 0 AND key IN (%d, %d))", metaNode, metaRestored)).Scan(&there); err != nil {
		return err
	}
	if there {
		return fmt.Errorf("%w: the database has been used by Florin", ErrOccupied)
	}
	return nil
}

// fill loads the tables in one transaction, in place of what the migrations put
// into them.
func (p *postgres) fill(ctx context.Context, info Dumped, whole bool, from Source, progress Progress) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET enable_seqscan = on"); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		if err := lockMigrations(ctx, tx); err != nil {
			return err
		}
		if err := p.vacant(ctx); err != nil { // another restore was quicker
			return err
		}
		names, columns, _, err := postgresTables(ctx, tx)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.Exec(ctx, "TRUNCATE "+quoted(name)); err != nil {
				return err
			}
		}
		if err := copyIn(ctx, tx, columns, from, progress); err != nil {
			return err
		}
		if whole {
			return nil
		}
		_, err = tx.Exec(ctx, `INSERT INTO meta (scope, key, number, text) VALUES (0, $1, $2, $3)
			ON CONFLICT (scope, key) DO UPDATE SET number = excluded.number, text = excluded.text`, metaRestored, info.At.UnixMicro(), learning)
		return err
	})
}

// copyIn loads parts until there are no more. Chunks of one table are one COPY.
func copyIn(ctx context.Context, tx pgx.Tx, columns map[string]string, from Source, progress Progress) error {
	part, chunk, err := from()
	done := int64(0)
	for part != "" && err == nil {
		name, list, _ := strings.Cut(part, " ")
		if columns[name] != list {
			return fmt.Errorf("the backup has a table %s (%s), and this Florin makes it as (%s)", name, list, columns[name])
		}
		stream := &joined{part: part, chunk: chunk, from: from}
		if _, err := tx.Conn().PgConn().CopyFrom(ctx, stream, fmt.Sprintf("COPY %s (%s) FROM STDIN", quoted(name), list)); err != nil {
			return fmt.Errorf("table %s: %w", name, errors.Join(err, stream.err))
		}
		done += stream.read
		progress(done, 0)
		part, chunk, err = stream.next, stream.chunk, stream.err
	}
	return err
}

// joined reads the chunks of one part, and stops at the next part.
type joined struct {
	part  string
	chunk io.Reader
	from  Source
	next  string // the part that follows, whose first chunk is chunk
	read  int64
	ended bool
	err   error
}

// Read implements [io.Reader].
func (j *joined) Read(p []byte) (int, error) {
	for !j.ended && j.err == nil {
		n, err := j.chunk.Read(p)
		j.read += int64(n)
		if n > 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, notEOF(err)
		}
		if err == nil {
			continue
		}
		var part string
		if part, j.chunk, j.err = j.from(); part != j.part {
			j.next, j.ended = part, true
		}
	}
	if j.err != nil {
		return 0, j.err
	}
	return 0, io.EOF
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
