package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/florinpay/florin/internal/app/archive"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/internal/schema"
)

// Restore says where to bring a backup back to. The zero value of a field is its
// default.
type Restore struct {
	From string // the backup
	DB   string // address; nothing is there yet
	// Heads is where the file with the heads of seals is put; default as for
	// [Books]. One that is there is left as it is.
	Heads string
	// MasterKey or MasterKeyFile are the key that the backup is sealed under;
	// default: florin.key beside the database.
	MasterKey, MasterKeyFile string
	// SkipLearning has the server not ask the providers what happened since.
	SkipLearning bool
	Progress     func(what string, done, total int64)
}

// Kept is what a restore found in its place and left alone.
type Kept struct{ What, Where string }

// Run checks the backup, the key and the place, and brings the backup back. The
// database comes last: a restore that was interrupted can be repeated.
func (r Restore) Run(ctx context.Context, log *slog.Logger) (m archive.Manifest, kept []Kept, err error) {
	if r.Progress == nil {
		r.Progress = func(string, int64, int64) {}
	}
	if m, err = archive.Check(r.From); err != nil {
		return m, nil, err
	}
	database, ok := m.Section(sectionDatabase)
	if !ok {
		return m, nil, fmt.Errorf("the backup %s holds no database", r.From)
	}
	if err := r.checkKey(m); err != nil {
		return m, nil, err
	}
	if err := db.Vacant(ctx, r.DB, db.Options{Logger: log}); err != nil {
		return m, nil, fmt.Errorf("a backup is restored to an empty place only: %w", err)
	}
	if kept, err = r.files(m, kept); err != nil {
		return m, kept, err
	}
	if kept, err = r.books(ctx, m, kept, log); err != nil {
		return m, kept, err
	}
	err = r.load(ctx, r.DB, db.Options{Logger: log}, schema.Files, database, r.SkipLearning)
	return m, kept, err
}

// checkKey refuses a backup that could not be served with the key that is here.
func (r Restore) checkKey(m archive.Manifest) error {
	if m.MasterKey == "" {
		return nil // the database has not been served yet
	}
	key, err := r.key()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the backup is sealed under master key %s, which is not here: set FLORIN_MASTER_KEY or FLORIN_MASTER_KEY_FILE, or put the file at %s", m.MasterKey, beside(r.DB, keyFile))
	case err != nil:
		return err
	case key.ID() != m.MasterKey:
		return fmt.Errorf("the backup is sealed under master key %s, and the one given is %s", m.MasterKey, key.ID())
	}
	return nil
}

func (r Restore) key() (*secret.Master, error) {
	switch {
	case r.MasterKey != "" && r.MasterKeyFile != "":
		return nil, errTwoKeys
	case r.MasterKey != "":
		return secret.Parse(r.MasterKey)
	case r.MasterKeyFile != "":
		return secret.LoadFile(r.MasterKeyFile)
	}
	return secret.LoadFile(beside(r.DB, keyFile))
}

// files puts back what is a file.
func (r Restore) files(m archive.Manifest, kept []Kept) ([]Kept, error) {
	places := map[string]string{sectionHeads: headsFile(r.Heads, r.DB, r.MasterKeyFile)}
	if path, ok := strings.CutPrefix(r.DB, "sqlite:"); ok {
		places[sectionSandbox] = sandboxLines(path)
	}
	for _, section := range []string{sectionHeads, sectionSandbox} {
		path := places[section]
		if s, there := m.Section(section); !there || path == "" || s.Dump.Engine != "" {
			continue
		}
		switch _, err := os.Stat(path); {
		case err == nil:
			kept = append(kept, Kept{section, path})
		case !errors.Is(err, fs.ErrNotExist):
			return kept, err
		default:
			if err := r.file(section, path); err != nil {
				return kept, err
			}
		}
	}
	return kept, nil
}

// file writes a section to a file, which has its name only once it is whole.
func (r Restore) file(section, path string) error {
	draft := path + ".part"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	err = archive.Read(r.From, section, func(from db.Source) error {
		for {
			part, chunk, err := from()
			if err != nil || part == "" {
				return err
			}
			if _, err := io.Copy(f, chunk); err != nil {
				return err
			}
		}
	})
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	return err
}

// books brings back the simulators' books where there are none. Those that are
// there know more than the backup.
func (r Restore) books(ctx context.Context, m archive.Manifest, kept []Kept, log *slog.Logger) ([]Kept, error) {
	for _, book := range []struct {
		section string
		files   fs.FS
	}{{sectionSandbox, sandbox.BookFiles()}, {sectionBank, bank.BookFiles()}} {
		s, there := m.Section(book.section)
		if !there || s.Dump.Engine == "" {
			continue
		}
		address, o := Backup{DB: r.DB}.place(book.section, log)
		err := r.load(ctx, address, o, book.files, s, true)
		if errors.Is(err, db.ErrOccupied) {
			kept, err = append(kept, Kept{book.section, named(address, o)}), nil
		}
		if err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// named says where a book is, without a password.
func named(address string, o db.Options) string {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return path
	}
	return "schema " + o.Schema
}

func (r Restore) load(ctx context.Context, address string, o db.Options, files fs.FS, s archive.Section, whole bool) error {
	return archive.Read(r.From, s.Name, func(from db.Source) error {
		return db.Load(ctx, address, o, files, s.Dump, whole, from, func(done, _ int64) { r.Progress(s.Name, done, s.Bytes) })
	})
}
