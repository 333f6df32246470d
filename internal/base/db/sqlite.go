package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/internal/kit/probe"
)

// sqliteReaders is how many reads of a SQLite file run at once.
const sqliteReaders = 4

// sqlite is the embedded engine: one writer, some readers, a write-ahead log
// that is synced at each commit, and a checksum on every page of the file.
type sqlite struct {
	path    string
	fatal   func(error)
	readers chan *sqliteConn
	opened  int           // how many readers there are
	closed  chan struct{} // closed when no further read may begin
	trace   func(sql, bound string)
}

// openSQLite opens the file for so many reads at once.
func openSQLite(path string, readers int, fatal func(error), trace func(sql, bound string)) (*sqlite, error) {
	s := &sqlite{path: path, fatal: fatal, readers: make(chan *sqliteConn, readers), closed: make(chan struct{}), trace: trace}
	registerVFS()
	if err := createSQLite(path); err != nil {
		return nil, err
	}
	for range readers {
		c, err := s.open()
		if err == nil {
			err = c.c.Exec("PRAGMA query_only=on")
		}
		if err != nil {
			s.close()
			return nil, err
		}
		s.readers <- c
		s.opened++
	}
	return s, nil
}

func (s *sqlite) open() (*sqliteConn, error) {
	c, err := openFile(s.path)
	if err != nil {
		return nil, err
	}
	if s.trace != nil {
		if err := traceSQLite(c, s.trace); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return &sqliteConn{c: c, fatal: s.fatal, prepared: map[string]*sqlite3.Stmt{}, updates: map[*table]map[columnSet]string{}}, nil
}

func openFile(path string) (*sqlite3.Conn, error) {
	c, err := sqlite3.Open("file:" + (&url.URL{Path: path}).EscapedPath() + "?vfs=" + vfsName)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, classifySQLite(err))
	}
	setup := func() error {
		if err := c.BusyTimeout(10 * time.Second); err != nil {
			return err
		}
		if err := checksums(c); err != nil {
			return err
		}
		// Plans do not depend on arguments: they are the same each time, and a
		// statement whose LIMIT is an argument is not compiled anew each time.
		if _, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
			return err
		}
		synchronous := "full"
		if probe.Mutant("db.no-sync") {
			synchronous = "off"
		}
		return c.Exec("PRAGMA journal_mode=wal; PRAGMA synchronous=" + synchronous + "; PRAGMA foreign_keys=off; PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4000")
	}
	if err := setup(); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open %s: %w", path, classifySQLite(err))
	}
	return c, nil
}

// checksums switches page checksums on in a new file, and refuses one that has
// content and no checksums. The driver decides by one byte of the header: a
// header that lost it would have damage served without a word, and switching
// checksums on again would rewrite the file as it is misread.
func checksums(c *sqlite3.Conn) error {
	pages, err := pragma(c, "page_count")
	if err != nil {
		return err
	}
	if pages == 0 {
		if err := c.EnableChecksums("main"); err != nil {
			return err
		}
	}
	on, err := pragma(c, "checksum_verification")
	if err == nil && on != 1 {
		err = errors.New("the file has no page checksums: it was not made by Florin, or its header is damaged")
	}
	return err
}

// pragma reads a pragma that is a number.
func pragma(c *sqlite3.Conn, name string) (n int64, err error) {
	st, _, err := c.Prepare("PRAGMA " + name)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	if st.Step() {
		n = st.ColumnInt64(0)
	}
	return n, st.Err()
}

func (s *sqlite) connect(context.Context) (conn, error) {
	c, err := s.open()
	switch {
	case err == nil:
		return c, nil
	case noRoom(err):
		return nil, fmt.Errorf("%w: %w", errNoRoom, err)
	}
	return nil, err // and not a connection that is none
}

