package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// BookSchema is the PostgreSQL schema of a [DBBook] that is given none.
const BookSchema = "florin_sandbox"

// DBBook is a [Book] in a database that several processes may hold at once. It
// has connections and transactions of its own, so it can share a PostgreSQL
// database with Florin's tables and still be another's truth.
//
// Each reference has a row. A decision locks the rows that it looks at, an
// original's row lists what follows it, and where a decision relied on there
// being no operation under a reference it leaves a row that says so. So of two
// decisions that concern each other, one waits for the other or is made again.
type DBBook struct{ db *db.DB }

// OpenDBBook opens the book at "postgres://…", in a schema florin_sandbox unless
// o names another, or in a SQLite file of its own at "sqlite:PATH", and makes
// what is missing. Close it when its simulators have ended.
func OpenDBBook(ctx context.Context, address string, o db.Options) (*DBBook, error) {
	if !strings.HasPrefix(address, "sqlite:") {
		o.Schema = cmp.Or(o.Schema, BookSchema)
	}
	d, err := db.Open(ctx, address, o)
	if err == nil {
		if err = d.Migrate(ctx, BookFiles()); err == nil {
			err = d.ClaimNode(ctx)
		}
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: open book: %w", err)
	}
	return &DBBook{d}, nil
}

// BookFiles are the DDL files of a book, for both engines.
func BookFiles() fs.FS {
	files, err := fs.Sub(bookFiles, "schema")
	if err != nil {
		panic(err) // the name is fixed, and valid
	}
	return files
}

// Close waits for what is under way and lets go of the database.
func (b *DBBook) Close() error { return b.db.Close() }

// ForgetTrains deletes old marks of the book's transactions; see
// [db.DB.ForgetTrains]. No operation is ever forgotten.
func (b *DBBook) ForgetTrains(ctx context.Context) error { return b.db.ForgetTrains(ctx) }

// Apply implements [Book].
func (b *DBBook) Apply(ctx context.Context, reference string, decide func(View) (Operation, error)) (op Operation, repeated bool, err error) {
	err = b.db.Run(ctx, db.Step{
		Name: "sandbox.apply", Needs: []db.Need{bookRows.Need(entryKey(reference))},
		// All in one train: operations that concern each other then ride
		// together, rather than wait for each other's locks.
		Scope: 0,
		Do: func(tx *db.Tx) (err error) {
			op, repeated, err = applyOnce(ctx, &dbView{tx: tx}, reference, decide)
			return err
		},
	})
	if err != nil {
		return Operation{}, false, err
	}
	return op, repeated, nil
}

func applyOnce(ctx context.Context, v *dbView, reference string, decide func(View) (Operation, error)) (Operation, bool, error) {
	if err := ctx.Err(); err != nil {
		return Operation{}, false, err
	}
	if op, found, err := v.Find(reference); found || err != nil {
		return op, found, err
	}
	op, err := decide(v)
	if err != nil {
		return Operation{}, false, err
	}
	if op.Reference == reference {
		return op, false, v.record(op)
	}
	before, found, err := v.Find(op.Reference)
	if err == nil && !found {
		err = fmt.Errorf("sandbox: decided on %q under the reference %q", op.Reference, reference)
	}
	return before, true, err
}

// Find implements [Book].
func (b *DBBook) Find(ctx context.Context, reference string) (Operation, bool, error) {
	e, found, err := bookRows.Read(ctx, b.db, entryKey(reference))
	if err != nil || !found {
		return Operation{}, false, err
	}
	return e.operation()
}

// Notices implements [Book].
func (b *DBBook) Notices(ctx context.Context, after int64, limit int) ([]Notice, error) {
	ops, err := operationsOf(ctx, b.db, toldAfter, after, int64(limit))
	var list []Notice
	for _, op := range ops {
		list = appendAfter(list, after, limit, op.Notices)
	}
	return list, err
}

// Due implements [Book].
func (b *DBBook) Due(ctx context.Context, now time.Time, limit int) ([]Operation, error) {
	return operationsOf(ctx, b.db, dueAt, now.UnixMilli(), int64(limit))
}

// Operations implements [Book]. What several nodes recorded at once is in the
// order of their clocks, but always after what it was decided on; what is
// recorded meanwhile may be listed or not.
func (b *DBBook) Operations(ctx context.Context) iter.Seq2[Operation, error] {
	return func(yield func(Operation, error) bool) {
		for at, full := beforeAll, true; full; {
			page, err := pageAfter(ctx, b.db, at)
			if err != nil {
				yield(Operation{}, err)
				return
			}
			for _, at = range page {
				op, _, err := at.entry.operation()
				if !yield(op, err) || err != nil {
					return
				}
			}
			full = len(page) == pageSize
		}
	}
}
