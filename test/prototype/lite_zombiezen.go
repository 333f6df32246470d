package main

import (
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// zombiezen drives zombiezen.com/go/sqlite (on modernc.org/sqlite) by its
// native interface. It has no page checksums.
type zombiezen struct{ c *sqlite.Conn }

func openZombiezen(path string) (liteConn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	conn := zombiezen{c}
	return conn, conn.script(litePragmas...)
}

func (z zombiezen) script(statements ...string) error {
	for _, s := range statements {
		if err := sqlitex.ExecuteTransient(z.c, s, nil); err != nil {
			return err
		}
	}
	return nil
}

func (z zombiezen) prepare(sql string) (liteStmt, error) {
	s, err := z.c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	return zombiezenStmt{z.c, s}, nil
}

func (z zombiezen) close() error { return z.c.Close() }

type zombiezenStmt struct {
	c *sqlite.Conn
	s *sqlite.Stmt
}

func (s zombiezenStmt) bind(ints []int64, blob []byte, hasBlob bool) {
	for i, v := range ints {
		s.s.BindInt64(i+1, v)
	}
	if hasBlob {
		s.s.BindBytes(len(ints)+1, blob)
	}
}

func (s zombiezenStmt) exec(ints []int64, blob []byte, hasBlob bool) (int, error) {
	s.bind(ints, blob, hasBlob)
	_, err := s.s.Step()
	if e := s.s.Reset(); err == nil {
		err = e
	}
	if err != nil {
		return 0, err
	}
	return s.c.Changes(), nil
}

func (s zombiezenStmt) load(ints []int64, out *row, n int, hasBlob bool) (bool, error) {
	s.bind(ints, nil, false)
	found, err := s.s.Step()
	if found && err == nil {
		for i := range n {
			out.v[i] = s.s.ColumnInt64(i)
		}
		if hasBlob {
			out.blob = make([]byte, s.s.ColumnLen(n))
			s.s.ColumnBytes(n, out.blob)
		}
	}
	if e := s.s.Reset(); err == nil {
		err = e
	}
	return found, err
}
