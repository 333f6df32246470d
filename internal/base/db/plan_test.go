package db

import (
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// TestStatementsStayPrepared: what a statement's arguments are does not have it
// compiled anew. SQLite looks at the one of a LIMIT unless it is told not to, and
// then forgets the plan whenever another is bound, though it is the same.
func TestStatementsStayPrepared(t *testing.T) {
	registerVFS()
	c, err := openFile(filepath.Join(t.TempDir(), "plan.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec("CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX t_a ON t (a, b) WHERE b > 0; INSERT INTO t VALUES (1, 1), (1, 2), (1, 3)"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"SELECT b FROM t WHERE a = ? ORDER BY b LIMIT ?",
		"SELECT b FROM t WHERE a = ? AND b > 0 AND b <= ? ORDER BY b",
	} {
		st, _, err := c.Prepare(sql)
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(3) {
			rows := int64(0)
			for i, v := range []int64{1, n + 1} {
				if err := st.BindInt64(i+1, v); err != nil {
					t.Fatal(err)
				}
			}
			for st.Step() {
				rows++
			}
			if err := st.Reset(); err != nil || rows != n+1 {
				t.Errorf("%s: %d rows of %d, %v", sql, rows, n+1, err)
			}
		}
		if again := st.Status(sqlite3.STMTSTATUS_REPREPARE, false); again != 0 {
			t.Errorf("%s was compiled %d times more", sql, again)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}
