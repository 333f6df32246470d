package main

import "fmt"

// liteConn is one connection of a SQLite driver, liteStmt a prepared
// statement: whole-number parameters first, then at most one of bytes.
type liteConn interface {
	script(statements ...string) error
	prepare(sql string) (liteStmt, error)
	close() error
}

type liteStmt interface {
	// exec runs a statement that returns no rows and gives the number of
	// rows changed.
	exec(ints []int64, blob []byte, hasBlob bool) (int, error)
	// load reads the one row of a query, or false.
	load(ints []int64, out *row, n int, hasBlob bool) (bool, error)
}

// openLite opens a new database file with the settings common to both
// drivers and makes the tables.
type openLite func(path string) (liteConn, error)

var litePragmas = []string{
	"PRAGMA journal_mode = WAL",
	"PRAGMA synchronous = FULL",
	"PRAGMA cache_size = -131072",
	"PRAGMA wal_autocheckpoint = 4000",
}

// liteVerbs holds the prepared single-row statements of each table.
type liteVerbs struct {
	conn                          liteConn
	insert, claim, update, load   [9]liteStmt
	begin, commit, rollback       liteStmt
	savepoint, release, rollback2 liteStmt
	buf                           [maxInts]int64
}

func newLiteVerbs(open openLite, path string, scopes int) (*liteVerbs, error) {
	conn, err := open(path)
	if err != nil {
		return nil, err
	}
	v := &liteVerbs{conn: conn}
	if err := conn.script(schema(true)...); err != nil {
		return nil, err
	}
	if err := v.prepareAll(); err != nil {
		return nil, err
	}
	for _, r := range seed(scopes) {
		if err := v.insertRow(balance, r); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *liteVerbs) prepareAll() error {
	prepare := func(dst *liteStmt, sql string) (err error) {
		if *dst, err = v.conn.prepare(sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		return nil
	}
	for _, t := range tables {
		if err := prepare(&v.insert[t.index], t.insertSQL("?")); err != nil {
			return err
		}
		if len(t.set) == 0 {
			continue
		}
		if err := prepare(&v.claim[t.index], t.insertSQL("?")+" ON CONFLICT DO NOTHING"); err != nil {
			return err
		}
		if err := prepare(&v.update[t.index], t.updateSQL("?")); err != nil {
			return err
		}
		if err := prepare(&v.load[t.index], t.loadSQL("?", "")); err != nil {
			return err
		}
	}
	for sql, dst := range map[string]*liteStmt{
		"BEGIN IMMEDIATE": &v.begin, "COMMIT": &v.commit, "ROLLBACK": &v.rollback,
		"SAVEPOINT step": &v.savepoint, "RELEASE step": &v.release, "ROLLBACK TO step": &v.rollback2,
	} {
		if err := prepare(dst, sql); err != nil {
			return err
		}
	}
	return nil
}

func (v *liteVerbs) plain(s liteStmt) error {
	_, err := s.exec(nil, nil, false)
	return err
}

func (v *liteVerbs) insertRow(t *table, r *row) error {
	_, err := v.insert[t.index].exec(r.v[:len(t.ints)], r.blob, t.blob != "")
	return err
}

func (v *liteVerbs) updateRow(t *table, r *row) error {
	n, err := v.update[t.index].exec(t.updateInts(r, v.buf[:]), r.blob, t.setBlob)
	if err == nil && n != 1 {
		err = fmt.Errorf("update of %s: %d rows", t.name, n)
	}
	return err
}

func (v *liteVerbs) loadRow(t *table, scope, key int64, out *row) (bool, error) {
	v.buf[0], v.buf[1] = scope, key
	return v.load[t.index].load(v.buf[:2], out, len(t.ints), t.blob != "")
}

// liteSavepoint is the shape "closure with savepoint": each call of a step is
// a statement, each step a savepoint.
type liteSavepoint struct{ *liteVerbs }

func (e *liteSavepoint) close() error { return e.conn.close() }

func (e *liteSavepoint) run(batch []*work) error {
	if err := e.plain(e.begin); err != nil {
		return err
	}
	for _, w := range batch {
		if err := e.one(w); err != nil {
			return err
		}
	}
	return e.plain(e.commit)
}

func (e *liteSavepoint) one(w *work) error {
	if err := e.plain(e.savepoint); err != nil {
		return err
	}
	w.err = w.step(e)
	if w.err != nil && w.err != errRefused {
		return w.err
	}
	if w.err == errRefused {
		if err := e.plain(e.rollback2); err != nil {
			return err
		}
	}
	return e.plain(e.liteVerbs.release)
}

func (e *liteSavepoint) need(...ref) error { return nil }

func (e *liteSavepoint) get(r ref) (out row, found bool, err error) {
	found, err = e.loadRow(r.table, r.scope, r.key, &out)
	return out, found, err
}

func (e *liteSavepoint) claim(t *table, r *row) (bool, error) {
	n, err := e.liteVerbs.claim[t.index].exec(r.v[:len(t.ints)], r.blob, t.blob != "")
	return n == 1, err
}

func (e *liteSavepoint) insert(t *table, r *row) error { return e.insertRow(t, r) }
func (e *liteSavepoint) update(t *table, r *row) error { return e.updateRow(t, r) }

// liteChanges is the shape "load, decide, changes".
type liteChanges struct {
	*liteVerbs
	cache *cache
}

func (e *liteChanges) close() error { return e.conn.close() }

func (e *liteChanges) run(batch []*work) error {
	e.cache.reset()
	if err := e.plain(e.begin); err != nil {
		return err
	}
	if err := e.cache.decide(batch, e.loadMissing); err != nil {
		return err
	}
	for _, t := range tables {
		byKey(e.cache.fresh[t.index])
		for _, r := range e.cache.fresh[t.index] {
			if err := e.insertRow(t, r); err != nil {
				return err
			}
		}
		byKey(e.cache.changed[t.index])
		for _, r := range e.cache.changed[t.index] {
			if err := e.updateRow(t, r); err != nil {
				return err
			}
		}
	}
	return e.plain(e.commit)
}

// loadMissing reads row by row in key order: SQLite has no round trips to
// save, and one writer needs no row locks.
func (e *liteChanges) loadMissing(c *cache) error {
	for _, t := range tables {
		keys := c.missing[t.index]
		sortKeys(keys)
		for _, k := range keys {
			var r row
			found, err := e.loadRow(t, k.scope, k.key, &r)
			if err != nil {
				return err
			}
			if found {
				c.put(t, r)
			}
		}
	}
	return nil
}
