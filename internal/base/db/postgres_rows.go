package db

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/internal/kit/probe"
)

var postgresTypes = [...]string{intColumn: "int8", textColumn: "text", bytesColumn: "bytea"}

// unnest is "unnest($1::int8[], …) AS u(k1, k2, …)" over the table's keys, and
// over its columns when withColumns is set.
func (t *table) unnest(withColumns bool) string {
	var args, names []string
	add := func(typ, name string) {
		names = append(names, name)
		args = append(args, fmt.Sprintf("$%d::%s[]", len(names), typ))
	}
	for _, k := range t.keys {
		add("int8", k)
	}
	if withColumns {
		for i, c := range t.columns {
			add(postgresTypes[t.kinds[i]], c)
		}
	}
	return "unnest(" + strings.Join(args, ", ") + ") AS u(" + strings.Join(names, ", ") + ")"
}

func (t *table) joinKeys(left, right string) string {
	parts := make([]string, len(t.keys))
	for i, k := range t.keys {
		parts[i] = left + "." + k + " = " + right + "." + k
	}
	return strings.Join(parts, " AND ")
}

func (t *table) allColumns(prefix string) string {
	names := append(append([]string{}, t.keys...), t.columns...)
	return prefix + strings.Join(names, ", "+prefix)
}

func (t *table) bulkLoadSQL(lock bool) string {
	sql := "SELECT " + t.allColumns("t.") + " FROM " + t.unnest(false) + " JOIN " + t.name + " t ON " + t.joinKeys("t", "u")
	if lock && !t.appendOnly && !probe.Mutant("db.no-row-locks") {
		sql += " ORDER BY t." + strings.Join(t.keys, ", t.") + " FOR UPDATE OF t"
	}
	return sql
}

func (t *table) bulkInsertSQL() string {
	return "INSERT INTO " + t.name + " (" + t.allColumns("") + ") SELECT * FROM " + t.unnest(true)
}

func (t *table) bulkUpdateSQL() string {
	set := make([]string, len(t.columns))
	for i, c := range t.columns {
		set[i] = c + " = u." + c
	}
	return "UPDATE " + t.name + " AS t SET " + strings.Join(set, ", ") + " FROM " + t.unnest(true) + " WHERE " + t.joinKeys("t", "u")
}

func (t *table) bulkDeleteSQL() string {
	return "DELETE FROM " + t.name + " AS t USING " + t.unnest(false) + " WHERE " + t.joinKeys("t", "u")
}

func (p *postgres) statements(t *table) []string {
	list := []string{t.text.bulkLoad, t.text.bulkRead, t.text.bulkInsert, t.text.bulkDelete}
	if !t.appendOnly {
		list = append(list, t.text.bulkUpdate)
	}
	return list
}

// keyArrays turns rows into one array per key column.
func keyArrays(t *table, n int, key func(int) Key) []any {
	args := make([]any, len(t.keys))
	for c := range t.keys {
		column := make([]int64, n)
		for i := range n {
			column[i] = key(i).parts()[c]
		}
		args[c] = column
	}
	return args
}

// valueArrays adds one array per column.
func valueArrays(t *table, rows []stored) []any {
	args := keyArrays(t, len(rows), func(i int) Key { return rows[i].key })
	for c, kind := range t.kinds {
		switch kind {
		case intColumn:
			column := make([]int64, len(rows))
			for i := range rows {
				column[i] = rows[i].values[c].int
			}
			args = append(args, column)
		case textColumn:
			column := make([]string, len(rows))
			for i := range rows {
				column[i] = rows[i].values[c].text
			}
			args = append(args, column)
		case bytesColumn:
			column := make([][]byte, len(rows))
			for i := range rows {
				column[i] = []byte(rows[i].values[c].text)
			}
			args = append(args, column)
		}
	}
	return args
}

// scanner reads rows of known kinds without boxing each value.
type scanner struct {
	ints  []int64
	texts []string
	bytes [][]byte
	dest  []any
	kinds []columnKind
}

func newScanner(keys int, kinds []columnKind) *scanner {
	all := append(make([]columnKind, keys), kinds...) // keys are ints
	s := &scanner{ints: make([]int64, len(all)), texts: make([]string, len(all)), bytes: make([][]byte, len(all)), kinds: all}
	for i, k := range all {
		switch k {
		case intColumn:
			s.dest = append(s.dest, &s.ints[i])
		case textColumn:
			s.dest = append(s.dest, &s.texts[i])
		case bytesColumn:
			s.dest = append(s.dest, &s.bytes[i])
		}
	}
	return s
}

