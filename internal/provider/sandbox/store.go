package sandbox

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/florinpay/florin/internal/base/db"
)

// bookFiles are the tables of a [DBBook], for both engines.
//
//go:embed schema
var bookFiles embed.FS

// entry is what a [DBBook] holds under one reference.
type entry struct {
	Recorded  int64 // key made when the operation was recorded; 0: there is none
	Reference string
	Body      string // the operation as JSON, or empty
	Following string // references of the operations, declined ones not, that name this one as their original, oldest first
	Notices   int64  // number of the last of its notices; 0: it has none
	Due       int64  // when something is due for it, in ms since 1970; 0: never, or it was done
}

var bookRows = db.NewTable("sandbox_entry", "scope, hash_a, hash_b", "recorded, reference, body, following, notices, due",
	func(e *entry, f *db.Fields) {
		db.Int(f, &e.Recorded)
		db.Text(f, &e.Reference)
		db.Text(f, &e.Body)
		db.Text(f, &e.Following)
		db.Int(f, &e.Notices)
		db.Int(f, &e.Due)
	})

// feed is the one row that says how many notices there are. Whoever adds some
// locks it, so that their numbers rise in the order in which they can be seen.
type feed struct{ Number int64 }

var feedRows = db.NewTable("sandbox_feed", "scope, key", "number", func(r *feed, f *db.Fields) { db.Int(f, &r.Number) })

var feedKey = db.Key{}

// entryKey is where the row of a reference is.
func entryKey(reference string) db.Key {
	sum := sha256.Sum256([]byte(reference))
	return db.Key{ID: int64(binary.BigEndian.Uint64(sum[:8])), Sub: int64(binary.BigEndian.Uint64(sum[8:16]))}
}

// operation reads the operation out of a row; found tells whether there is one.
func (e entry) operation() (op Operation, found bool, err error) {
	if e.Recorded == 0 {
		return Operation{}, false, nil
	}
	if op, err = decodeOperation([]byte(e.Body)); err != nil || op.Reference != e.Reference {
		return Operation{}, false, fmt.Errorf("sandbox: the book's row of %q is damaged", e.Reference)
	}
	return op, true, nil
}

// listedEntry is a row of a listing, with its place in it.
type listedEntry struct {
	recorded, hashA, hashB int64
	entry                  entry
}

func listEntry(l *listedEntry, f *db.Fields) {
	db.Int(f, &l.recorded)
	db.Int(f, &l.hashA)
	db.Int(f, &l.hashB)
	db.Text(f, &l.entry.Reference)
	db.Text(f, &l.entry.Body)
	l.entry.Recorded = l.recorded
}

// pageSize is how many operations one read of a listing takes.
const pageSize = 500

var entriesAfter = db.NewQuery("operations of the sandbox's book", fmt.Sprintf(`
	SELECT recorded, hash_a, hash_b, reference, body FROM sandbox_entry
	WHERE scope = 0 AND (recorded, hash_a, hash_b) > (?, ?, ?)
	ORDER BY recorded, hash_a, hash_b LIMIT %d`, pageSize),
	listEntry)

var (
	toldAfter = db.NewQuery("notices of the sandbox's book", `
		SELECT recorded, hash_a, hash_b, reference, body FROM sandbox_entry
		WHERE scope = 0 AND notices > ? ORDER BY notices LIMIT ?`, listEntry)
	dueAt = db.NewQuery("what is due in the sandbox's book", `
		SELECT recorded, hash_a, hash_b, reference, body FROM sandbox_entry
		WHERE scope = 0 AND due > 0 AND due <= ? ORDER BY due LIMIT ?`, listEntry)
)

// operationsOf reads the operations of the rows that a query gives.
func operationsOf(ctx context.Context, d *db.DB, q *db.Query[listedEntry], args ...any) ([]Operation, error) {
	rows, err := q.All(ctx, d, args...)
	list := make([]Operation, len(rows))
	for i, row := range rows {
		if err == nil {
			list[i], _, err = row.entry.operation()
		}
	}
	return list, err
}

// beforeAll is a place before all operations, and after the rows that hold none.
var beforeAll = listedEntry{hashA: math.MaxInt64, hashB: math.MaxInt64}

// pageAfter reads the operations that are listed next after a place.
func pageAfter(ctx context.Context, d *db.DB, at listedEntry) ([]listedEntry, error) {
	return entriesAfter.All(ctx, d, at.recorded, at.hashA, at.hashB)
}
