package db_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/schema"
)

// chunks are a dump in memory.
type chunks struct {
	parts  []string
	bodies [][]byte
}

func (c *chunks) add(part string, chunk []byte) error {
	c.parts, c.bodies = append(c.parts, part), append(c.bodies, bytes.Clone(chunk))
	return nil
}

func (c *chunks) source() db.Source {
	n := -1
	return func() (string, io.Reader, error) {
		if n++; n == len(c.parts) {
			return "", nil, nil
		}
		return c.parts[n], bytes.NewReader(c.bodies[n]), nil
	}
}

func quiet(int64, int64) {}

// TestDumpUnderWay copies a database that is written to: of two rows that change
// together the copy has both at one state, and it takes no more than was there.
func TestDumpUnderWay(t *testing.T) {
	d := dbtest.Open(t)
	const writers = 4
	var stop atomic.Bool
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := int64(1); !stop.Load(); n++ {
				if err := pair(t, d, int64(w+1), n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for trains, _ := d.Stats(); trains < 20; trains, _ = d.Stats() {
	}
	var out chunks
	info, err := d.Dump(t.Context(), t.TempDir(), out.add, quiet)
	stop.Store(true)
	group.Wait()
	if err != nil {
		t.Fatal(err)
	}
	address := elsewhere(t)
	if err := db.Load(t.Context(), address, db.Options{}, schema.Files, info, false, out.source(), quiet); err != nil {
		t.Fatal(err)
	}
	copied := dbtest.OpenAt(t, address, db.Options{})
	seen := int64(0)
	for w := range int64(writers) {
		rows, err := pairs.ReadMany(t.Context(), copied, []db.Key{{Scope: 77, ID: w + 1}, {Scope: 78, ID: w + 1}})
		if err != nil {
			t.Fatal(err)
		}
		a, b := rows[db.Key{Scope: 77, ID: w + 1}], rows[db.Key{Scope: 78, ID: w + 1}]
		if a.Number != b.Number {
			t.Errorf("the copy has one row at %d and its companion at %d", a.Number, b.Number)
		}
		seen += a.Number
	}
	if seen == 0 {
		t.Error("the copy has nothing of what was written")
	}
	r, ok, err := copied.Restored(t.Context())
	if err != nil || !ok || r.Learned || !r.Since.Equal(info.At) {
		t.Errorf("the copy says of itself %+v, %t, %v; want since %s", r, ok, err, info.At)
	}
	if err := copied.Learn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, _, err := copied.Restored(t.Context()); err != nil || !r.Learned {
		t.Errorf("after learning: %+v, %v", r, err)
	}
	if err := db.Load(t.Context(), address, db.Options{}, schema.Files, info, false, out.source(), quiet); !errors.Is(err, db.ErrOccupied) {
		t.Errorf("a second restore to the place: %v", err)
	}
}

type pairRow struct {
	Number int64
	Text   string
}

// pairs is the table meta, under scopes of its own.
var pairs = db.NewTable("meta", "scope, key", "number, text", func(r *pairRow, f *db.Fields) {
	db.Int(f, &r.Number)
	db.Text(f, &r.Text)
})

// pair moves two rows on in one step, with text that fills pages.
func pair(t *testing.T, d *db.DB, key, n int64) error {
	text := strings.Repeat("x", int(n%500))
	return d.Run(context.WithoutCancel(t.Context()), db.Step{Name: "pair", Do: func(tx *db.Tx) error {
		for _, scope := range []int64{77, 78} {
			k := db.Key{Scope: scope, ID: key}
			_, ok, err := pairs.Get(tx, k)
			switch {
			case err != nil:
				return err
			case ok:
				pairs.Update(tx, k, pairRow{n, text})
			default:
				pairs.Insert(tx, k, pairRow{n, text})
			}
		}
		return nil
	}})
}

// elsewhere is an empty place of the kind that is tested.
func elsewhere(t *testing.T) string {
	t.Helper()
	if dbtest.Postgres() {
		return dbtest.Address(t)
	}
	return "sqlite:" + t.TempDir() + "/copy.db"
}

// TestDumpOfADamagedFile: a page that is not what was written ends the copy.
func TestDumpOfADamagedFile(t *testing.T) {
	address := dbtest.SQLite(t)
	d := dbtest.OpenAt(t, address, db.Options{})
	for n := range int64(50) {
		if err := pair(t, d, n+1, 499); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil { // folds the log into the file
		t.Fatal(err)
	}
	path := strings.TrimPrefix(address, "sqlite:")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.LastIndex(file, []byte("xxxxxxxx"))
	file[at] ^= 1
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err = db.Open(t.Context(), address, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	dir := t.TempDir()
	if _, err := d.Dump(t.Context(), dir, new(chunks).add, quiet); err == nil || !strings.Contains(err.Error(), "corruption") {
		t.Errorf("a dump of a damaged file: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	file[at] ^= 1 // so that the file is whole where it is searched at the end
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLoadIsWholeOrNothing: a dump that breaks off leaves the place empty.
func TestLoadIsWholeOrNothing(t *testing.T) {
	d := dbtest.Open(t)
	if err := pair(t, d, 1, 100); err != nil {
		t.Fatal(err)
	}
	var out chunks
	info, err := d.Dump(t.Context(), t.TempDir(), out.add, quiet)
	if err != nil {
		t.Fatal(err)
	}
	address, torn := elsewhere(t), errors.New("torn")
	source, n := out.source(), 0
	broken := func() (string, io.Reader, error) {
		if n++; n > 1 {
			return "", nil, torn
		}
		return source()
	}
	if err := db.Load(t.Context(), address, db.Options{}, schema.Files, info, false, broken, quiet); !errors.Is(err, torn) {
		t.Errorf("a dump that breaks off: %v", err)
	}
	if err := db.Vacant(t.Context(), address, db.Options{}); err != nil {
		t.Errorf("after that: %v", err)
	}
	other := info
	other.Schema = 999
	if err := db.Load(t.Context(), address, db.Options{}, schema.Files, other, false, out.source(), quiet); err == nil {
		t.Error("a dump of a newer schema is loaded")
	}
	if err := db.Load(t.Context(), address, db.Options{}, schema.Files, info, true, out.source(), quiet); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := dbtest.OpenAt(t, address, db.Options{}).Restored(t.Context()); ok || err != nil {
		t.Errorf("a whole dump is marked as one that knows nothing of later: %t, %v", ok, err)
	}
}
