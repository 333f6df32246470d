package db_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// These tests hold the properties in which SQLite and PostgreSQL differ by
// themselves, and must not differ here. They pass on each engine alone.

var (
	sorted = db.NewQuery("test: texts in order", "SELECT payload FROM job WHERE scope = ? ORDER BY payload", func(s *string, f *db.Fields) { db.Text(f, s) })
	above  = db.NewQuery("test: texts above one", "SELECT payload FROM job WHERE scope = ? AND payload > ? ORDER BY payload", func(s *string, f *db.Fields) { db.Text(f, s) })
	equal  = db.NewQuery("test: a text", "SELECT payload FROM job WHERE scope = ? AND payload = ?", func(s *string, f *db.Fields) { db.Text(f, s) })
	sum    = db.NewQuery("test: sum of states", "SELECT sum(state) FROM job WHERE scope = ?", func(n *int64, f *db.Fields) { db.Int(f, n) })
	most   = db.NewQuery("test: bounds of states", "SELECT max(state) FROM job WHERE scope = ? AND state <= ?", func(n *int64, f *db.Fields) { db.Int(f, n) })
)

// blobs uses a table with bytes as plain storage.
var blobs = db.NewTable("subject_key", "scope, subject", "sealed", func(b *[]byte, f *db.Fields) { db.Bytes(f, b) })

