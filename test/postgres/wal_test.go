//go:build unix

package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLogIsSearchedAsItFills: a number that stood in the log alone, and only for
// as long as the server needed that file, is found.
func TestLogIsSearchedAsItFills(t *testing.T) {
	s, err := Start(t.Context(), Options{NoSync: true})
	if err != nil {
		t.Skip(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = s.Close()
		}
	}()
	begin, err := s.walFile()
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, s)
	exec1(t, conn, "CREATE TABLE planted AS SELECT '4000056655665556' AS text")
	exec1(t, conn, "DROP TABLE planted")
	for n := range 4 {
		exec1(t, conn, fmt.Sprintf("CREATE TABLE t%d ()", n)) // or there is nothing to switch from
		exec1(t, conn, "SELECT pg_switch_wal()")
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if now, err := s.walFile(); err != nil || now < begin+3 {
			t.Fatalf("the log was in file %d and is in %d, %v", begin, now, err)
		}
		if s.wal.reached() >= begin+3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("files up to %d are searched, %d are full", s.wal.reached(), begin+2)
		}
	}
	gap := &walSearch{server: s, next: -7}
	if gap.search(); gap.err == nil || !strings.Contains(gap.err.Error(), "-7 to 0") {
		t.Errorf("files that are gone: %v", gap.err)
	}
	hits, err := s.wal.end()
	s.wal = nil // it is ended; what the folder holds is not what is looked at here
	if err != nil || len(hits) == 0 || !strings.Contains(hits[0].Where, "/pg_wal/") {
		t.Errorf("%v, %v", hits, err)
	}
	closed = true
	_ = s.Close() // it finds the number again
}

func TestWALNumbers(t *testing.T) {
	for name, want := range map[string]int64{"000000010000000000000001": 1, "0000000100000000000000FF": 255, "000000010000000100000000": 256, "0000000200000002000000AB": 512 + 0xab} {
		if got, err := walNumber(name); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, got, err, want)
		}
	}
	for _, name := range []string{"", "archive_status", "00000001000000000000000G", "000000010000000000000001.partial"} {
		if n, err := walNumber(name); err == nil {
			t.Errorf("%q is file %d", name, n)
		}
	}
}