func (s *scanner) key(t *table) (k Key) {
	k.Scope, k.ID = s.ints[0], s.ints[1]
	if len(t.keys) == 3 {
		k.Sub = s.ints[2]
	}
	return k
}

func (s *scanner) values(from int) []value {
	out := make([]value, len(s.kinds)-from)
	for i := range out {
		switch s.kinds[from+i] {
		case intColumn:
			out[i].int = s.ints[from+i]
		case textColumn:
			out[i].text = s.texts[from+i]
		case bytesColumn:
			out[i].text = string(s.bytes[from+i])
		}
	}
	return out
}

func (c *postgresConn) load(ctx context.Context, wants []want, found func(*table, Key, []value)) error {
	return bulkLoad(ctx, c.c, wants, true, found)
}

func bulkLoad(ctx context.Context, c *pgx.Conn, wants []want, lock bool, found func(*table, Key, []value)) error {
	var b pgx.Batch
	for _, w := range wants {
		t, text := w.table, w.table.text.bulkRead
		if lock {
			text = w.table.text.bulkLoad
		}
		args := keyArrays(t, len(w.keys), func(i int) Key { return w.keys[i] })
		b.Queue(text, args...).Query(collect(t, found))
	}
	return classifyPostgres(c.SendBatch(ctx, &b).Close())
}

func collect(t *table, found func(*table, Key, []value)) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		s := newScanner(len(t.keys), t.kinds)
		for rows.Next() {
			if err := rows.Scan(s.dest...); err != nil {
				return err
			}
			found(t, s.key(t), s.values(len(t.keys)))
		}
		return rows.Err()
	}
}

func (c *postgresConn) flush(ctx context.Context, changes []tableChanges, absent func() []want) error {
	var b pgx.Batch
	var sizes []int
	gone := absent()
	for _, w := range gone {
		b.Queue(w.table.text.bulkRead, keyArrays(w.table, len(w.keys), func(i int) Key { return w.keys[i] })...)
	}
	queue := func(sql string, rows int, args []any) {
		if rows > 0 {
			b.Queue(sql, args...)
			sizes = append(sizes, rows)
		}
	}
	for _, ch := range changes {
		t := ch.table
		queue(t.text.bulkDelete, len(ch.deletes), keyArrays(t, len(ch.deletes), func(i int) Key { return ch.deletes[i].key }))
		queue(t.text.bulkInsert, len(ch.inserts), valueArrays(t, ch.inserts))
		if len(ch.updates) > 0 {
			queue(t.text.bulkUpdate, len(ch.updates), valueArrays(t, ch.updates))
		}
	}
	if b.Len() == 0 {
		return nil
	}
	r := c.c.SendBatch(ctx, &b)
	for _, w := range gone {
		tag, err := r.Exec() // tells how many rows were selected
		if err == nil && tag.RowsAffected() > 0 {
			err = fmt.Errorf("%w: %w in %s", errRetry, errAppeared, w.table.name)
			_ = r.Close()
			return err
		}
		if err != nil {
			_ = r.Close()
			return classifyPostgres(err)
		}
	}
	for i, want := range sizes {
		tag, err := r.Exec()
		if err == nil && tag.RowsAffected() != int64(want) {
			err = fmt.Errorf("%s changed %d rows of %d", b.QueuedQueries[len(gone)+i].SQL, tag.RowsAffected(), want)
			_ = r.Close()
			return err
		}
		if err != nil {
			_ = r.Close()
			return classifyPostgres(err)
		}
	}
	return classifyPostgres(r.Close())
}

// postgresReader is a pooled read-only connection.
type postgresReader struct{ c *pgx.Conn }

func (r postgresReader) load(ctx context.Context, wants []want, found func(*table, Key, []value)) error {
	return bulkLoad(ctx, r.c, wants, false, found)
}

func (r postgresReader) query(ctx context.Context, sql string, kinds []columnKind, args []any, each func([]value) error) error {
	rows, err := r.c.Query(ctx, (*postgres)(nil).rebind(sql), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	s := newScanner(0, kinds)
	for rows.Next() {
		if err := rows.Scan(s.dest...); err != nil {
			return err
		}
		if err := each(s.values(0)); err != nil {
			return err
		}
	}
	return rows.Err()
}