func put(t *testing.T, d *db.DB, all ...counter) {
	t.Helper()
	err := d.Run(t.Context(), db.Step{Name: "test.put", Scope: 2, Do: func(tx *db.Tx) error {
		for i, c := range all {
			counters.Insert(tx, db.Key{Scope: 2, ID: int64(i + 1)}, c)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTextsCompareByByte(t *testing.T) {
	d := dbtest.Open(t)
	texts := []string{"", " ", "-", "A", "B", "Z", "_", "a", "a ", "a-b", "ab", "b", "z", "É", "é", "e\u0301", "ä", "ß", "\uffff", "😀", "10", "9", "A\x01", "a\tb"}
	var all []counter
	for _, s := range texts {
		all = append(all, counter{Payload: s})
	}
	put(t, d, all...)
	slices.Sort(texts)
	got, err := sorted.All(t.Context(), d, int64(2))
	if diff := cmp.Diff(texts, got); diff != "" || err != nil {
		t.Errorf("order: %v\n%s", err, diff)
	}
	for i, s := range texts {
		got, err := above.All(t.Context(), d, int64(2), s)
		if diff := cmp.Diff(texts[i+1:], append([]string{}, got...)); diff != "" || err != nil {
			t.Errorf("above %q: %v\n%s", s, err, diff)
		}
		if got, err := equal.All(t.Context(), d, int64(2), s); err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("equal to %q: %q %v", s, got, err)
		}
	}
}

func TestSumsOverflowWithAnError(t *testing.T) {
	d := dbtest.Open(t)
	put(t, d, counter{State: math.MaxInt64 - 1}, counter{State: 1})
	if got, err := sum.All(t.Context(), d, int64(2)); err != nil || len(got) != 1 || got[0] != math.MaxInt64 {
		t.Errorf("largest sum: %v %v", got, err)
	}
	err := d.Run(t.Context(), db.Step{Name: "test", Scope: 2, Do: func(tx *db.Tx) error {
		counters.Insert(tx, db.Key{Scope: 2, ID: 9}, counter{State: 1})
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sum.All(t.Context(), d, int64(2)); err == nil {
		t.Errorf("the sum of too much is %v", got)
	}
}

func TestIntegersToTheirEnds(t *testing.T) {
	d := dbtest.Open(t)
	put(t, d, counter{State: math.MaxInt64, Due: math.MinInt64}, counter{State: math.MinInt64, Due: -1}, counter{})
	for limit, want := range map[int64]int64{math.MaxInt64: math.MaxInt64, math.MaxInt64 - 1: 0, -1: math.MinInt64, math.MinInt64: math.MinInt64} {
		if got, err := most.All(t.Context(), d, int64(2), limit); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("largest up to %d: %v %v, want %d", limit, got, err, want)
		}
	}
	for _, k := range []db.Key{{Scope: math.MaxInt64, ID: math.MaxInt64}, {Scope: math.MinInt64, ID: math.MinInt64}, {ID: 0}} {
		if err := d.Run(t.Context(), increment(k, 1, 9)); err != nil {
			t.Errorf("key %v: %v", k, err)
		}
		if c, ok, err := counters.Read(t.Context(), d, k); err != nil || !ok || c.State != 1 {
			t.Errorf("key %v: %v %v %v", k, c, ok, err)
		}
	}
}

func TestEmptyAndLongValues(t *testing.T) {
	d := dbtest.Open(t)
	long := strings.Repeat("0123456789abcdé", 1<<16) // one megabyte
	put(t, d, counter{}, counter{Payload: long, Problem: long[1:]})
	for key, want := range map[int64]counter{1: {}, 2: {Payload: long, Problem: long[1:]}} {
		got, ok, err := counters.Read(t.Context(), d, db.Key{Scope: 2, ID: key})
		if err != nil || !ok || got != want {
			t.Errorf("row %d: %v %v, %d and %d bytes", key, ok, err, len(got.Payload), len(got.Problem))
		}
	}
	all := [][]byte{nil, {}, {0}, {0, 0xff, 0}, []byte(long), make([]byte, 1<<20)}
	err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
		for i, b := range all {
			blobs.Insert(tx, db.Key{Scope: 2, ID: int64(i)}, b)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range all {
		got, ok, err := blobs.Read(t.Context(), d, db.Key{Scope: 2, ID: int64(i)})
		if err != nil || !ok || string(got) != string(want) {
			t.Errorf("bytes %d: %v %v, %d bytes", i, ok, err, len(got))
		}
	}
}

// Text that one of the engines can't hold is refused on both, as the caller's
// mistake, and costs no other step of its train a thing.
func TestTextThatPostgreSQLCannotHold(t *testing.T) {
	d := dbtest.Open(t)
	before, _ := d.Stats()
	release := hold(t, d)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			text := "fine"
			if i%10 == 0 {
				text = []string{"a\x00b", "\x00", "\xff", "\xed\xa0\x80", "cut\xc3"}[i/10%5]
			}
			err := d.Run(t.Context(), db.Step{Name: "test", Scope: 2, Do: func(tx *db.Tx) error {
				counters.Insert(tx, db.Key{Scope: 2, ID: int64(i)}, counter{Payload: text})
				return nil
			}})
			if want := i%10 == 0; (fault.KindOf(err) == fault.Invalid) != want || (err == nil) == want {
				t.Errorf("%q: %v", text, err)
			}
		})
	}
	for d.Figures().Queued < 100 {
		time.Sleep(time.Millisecond)
	}
	release()
	wg.Wait()
	if after, _ := d.Stats(); after-before > 60 {
		t.Errorf("%d trains: the steps were replayed one by one", after-before)
	}
	if _, err := equal.All(t.Context(), d, int64(2), "a\x00b"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a query for such text: %v", err)
	}
	if got, err := equal.All(t.Context(), d, int64(2), "fine"); err != nil || len(got) != 90 {
		t.Errorf("%d rows: %v", len(got), err)
	}
}

// The statements of this package, those of the tests among them, keep to what
// both engines agree on.
func TestStatementsOfTheTests(t *testing.T) {
	if err := dbtest.Open(t).CheckStatements(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReadManyOfNothing(t *testing.T) {
	d := dbtest.Open(t)
	put(t, d, counter{State: 1})
	for _, keys := range [][]db.Key{nil, {}, {{Scope: 2, ID: 5}}, {{Scope: 2, ID: 1}, {Scope: 2, ID: 1}, {Scope: 4, ID: 1}}} {
		rows, err := counters.ReadMany(t.Context(), d, keys)
		want := 0
		if len(keys) == 3 {
			want = 1
		}
		if err != nil || len(rows) != want {
			t.Errorf("%v: %v %v", keys, rows, err)
		}
	}
}

// hold keeps the train of scope 2 in its place until release is called.
func hold(t *testing.T, d *db.DB) (release func()) {
	t.Helper()
	inside, end := make(chan struct{}), make(chan struct{})
	gone := make(chan error, 1)
	var first sync.Once
	go func() {
		gone <- d.Run(t.Context(), db.Step{Name: "test.hold", Scope: 2, Do: func(*db.Tx) error {
			first.Do(func() { close(inside) })
			<-end
			return fmt.Errorf("held")
		}})
	}()
	<-inside
	return sync.OnceFunc(func() {
		close(end)
		<-gone
	})
}
