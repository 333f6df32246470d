//go:build unix && !probe

package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/test/florin"
)

// The layout of a write-ahead log: https://sqlite.org/fileformat2.html#walformat
const (
	walHeader   = 32
	frameHeader = 24
)

// frame is one page in a write-ahead log.
type frame struct {
	end    int64 // offset of the byte after it
	commit bool  // it is the last one of a train
}

// frames lists what stands in a write-ahead log of the present generation.
func frames(wal []byte) (list []frame) {
	if len(wal) < walHeader {
		return nil
	}
	size := frameHeader + int(binary.BigEndian.Uint32(wal[8:]))
	for at := walHeader; at+size <= len(wal) && bytes.Equal(wal[at+8:at+16], wal[16:24]); at += size {
		list = append(list, frame{int64(at + size), binary.BigEndian.Uint32(wal[at+4:]) != 0})
	}
	return list
}

// TestCutLog cuts the write-ahead log that a killed server left, at every byte
// of the last frame (FLORIN_CUTS: frames) and at many of those before, over two
// trains. What is there after each cut is exactly what it was after the last
// train that the cut left whole, and florin verify finds nothing wrong with it.
// Bytes that a power cut left as zeros or as garbage change nothing of that.
func TestCutLog(t *testing.T) {
	if florintest.Postgres() {
		t.Skip("PostgreSQL sees to its own log")
	}
	t.Parallel()
	path := killed(t)
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	list := frames(wal)
	trains := []int64{} // ends
	for _, f := range list {
		if f.commit {
			trains = append(trains, f.end)
		}
	}
	if len(trains) < 4 || trains[len(trains)-1] != list[len(list)-1].end {
		t.Fatalf("%d trains in a log of %d bytes, %d frames", len(trains), len(wal), len(list))
	}
	trains = trains[len(trains)-3:]
	want := map[int64]string{} // state by the end of the last whole train
	for _, end := range trains {
		cutAt(t, path, wal[:end])
		want[end] = state(t, path)
		report, err := verify(t, path)
		if err != nil || !report.OK {
			t.Errorf("cut at the end of a train, at %d: %+v, %v", end, report, err)
		}
	}
	if want[trains[0]] == want[trains[1]] || want[trains[1]] == want[trains[2]] {
		t.Fatal("a train changed nothing: the comparison compares nothing")
	}
	begun := time.Now()
	cuts := cutsOf(list, trains, int(number(t, "FLORIN_CUTS", 1)))
	for _, cut := range cuts {
		whole := trains[0]
		for _, end := range trains {
			if end <= cut {
				whole = end
			}
		}
		cutAt(t, path, wal[:cut])
		if got := state(t, path); got != want[whole] {
			t.Fatalf("cut at byte %d of %d, %d after the end of a train: it is not the state of that train", cut, len(wal), cut-whole)
		}
	}
	t.Logf("%d cuts between byte %d and byte %d, the last two trains of a log of %d frames, in %s", len(cuts), trains[0], trains[2], len(list), time.Since(begun).Round(time.Millisecond))
	torn(t, path, wal, trains, want)
}

// cutsOf gives where to cut between the third last and the last train: at every
// byte of the last few frames, and of the others at their ends, in their headers
// and at some more.
func cutsOf(list []frame, trains []int64, few int) (cuts []int64) {
	size := list[1].end - list[0].end
	for n, f := range list {
		begin := f.end - size
		switch {
		case begin < trains[0]:
		case n >= len(list)-few:
			for at := begin; at <= f.end; at++ {
				cuts = append(cuts, at)
			}
		default:
			for at := begin; at < f.end; at++ {
				if in := at - begin; in <= frameHeader+1 || at == f.end-1 || in%512 == 0 {
					cuts = append(cuts, at)
				}
			}
		}
	}
	return cuts
}

// torn leaves the log as long as it was and spoils what the cut would remove.
func torn(t *testing.T, path string, wal []byte, trains []int64, want map[int64]string) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	before, after := trains[1], trains[2]
	for cut := before; cut < after; cut += 499 {
		for name, spoil := range map[string]func([]byte){
			"zeros":   func(b []byte) { clear(b) },
			"garbage": func(b []byte) { _, _ = random.Read(b) },
		} {
			torn := bytes.Clone(wal[:after])
			spoil(torn[cut:])
			cutAt(t, path, torn)
			if got := state(t, path); got != want[before] {
				t.Fatalf("%s from byte %d of the last train: it is not the state before that train", name, cut-before)
			}
		}
	}
	report, err := verify(t, path)
	if err != nil || !report.OK {
		t.Errorf("after garbage: %+v, %v", report, err)
	}
}

// killed gives the path of a database whose server was killed with payments in
// its log.
func killed(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server := florintest.Start(t, florintest.Options{})
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "cut"}
	l.round(2, func() bool { return l.journeys < 2 })
	if err := server.Restart(ctx); err != nil { // which empties the log
		t.Fatal(err)
	}
	// The last two trains: one of a payment, one of a request that asks nobody.
	for n, card := range []string{"pm_card_visa", ""} {
		s := creating(2000+n, "usd", "automatic", card)
		l.send(fmt.Sprint("cut-last-", n), s.path(nil), s.form(nil), 1, func() {})
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.db")
	content, err := os.ReadFile(strings.TrimPrefix(server.DB, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(strings.TrimPrefix(server.DB, "sqlite:") + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.WriteFile(path+"-wal", wal, 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// cutAt gives a database that log, as a crash would leave it.
func cutAt(t *testing.T, path string, wal []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+"-wal", wal, 0o600), os.RemoveAll(path+"-shm")); err != nil {
		t.Fatal(err)
	}
}

// verify runs florin verify on a copy, since opening a database may empty its
// log into it.
func verify(t *testing.T, path string) (florintest.Report, error) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return florintest.New(t, florintest.Options{DB: "sqlite:" + to}).Verify(t.Context())
}

var stateSeed = maphash.MakeSeed()

// state is a digest of all that is in a database: every row of every table. It
// leaves file and log as they are.
func state(t *testing.T, path string) string {
	t.Helper()
	c, err := sqlite3.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, true); err != nil {
		t.Fatal(err)
	}
	var tables []string
	rows(t, c, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", func(s *sqlite3.Stmt) { tables = append(tables, s.ColumnText(0)) })
	if len(tables) < 10 {
		t.Fatalf("%d tables", len(tables))
	}
	var h maphash.Hash
	h.SetSeed(stateSeed)
	for _, table := range tables {
		_, _ = h.WriteString(table)
		rows(t, c, "SELECT * FROM "+sqlite3.QuoteIdentifier(table), func(s *sqlite3.Stmt) {
			for n := range s.ColumnCount() {
				_, _ = fmt.Fprintf(&h, "|%d:", s.ColumnType(n))
				_, _ = h.Write(s.ColumnRawBlob(n))
			}
		})
	}
	return fmt.Sprint(h.Sum64())
}

func rows(t *testing.T, c *sqlite3.Conn, sql string, f func(*sqlite3.Stmt)) {
	t.Helper()
	s, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	for s.Step() {
		f(s)
	}
	if err := errors.Join(s.Err(), s.Close()); err != nil {
		t.Fatal(err)
	}
}
