package db

import (
	"context"
	"fmt"
	"math/bits"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/kit/probe"
)

func (t *table) selectSQL() string {
	match := t.keyMatch("?")
	if probe.Mutant("db.read-no-scope") {
		match = strings.Replace(match, "scope = ?", "(scope = ? OR true)", 1)
	}
	return "SELECT " + strings.Join(append(append([]string{}, t.keys...), t.columns...), ", ") +
		" FROM " + t.name + " WHERE " + match
}

func (t *table) insertSQL() string {
	n := len(t.keys) + len(t.columns)
	return "INSERT INTO " + t.name + " (" + strings.Join(append(append([]string{}, t.keys...), t.columns...), ", ") +
		") VALUES (" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")"
}

func (t *table) updateSQL() string { return t.updateSomeSQL(everyColumn) }

// columnSet is a set of a table's columns: bit i is its column i.
type columnSet uint64

// everyColumn stands for all columns, however many there are.
const everyColumn = ^columnSet(0)

func (s columnSet) has(i int) bool { return s == everyColumn || i < 64 && s>>i&1 == 1 }

// updateSomeSQL sets those columns alone: SQLite writes anew the entries of every
// index that has a column which is set, whether or not it changes.
func (t *table) updateSomeSQL(columns columnSet) string {
	var set []string
	for i, c := range t.columns {
		if columns.has(i) {
			set = append(set, c+" = ?")
		}
	}
	return "UPDATE " + t.name + " SET " + strings.Join(set, ", ") + " WHERE " + t.keyMatch("?")
}

// changed are the columns that an update changes.
func (r *stored) changed() (columns columnSet) {
	if len(r.before) != len(r.values) || len(r.values) >= 64 {
		return everyColumn
	}
	for i := range r.values {
		if r.values[i] != r.before[i] {
			columns |= 1 << i
		}
	}
	return columns
}

func (t *table) deleteSQL() string { return "DELETE FROM " + t.name + " WHERE " + t.keyMatch("?") }

func (t *table) keyMatch(arg string) string {
	parts := make([]string, len(t.keys))
	for i, k := range t.keys {
		parts[i] = k + " = " + arg
	}
	return strings.Join(parts, " AND ")
}

func (s *sqlite) statements(t *table) []string {
	list := []string{t.text.sel, t.text.ins, t.text.del}
	if !t.appendOnly {
		list = append(list, t.text.upd)
	}
	return list
}

func (c *sqliteConn) load(_ context.Context, wants []want, found func(*table, Key, []value)) error {
	for _, w := range wants {
		for _, k := range w.keys {
			values, err := c.row(w.table, k)
			if err != nil {
				return err
			}
			if values != nil {
				found(w.table, k, values)
			}
		}
	}
	return nil
}

// row reads one row by key; nil when there is none.
func (c *sqliteConn) row(t *table, k Key) ([]value, error) {
	st, err := c.stmt(t.text.sel)
	if err != nil {
		return nil, err
	}
	if err := bindKey(st, 1, t, k); err != nil {
		return nil, err
	}
	var values []value
	if st.Step() {
		values = columns(make([]value, len(t.kinds)), st, len(t.keys), t.kinds)
	}
	if err := st.Reset(); err != nil {
		return nil, fmt.Errorf("read %s: %w", t.name, classifySQLite(err))
	}
	return values, nil
}

// columns reads the columns of a row into values, which has as many.
func columns(values []value, st *sqlite3.Stmt, from int, kinds []columnKind) []value {
	for i, kind := range kinds {
		switch kind {
		case intColumn:
			values[i].int = st.ColumnInt64(from + i)
		case textColumn:
			values[i].text = st.ColumnText(from + i)
		case bytesColumn:
			values[i].text = string(st.ColumnRawBlob(from + i))
		}
	}
	return values
}

func bindKey(st *sqlite3.Stmt, at int, t *table, k Key) error {
	parts := k.parts()
	for i := range t.keys {
		if err := st.BindInt64(at+i, parts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *sqliteConn) bindValues(st *sqlite3.Stmt, at int, t *table, values []value, columns columnSet) error {
	for i, kind := range t.kinds {
		if !columns.has(i) {
			at--
			continue
		}
		var err error
		switch kind {
		case intColumn:
			err = st.BindInt64(at+i, values[i].int)
		case textColumn:
			err = st.BindText(at+i, values[i].text)
		case bytesColumn:
			c.blob = append(c.blob[:0], values[i].text...)
			err = st.BindBlob(at+i, c.blob) // which copies it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flush writes. The file has one writer at a time: what was absent is so still.
func (c *sqliteConn) flush(_ context.Context, changes []tableChanges, _ func() []want) error {
	for _, ch := range changes {
		t := ch.table
		keys := len(t.keys)
		for _, r := range ch.deletes {
			if err := c.write(t, t.text.del, r, func(st *sqlite3.Stmt) error { return bindKey(st, 1, t, r.key) }); err != nil {
				return err
			}
		}
		for _, r := range ch.inserts {
			err := c.write(t, t.text.ins, r, func(st *sqlite3.Stmt) error {
				if err := bindKey(st, 1, t, r.key); err != nil {
					return err
				}
				return c.bindValues(st, keys+1, t, r.values, everyColumn)
			})
			if err != nil {
				return err
			}
		}
		for _, r := range ch.updates {
			if err := c.update(t, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxUpdates is for how many sets of columns an update of a table is prepared.
const maxUpdates = 16

// update writes the columns of a row that have changed.
func (c *sqliteConn) update(t *table, r stored) error {
	columns := r.changed()
	if columns == 0 {
		return nil // it is stored as it is to be
	}
	sql, ok := c.updates[t][columns]
	switch {
	case ok:
	case len(c.updates[t]) == maxUpdates || columns == everyColumn:
		columns, sql = everyColumn, t.text.upd
	default:
		if c.updates[t] == nil {
			c.updates[t] = map[columnSet]string{}
		}
		sql = t.updateSomeSQL(columns)
		c.updates[t][columns] = sql
	}
	n := len(t.columns)
	if columns != everyColumn {
		n = bits.OnesCount64(uint64(columns))
	}
	return c.write(t, sql, r, func(st *sqlite3.Stmt) error {
		if err := c.bindValues(st, 1, t, r.values, columns); err != nil {
			return err
		}
		return bindKey(st, n+1, t, r.key)
	})
}

// write runs one row's statement and insists that it changed one row.
func (c *sqliteConn) write(t *table, sql string, r stored, bind func(*sqlite3.Stmt) error) error {
	if err := c.exec(sql, bind); err != nil {
		return fmt.Errorf("write %s %v: %w", t.name, r.key, err)
	}
	if n := c.c.Changes(); n != 1 {
		return fmt.Errorf("write %s %v: %d rows changed", t.name, r.key, n)
	}
	return nil
}

func (c *sqliteConn) query(_ context.Context, sql string, kinds []columnKind, args []any, each func([]value) error) error {
	st, err := c.stmt(sql)
	if err != nil {
		return err
	}
	for i, a := range args {
		switch a := a.(type) {
		case int64:
			err = st.BindInt64(i+1, a)
		case string:
			err = st.BindText(i+1, a)
		case []byte:
			err = st.BindBlob(i+1, a)
		default:
			err = fmt.Errorf("argument %d of %s is a %T", i+1, sql, a)
		}
		if err != nil {
			return err
		}
	}
	values := make([]value, len(kinds))
	for err == nil && st.Step() {
		err = each(columns(values, st, 0, kinds))
	}
	if reset := st.Reset(); err == nil {
		err = classifySQLite(reset)
	}
	return err
}
