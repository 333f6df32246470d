package db_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// A byte of a page that changed on the disk is noticed by whoever reads the
// page, in a query, by key, or in a step; nothing is served as it isn't.
func TestFlippedByteIsNoticed(t *testing.T) {
	seed := uint64(15663216821063825719)
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := strings.TrimPrefix(dbtest.SQLite(t), "sqlite:")
	const rows = 400
	fill(t, path, rows)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	broken := 0
	for range 12 {
		at := page*(1+random.IntN(len(whole)/page-1)) + random.IntN(page)
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := readAll(t, path, rows)
		switch {
		case err == nil && n == rows:
			continue // the byte lies in a page of another table
		case err == nil:
			t.Errorf("byte %d flipped: %d rows of %d without an error", at, n, rows)
		case !strings.Contains(err.Error(), "corruption"):
			t.Errorf("byte %d flipped: the error does not speak of corruption: %v", at, err)
		default:
			broken++
		}
	}
	if broken < 4 {
		t.Errorf("only %d of 12 flips met a page in use", broken)
	}
}

func fill(t *testing.T, path string, rows int) {
	t.Helper()
	d := dbtest.OpenAt(t, "sqlite:"+path, db.Options{})
	err := d.Run(t.Context(), db.Step{Name: "fill", Do: func(tx *db.Tx) error {
		for i := range rows {
			counters.Insert(tx, db.Key{Scope: 2, ID: int64(i)}, counter{State: int64(i), Payload: strings.Repeat(fmt.Sprint(i, " "), 200)})
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads every row by key and through a step, and checks what it gets.
// The error is that of the first read that failed.
func readAll(t *testing.T, path string, rows int) (n int, first error) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	d, err := db.Open(ctx, "sqlite:"+path, db.Options{Fatal: func(err error) { panic(err) }})
	if err != nil {
		return 0, err
	}
	defer func() { _ = d.Close() }()
	for i := range rows {
		k := db.Key{Scope: 2, ID: int64(i)}
		c, ok, err := counters.Read(ctx, d, k)
		inStep := d.Run(ctx, db.Step{Name: "read", Do: func(tx *db.Tx) error {
			_, _, err := counters.Get(tx, k)
			return err
		}})
		if (err == nil) != (inStep == nil) {
			t.Errorf("row %d: read by key: %v; read in a step: %v", i, err, inStep)
		}
		switch {
		case err != nil && first == nil:
			first = err
		case err == nil && ok && c.State == int64(i) && c.Payload == strings.Repeat(fmt.Sprint(i, " "), 200):
			n++
		case err == nil:
			t.Errorf("row %d served wrong: %v %.60v", i, ok, c)
		}
	}
	listed, err := states.All(ctx, d, int64(2))
	if err == nil && (len(listed) != rows || first != nil) {
		t.Errorf("a query gave %d rows of %d without an error (by key: %v)", len(listed), rows, first)
	}
	return n, first
}

var states = db.NewQuery("test: all payloads", "SELECT state, payload FROM job WHERE scope = ? ORDER BY key", func(c *counter, f *db.Fields) {
	db.Int(f, &c.State)
	db.Text(f, &c.Payload)
})

// A file cut short, or one that is no database, is refused when it is opened
// or read.
func TestTruncatedFileIsNoticed(t *testing.T) {
	path := strings.TrimPrefix(dbtest.SQLite(t), "sqlite:")
	fill(t, path, 400)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"half": whole[:len(whole)/2/4096*4096], "garbage": []byte(strings.Repeat("not a database ", 5000))} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := readAll(t, path, 400); err == nil {
			t.Errorf("%s: %d rows read without an error", name, n)
		}
	}
}

// One bit of the header says that pages have checksums. A file that lost it is
// refused at opening, and left as it is.
func TestHeaderWithoutChecksumsIsRefused(t *testing.T) {
	path := strings.TrimPrefix(dbtest.SQLite(t), "sqlite:")
	fill(t, path, 50)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const reserved = 20 // offset of the bytes reserved on each page, 8 of them for the checksum
	if whole[reserved] != 8 {
		t.Fatalf("byte %d is %d", reserved, whole[reserved])
	}
	for _, value := range []byte{0, 9, 12, 136} {
		damaged := append([]byte(nil), whole...)
		damaged[reserved] = value
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := db.Open(t.Context(), "sqlite:"+path, db.Options{Fatal: func(err error) { panic(err) }})
		if err == nil {
			t.Errorf("reserved bytes %d: it is opened", value)
			_ = d.Close()
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(damaged) {
			t.Errorf("reserved bytes %d: the file was changed (%v)", value, err)
		}
	}
}
