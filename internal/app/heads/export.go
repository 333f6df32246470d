package heads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Exporter appends to a file the heads of all seals that are in the database,
// whoever sealed. Several exporters, of several processes, may share a file.
// It is not safe for concurrent use.
type Exporter struct {
	file string
	db   *db.DB
	log  *slog.Logger

	begin time.Time   // what was sealed before, another process did
	was   os.FileInfo // the file that was read last; nil: none yet
	read  position    // how far it was read
}

// New makes an exporter of the heads in d to a file, which is created with the
// first of them.
func New(d *db.DB, file string, log *slog.Logger) *Exporter {
	return &Exporter{file: file, db: d, log: log, begin: d.Clock().Now()}
}

// exportBatch is how many lines are appended at a time.
const exportBatch = 500

// ConflictError says that the database is not, or no longer, the one whose heads a
// file has.
type ConflictError struct{ File, Problem string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: %s. Rows were removed or replaced, or it is another or an older database: see florin verify. Heads are not kept until the database is as it was, or the file is moved away", e.File, e.Problem)
}

// Run appends what is missing and returns when it is on the disk. It is a
// [ConflictError] when the file has what the database does not, and a
// [DamageError] when the file was changed.
func (e *Exporter) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		// The file is read before the database, so that what is in the one has to
		// be in the other; and no lock is held while the database is waited for.
		if err := e.look(); err != nil {
			return err
		}
		lines, err := e.missing(ctx)
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := e.append(lines); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// look reads what is new in the file.
func (e *Exporter) look() error {
	f, err := os.Open(e.file)
	if errors.Is(err, fs.ErrNotExist) {
		e.was, e.read = nil, position{last: map[int64]tip{}}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = e.follow(f)
	return err
}

// follow reads what is new in an open file, or all of it when it is another one
// than before. It tells the file's size.
func (e *Exporter) follow(f *os.File) (size int64, err error) {
	now, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if e.was == nil || !os.SameFile(e.was, now) || now.Size() < e.read.offset {
		e.read = position{last: map[int64]tip{}}
	}
	e.was = now
	if _, err := f.Seek(e.read.offset, io.SeekStart); err != nil {
		return 0, err
	}
	_, err = e.read.scan(e.file, io.LimitReader(f, now.Size()-e.read.offset), func(line) error { return nil })
	return now.Size(), err
}

// missing gives the next lines that the file lacks.
func (e *Exporter) missing(ctx context.Context) (lines []line, err error) {
	have, err := ledger.LastSeals(ctx, e.db)
	if err != nil {
		return nil, err
	}
	if err := e.compare(ctx, have); err != nil {
		return nil, err
	}
	for _, shard := range slices.Sorted(maps.Keys(have)) {
		at := e.read.last[shard]
		if have[shard] <= at.number || len(lines) == exportBatch {
			continue
		}
		seals, err := ledger.SealsAfter(ctx, e.db, shard, at.number, exportBatch-len(lines))
		if err != nil {
			return nil, err
		}
		for _, s := range seals {
			if s.Number != at.number+1 || s.Previous != at.head {
				return nil, &ConflictError{e.file, fmt.Sprintf("its seal %d of shard %d is not what seal %d of the database follows", at.number, shard, s.Number)}
			}
			at = tip{s.Number, s.Head}
			lines = append(lines, line{shard, s.Number, s.Postings, s.At, hexHash(s.Head)})
		}
	}
	return lines, nil
}

// compare makes sure that the file's last heads are the database's.
func (e *Exporter) compare(ctx context.Context, have map[int64]int64) error {
	var names []ledger.SealName
	for _, shard := range slices.Sorted(maps.Keys(e.read.last)) {
		if at := e.read.last[shard]; have[shard] < at.number {
			return &ConflictError{e.file, fmt.Sprintf("it has seal %d of shard %d and the database ends at %d", at.number, shard, have[shard])}
		}
		names = append(names, ledger.SealName{Shard: shard, Number: e.read.last[shard].number})
	}
	found, err := ledger.HeadsOf(ctx, e.db, names)
	if err != nil {
		return err
	}
	for _, n := range names {
		if found[n] != e.read.last[n.Shard].head {
			return &ConflictError{e.file, fmt.Sprintf("its seal %d of shard %d is another than the database's", n.Number, n.Shard)}
		}
	}
	return nil
}

// append writes lines, unless another process has appended meanwhile: then the
// next round of Run sees what it did.
func (e *Exporter) append(lines []line) (err error) {
	f, err := e.open(lines[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // which lets go of the lock
	if err := lock(f); err != nil {
		return err
	}
	before := e.read
	size, err := e.follow(f)
	if err != nil || e.read.offset != before.offset || e.read.sum != before.sum {
		return err
	}
	if size > e.read.offset {
		e.log.Warn("the heads file ended within a line, which is cut off", "file", e.file, "line", e.read.lines+1)
		if err := f.Truncate(e.read.offset); err != nil {
			return err
		}
	}
	var text []byte
	after := e.read.sum
	for _, l := range lines {
		one, next, err := l.encode(after)
		if err != nil {
			return err
		}
		text, after = append(append(text, one...), '\n'), next
	}
	probe.Point("seal.before-heads")
	if _, err := f.WriteAt(text, e.read.offset); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	probe.Point("seal.after-heads")
	return nil
}

// open opens the file to write, and makes it where there is none.
func (e *Exporter) open(first line) (*os.File, error) {
	f, err := os.OpenFile(e.file, os.O_RDWR, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if first.At.Before(e.begin) {
		e.log.Warn("the heads file is begun anew: nothing tells whether earlier seals are the original ones", "file", e.file)
	}
	if f, err = os.OpenFile(e.file, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	return f, syncFolder(filepath.Dir(e.file))
}

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
