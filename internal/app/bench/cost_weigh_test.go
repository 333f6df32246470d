//go:build unix

package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
)

// weights tell how many bytes are stored: what is in the rows and in the entries of
// indexes, without the pages around them, which fill up by leaps.
type weights struct{ query *db.Query[weight] }

// weight is the bytes of a table's rows or of an index's entries.
type weight struct{ index, bytes int64 }

// part is a column of a table, or of an index, as the catalogue names it.
type part struct {
	table, index, column string
	only                 string // the condition of a partial index
}

func parts(p *part, f *db.Fields) {
	db.Text(f, &p.table)
	db.Text(f, &p.index)
	db.Text(f, &p.column)
	db.Text(f, &p.only)
}

// The columns of all tables, and those of all indexes that are not the table itself.
// PostgreSQL's marks of trains are kept for a day only.
const (
	sqliteParts = `SELECT t.name, '', c.name, '' FROM pragma_table_list t, pragma_table_info(t.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%'
		UNION ALL SELECT t.name, i.name, coalesce(x.name, 'rowid'), coalesce(substr(s.sql, nullif(instr(s.sql, ' WHERE '), 0)), '')
		FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) x JOIN sqlite_schema s ON s.name = i.name
		WHERE t.schema = 'main' AND t.type = 'table' AND NOT (t.wr = 1 AND i.origin = 'pk')`
	postgresParts = `SELECT c.relname::text, ''::text, 't.*'::text, ''::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname = current_schema() AND c.relname <> 'train'
		UNION ALL SELECT c.relname::text, i.relname::text, pg_get_indexdef(i.oid, k, true), coalesce(' WHERE ' || pg_get_expr(x.indpred, c.oid), '')
		FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		CROSS JOIN LATERAL generate_series(1, x.indnatts) k WHERE n.nspname = current_schema() AND c.relname <> 'train'`
)

// sqliteBytes is the length of a column in a record of SQLite with its place in the
// header: https://www.sqlite.org/fileformat2.html#record_format
const sqliteBytes = `1 + CASE typeof(%[1]s) WHEN 'null' THEN 0 WHEN 'integer' THEN CASE WHEN %[1]s IN (0, 1) THEN 0
	WHEN %[1]s BETWEEN -128 AND 127 THEN 1 WHEN %[1]s BETWEEN -32768 AND 32767 THEN 2 WHEN %[1]s BETWEEN -8388608 AND 8388607 THEN 3
	WHEN %[1]s BETWEEN -2147483648 AND 2147483647 THEN 4 WHEN %[1]s BETWEEN -140737488355328 AND 140737488355327 THEN 6 ELSE 8 END
	ELSE length(CAST(%[1]s AS BLOB)) END`

// What PostgreSQL keeps of each row and of each entry beside its columns: a pointer
// of 4 bytes, and 8 bytes at the beginning of an entry. The beginning of a row is in
// the size of the whole row.
const (
	postgresRow   = 4
	postgresEntry = 12
)

// newWeights makes the one query over all tables and indexes of a database.
func newWeights(t testing.TB, d *db.DB) *weights {
	t.Helper()
	catalogue, each, row, entry := sqliteParts, sqliteBytes, 0, 0
	if d.Figures().Engine == "postgres" {
		catalogue, each, row, entry = postgresParts, "pg_column_size(%s)", postgresRow, postgresEntry
	}
	list, err := db.NewQuery("cost.parts", catalogue, parts).All(t.Context(), d)
	if err != nil || len(list) == 0 {
		t.Fatalf("the tables: %v %v", list, err)
	}
	var order []string
	sums, from := map[string]string{}, map[string]part{}
	for _, p := range list {
		name := p.table + " " + p.index
		if _, known := from[name]; !known {
			order, from[name] = append(order, name), p
			sums[name] = fmt.Sprint(row)
			if p.index != "" {
				sums[name] = fmt.Sprint(entry)
			}
		}
		sums[name] += " + " + fmt.Sprintf(each, p.column)
	}
	var union []string
	for _, name := range order {
		p, index := from[name], 0
		if p.index != "" {
			index = 1
		}
		union = append(union, fmt.Sprintf("SELECT CAST(%d AS BIGINT), CAST(coalesce(sum(%s), 0) AS BIGINT) FROM %s t%s", index, sums[name], p.table, p.only))
	}
	return &weights{db.NewQuery("cost.weights", strings.Join(union, " UNION ALL "), func(w *weight, f *db.Fields) {
		db.Int(f, &w.index)
		db.Int(f, &w.bytes)
	})}
}

// sum gives the bytes of all rows and of all entries.
func (w *weights) sum(t testing.TB, d *db.DB) (rows, entries int64) {
	t.Helper()
	list, err := w.query.All(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range list {
		if one.index == 0 {
			rows += one.bytes
		} else {
			entries += one.bytes
		}
	}
	return rows, entries
}
