package main

import (
	"slices"

	"github.com/ncruces/go-sqlite3"
)

// ncruces drives github.com/ncruces/go-sqlite3 by its native interface.
type ncruces struct{ c *sqlite3.Conn }

// openNcruces opens a new database, with page checksums or without.
func openNcruces(checksums bool) openLite {
	return func(path string) (liteConn, error) {
		c, err := sqlite3.Open("file:" + path)
		if err != nil {
			return nil, err
		}
		conn := ncruces{c}
		// The reserved bytes that hold the checksums must be there before
		// the first page is written; EnableChecksums vacuums to that end.
		if checksums {
			if err := c.EnableChecksums("main"); err != nil {
				return nil, err
			}
		}
		return conn, conn.script(litePragmas...)
	}
}

func (n ncruces) script(statements ...string) error {
	for _, s := range statements {
		if err := n.c.Exec(s); err != nil {
			return err
		}
	}
	return nil
}

func (n ncruces) prepare(sql string) (liteStmt, error) {
	s, _, err := n.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	return ncrucesStmt{n.c, s}, nil
}

func (n ncruces) close() error {
	for _, s := range slices.Collect(n.c.Stmts()) {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return n.c.Close()
}

type ncrucesStmt struct {
	c *sqlite3.Conn
	s *sqlite3.Stmt
}

func (s ncrucesStmt) bind(ints []int64, blob []byte, hasBlob bool) error {
	for i, v := range ints {
		if err := s.s.BindInt64(i+1, v); err != nil {
			return err
		}
	}
	if hasBlob {
		return s.s.BindBlob(len(ints)+1, blob)
	}
	return nil
}

func (s ncrucesStmt) exec(ints []int64, blob []byte, hasBlob bool) (int, error) {
	if err := s.bind(ints, blob, hasBlob); err != nil {
		return 0, err
	}
	if err := s.s.Exec(); err != nil {
		return 0, err
	}
	return int(s.c.Changes()), nil
}

func (s ncrucesStmt) load(ints []int64, out *row, n int, hasBlob bool) (bool, error) {
	if err := s.bind(ints, nil, false); err != nil {
		return false, err
	}
	found := s.s.Step()
	if found {
		for i := range n {
			out.v[i] = s.s.ColumnInt64(i)
		}
		if hasBlob {
			out.blob = s.s.ColumnBlob(n, nil)
		}
	}
	err := s.s.Err()
	if e := s.s.Reset(); err == nil {
		err = e
	}
	return found, err
}

// openNcrucesAsIs opens an existing database with whatever checksums it has.
func openNcrucesAsIs(path string) (liteConn, error) {
	c, err := sqlite3.Open("file:" + path)
	if err != nil {
		return nil, err
	}
	return ncruces{c}, nil
}
