package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/florinpay/florin/internal/base/db"
)

// ClosingBook is a book that is to be closed when its simulators have ended.
type ClosingBook interface {
	Book
	io.Closer
}

// databaseBook is how the name of a file ends that is a [DBBook].
const databaseBook = ".db"

// OpenBook opens the book in a file, or begins one: a [DBBook] if its name ends
// with .db, which opens as fast and needs as little memory however much is in it,
// and a [FileBook] otherwise, which an editor can read. Either has one holder.
func OpenBook(ctx context.Context, path string, o db.Options) (ClosingBook, error) {
	if filepath.Ext(path) != databaseBook {
		return OpenFileBook(path)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: open book: %w", err)
	}
	if err := lockFile(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: book %s: is it in use by another process? %w", path, err), lock.Close())
	}
	b, err := OpenDBBook(ctx, "sqlite:"+path, o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &heldBook{b, lock}, nil
}

// heldBook is a book in a SQLite file of its own, held by this process.
type heldBook struct {
	*DBBook
	lock *os.File
}

// Close lets go of the database, and then of the lock.
func (b *heldBook) Close() error { return errors.Join(b.DBBook.Close(), b.lock.Close()) }