func (s *sqlite) read(ctx context.Context, f func(reader) error) error {
	select {
	case <-s.closed: // a reader may be free as well
		return errClosed
	default:
	}
	select {
	case c := <-s.readers:
		defer func() { s.readers <- c }()
		return f(c)
	case <-s.closed:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sqlite) rebind(sql string) string { return sql }

func (s *sqlite) prepare(ctx context.Context, sql string) error {
	return s.read(ctx, func(r reader) error {
		_, err := r.(*sqliteConn).stmt(sql)
		return err
	})
}

func (s *sqlite) version(ctx context.Context) (n int64, err error) {
	err = s.read(ctx, func(r reader) error {
		n, err = r.(*sqliteConn).version()
		return err
	})
	return n, err
}

func (c *sqliteConn) version() (int64, error) { return pragma(c.c, "user_version") }

func (s *sqlite) migrate(_ context.Context, m migration) error {
	c, err := s.open()
	if err != nil {
		return err
	}
	defer c.close()
	return classifySQLite(c.migrate(m))
}

func (c *sqliteConn) migrate(m migration) error {
	if err := c.c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	have, err := c.version()
	if err == nil && have < m.number {
		err = c.c.Exec(m.sql)
		if err == nil {
			err = c.c.Exec(fmt.Sprintf("PRAGMA user_version=%d", m.number))
		}
	}
	if err != nil {
		_ = c.c.Exec("ROLLBACK")
		return err
	}
	return c.c.Exec("COMMIT")
}

// close waits for the reads that are under way.
func (s *sqlite) close() {
	close(s.closed)
	for range s.opened {
		(<-s.readers).close()
	}
}

// sqliteConn is one connection with its prepared statements.
type sqliteConn struct {
	c        *sqlite3.Conn
	fatal    func(error)
	prepared map[string]*sqlite3.Stmt
	updates  map[*table]map[columnSet]string // the texts that were made for sets of columns
	blob     []byte                          // room for what is bound
}

func (c *sqliteConn) stmt(sql string) (*sqlite3.Stmt, error) {
	if st, ok := c.prepared[sql]; ok {
		return st, nil
	}
	st, tail, err := c.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err == nil && strings.TrimSpace(tail) != "" {
		err = errors.New("more than one statement")
	}
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, sql)
	}
	c.prepared[sql] = st
	return st, nil
}

// exec binds and runs a prepared statement that gives no rows.
func (c *sqliteConn) exec(sql string, bind func(*sqlite3.Stmt) error) error {
	st, err := c.stmt(sql)
	if err != nil {
		return err
	}
	if bind != nil {
		if err := bind(st); err != nil {
			return err
		}
	}
	err = st.Exec() // runs to the end and resets
	return classifySQLite(err)
}

func classifySQLite(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY), errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), errors.Is(err, sqlite3.CONSTRAINT_ROWID):
		return fmt.Errorf("%w: %w: %w", errRetry, errDuplicate, err)
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		return fmt.Errorf("%w: %w", errRetry, err)
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.READONLY):
		return fmt.Errorf("%w: %w", errNoRoom, err)
	case errors.Is(err, sqlite3.IOERR_DATA), errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("corruption of the database file: a page is not what was written: %w", err)
	}
	return err
}

func (c *sqliteConn) begin(context.Context, int64, int64) error {
	return c.exec("BEGIN IMMEDIATE", nil)
}

func (c *sqliteConn) commit(context.Context) error {
	err := c.exec("COMMIT", nil)
	if err != nil && !errors.Is(err, errRetry) && !errors.Is(err, errNoRoom) {
		// The log may or may not hold the transaction; a reopened file tells.
		c.fatal(err)
		panic(err) // going on could apply the train twice
	}
	return err
}

func (c *sqliteConn) rollback(context.Context) {
	if !c.c.GetAutocommit() {
		_ = c.exec("ROLLBACK", nil)
	}
}

// clear moves what is in the log to its place, so that the log is begun anew: it may be what
// has filled the disk.
func (c *sqliteConn) clear() { _ = c.c.Exec("PRAGMA wal_checkpoint(PASSIVE)") }

func (c *sqliteConn) close() {
	for _, st := range c.prepared {
		_ = st.Close()
	}
	_ = c.c.Close()
}
