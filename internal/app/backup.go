package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/florinpay/florin/internal/app/archive"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// The sections of a backup. Uploaded files are in the database. The books of
// embedded simulators are others' truth; they are kept so that a whole test
// installation can be brought back.
const (
	sectionDatabase = "database"
	sectionHeads    = "heads"
	sectionSandbox  = "sandbox"
	sectionBank     = "bank"
)

// Backup says what to back up. The zero value of a field is its default.
type Backup struct {
	DB string // address
	// Heads is the file that keeps the heads of seals; default as for [Books].
	Heads         string
	MasterKeyFile string // says where the heads are by default
	// To is the file to make.
	To       string
	Build    string // name of this Florin
	Progress func(what string, done, total int64)
}

// place gives the address of a simulator's book beside a database, and with
// which options it is opened.
func (b Backup) place(section string, log *slog.Logger) (address string, o db.Options) {
	o = db.Options{Logger: log}
	path, file := strings.CutPrefix(b.DB, "sqlite:")
	switch {
	case !file && section == sectionSandbox:
		o.Schema = sandbox.BookSchema
	case !file:
		o.Schema = bank.BookSchema
	case section == sectionSandbox:
		return "sqlite:" + sandboxBook(path), o
	case section == sectionBank:
		return bankBook(path), o
	}
	return b.DB, o
}

// sandboxBook is the file of an embedded sandbox's book beside a SQLite database.
// One of lines, as earlier builds made, goes on being used.
func sandboxBook(path string) string {
	if lines := sandboxLines(path); exists(lines) {
		return lines
	}
	return strings.TrimSuffix(path, ".db") + ".sandbox.db"
}

func sandboxLines(path string) string { return strings.TrimSuffix(path, ".db") + ".sandbox.book" }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// bankBook is the address of an embedded bank's book beside a SQLite database.
func bankBook(path string) string { return "sqlite:" + strings.TrimSuffix(path, ".db") + ".bank.db" }

// Run makes the backup of a database that others may be serving meanwhile. The
// books are copied after it, so that all that the database knows of is in them.
func (b Backup) Run(ctx context.Context, log *slog.Logger) (m archive.Manifest, size int64, err error) {
	if b.Progress == nil {
		b.Progress = func(string, int64, int64) {}
	}
	if path, ok := strings.CutPrefix(b.DB, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return m, 0, fmt.Errorf("there is no database at %s", path)
		}
	}
	d, err := db.Open(ctx, b.DB, db.Options{Logger: log})
	if err != nil {
		return m, 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := sameSchema(ctx, d); err != nil {
		return m, 0, err
	}
	m = archive.Manifest{Build: b.Build, Made: clock.System{}.Now().UTC()}
	if m.MasterKey, err = d.MasterKeyID(ctx); err != nil {
		return m, 0, err
	}
	w, err := archive.Create(b.To, m)
	if err != nil {
		return m, 0, err
	}
	defer w.Drop()
	err = w.Section(sectionDatabase, func(add db.Dump) (db.Dumped, error) {
		return d.Dump(ctx, filepath.Dir(b.To), add, b.progress("database"))
	})
	if err == nil {
		err = b.addFile(w, sectionHeads, headsFile(b.Heads, b.DB, b.MasterKeyFile))
	}
	if err == nil {
		err = b.addBooks(ctx, w, log)
	}
	if err != nil {
		return m, 0, err
	}
	return w.Finish()
}

func (b Backup) progress(what string) db.Progress {
	return func(done, total int64) { b.Progress(what, done, total) }
}

func (b Backup) addBooks(ctx context.Context, w *archive.Writer, log *slog.Logger) error {
	if path, ok := strings.CutPrefix(b.DB, "sqlite:"); ok && exists(sandboxLines(path)) {
		if err := b.addFile(w, sectionSandbox, sandboxLines(path)); err != nil {
			return err
		}
	} else if err := b.addBook(ctx, w, sectionSandbox, log); err != nil {
		return err
	}
	return b.addBook(ctx, w, sectionBank, log)
}

// addFile copies a file as far as it is written now; one that is not there is
// left out. What is cut within its last line is what its reader cuts off anyway.
func (b Backup) addFile(w *archive.Writer, section, path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return w.Section(section, func(add db.Dump) (db.Dumped, error) {
		buffer := make([]byte, 1<<20)
		for done := int64(0); ; {
			n, err := f.Read(buffer)
			if n > 0 {
				done += int64(n)
				b.Progress(section, done, 0)
				if err := add("file", buffer[:n]); err != nil {
					return db.Dumped{}, err
				}
			}
			if errors.Is(err, io.EOF) {
				return db.Dumped{}, nil
			}
			if err != nil {
				return db.Dumped{}, err
			}
		}
	})
}

// addBook copies a book that is a database, if there is one.
func (b Backup) addBook(ctx context.Context, w *archive.Writer, section string, log *slog.Logger) (err error) {
	address, o := b.place(section, log)
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	d, err := db.Open(ctx, address, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if version, err := d.SchemaVersion(ctx); err != nil || version == 0 {
		return err
	}
	return w.Section(section, func(add db.Dump) (db.Dumped, error) {
		return d.Dump(ctx, filepath.Dir(b.To), add, b.progress(section))
	})
}
