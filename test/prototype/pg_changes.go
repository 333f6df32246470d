package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgChanges is the shape "load, decide, changes" on PostgreSQL. A train costs
// two round trips: BEGIN with the bulk loads, then the bulk writes with
// COMMIT; one more for each further round of loads.
type pgChanges struct {
	ctx     context.Context
	conn    *pgx.Conn
	cache   *cache
	begun   bool
	loadS   [9]string
	insertS [9]string
	updateS [9]string
}

func newPgChanges(ctx context.Context, dsn string) (*pgChanges, error) {
	conn, err := pgConnect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	e := &pgChanges{ctx: ctx, conn: conn, cache: newCache()}
	for _, t := range tables {
		e.loadS[t.index] = t.bulkLoadSQL()
		e.insertS[t.index] = t.bulkInsertSQL()
		e.updateS[t.index] = t.bulkUpdateSQL()
	}
	return e, nil
}

func (e *pgChanges) close() error { return e.conn.Close(e.ctx) }

func (e *pgChanges) run(batch []*work) error {
	e.cache.reset()
	e.begun = false
	if err := e.cache.decide(batch, e.loadMissing); err != nil {
		return err
	}
	var out pgx.Batch
	if !e.begun {
		out.Queue("BEGIN")
	}
	for _, t := range tables {
		if fresh := e.cache.fresh[t.index]; len(fresh) > 0 {
			byKey(fresh)
			out.Queue(e.insertS[t.index], t.insertArrays(fresh)...)
		}
		if changed := e.cache.changed[t.index]; len(changed) > 0 {
			byKey(changed)
			out.Queue(e.updateS[t.index], t.updateArrays(changed)...).Exec(func(tag pgconn.CommandTag) error {
				if int(tag.RowsAffected()) != len(changed) {
					return fmt.Errorf("update of %s: %d of %d rows", t.name, tag.RowsAffected(), len(changed))
				}
				return nil
			})
		}
	}
	out.Queue("COMMIT")
	return e.conn.SendBatch(e.ctx, &out).Close()
}

// loadMissing loads and locks what the steps asked for, table by table, each
// in key order.
func (e *pgChanges) loadMissing(c *cache) error {
	var out pgx.Batch
	if !e.begun {
		out.Queue("BEGIN")
		e.begun = true
	}
	for _, t := range tables {
		keys := c.missing[t.index]
		if len(keys) == 0 {
			continue
		}
		sortKeys(keys)
		scopes, ids := make([]int64, len(keys)), make([]int64, len(keys))
		for i, k := range keys {
			scopes[i], ids[i] = k.scope, k.key
		}
		out.Queue(e.loadS[t.index], scopes, ids).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				var r row
				if err := scanRow(rows, t, &r); err != nil {
					return err
				}
				c.put(t, r)
			}
			return rows.Err()
		})
	}
	return e.conn.SendBatch(e.ctx, &out).Close()
}

// bulkLoadSQL takes two arrays, scopes and keys. The rows are locked in the
// order of the sort, which is below the lock in the plan.
func (t *table) bulkLoadSQL() string {
	return "SELECT " + t.columns("t.") + " FROM unnest($1::bigint[], $2::bigint[]) AS k(scope, key)" +
		" JOIN " + t.name + " t ON t.scope = k.scope AND t.key = k.key" +
		" ORDER BY t.scope, t.key FOR UPDATE OF t"
}

// bulkInsertSQL takes one array per column.
func (t *table) bulkInsertSQL() string {
	return "INSERT INTO " + t.name + " (" + t.columns("") + ") SELECT * FROM unnest(" +
		arrays(len(t.ints), t.blob != "") + ")"
}

// bulkUpdateSQL takes one array per parameter of updateSQL.
func (t *table) bulkUpdateSQL() string {
	var set []string
	names := []string{"scope", "key"}
	for _, c := range t.set {
		names = append(names, t.ints[c])
	}
	if t.setBlob {
		names = append(names, t.blob)
	}
	for _, c := range names[2:] {
		set = append(set, c+" = u."+c)
	}
	return "UPDATE " + t.name + " t SET " + strings.Join(set, ", ") + " FROM unnest(" +
		arrays(len(t.set)+2, t.setBlob) + ") AS u(" + strings.Join(names, ", ") + ")" +
		" WHERE t.scope = u.scope AND t.key = u.key"
}

func arrays(ints int, blob bool) string {
	var p []string
	for i := range ints {
		p = append(p, "$"+strconv.Itoa(i+1)+"::bigint[]")
	}
	if blob {
		p = append(p, "$"+strconv.Itoa(ints+1)+"::bytea[]")
	}
	return strings.Join(p, ", ")
}

func (t *table) insertArrays(rows []*row) []any {
	columns := make([]int, len(t.ints))
	for i := range columns {
		columns[i] = i
	}
	return columnArrays(rows, columns, t.blob != "")
}

func (t *table) updateArrays(rows []*row) []any {
	return columnArrays(rows, append([]int{0, 1}, t.set...), t.setBlob)
}

// columnArrays turns rows into one array per column.
func columnArrays(rows []*row, columns []int, blob bool) []any {
	var out []any
	for _, c := range columns {
		a := make([]int64, len(rows))
		for i, r := range rows {
			a[i] = r.v[c]
		}
		out = append(out, a)
	}
	if blob {
		a := make([][]byte, len(rows))
		for i, r := range rows {
			a[i] = r.blob
		}
		out = append(out, a)
	}
	return out
}
