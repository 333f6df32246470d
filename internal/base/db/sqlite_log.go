package db

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// What SQLite's write-ahead log is made of (https://sqlite.org/fileformat2.html#walformat), and
// its index (https://sqlite.org/walformat.html).
const (
	logHead    = 32     // bytes of the log's header
	frameHead  = 24     // bytes of a frame's header, before its page
	indexPart  = 32_768 // bytes by which the index grows
	partFrames = 4096   // frames in a part of the index,
	firstLack  = 34     // but in the first, which has its header: so many less
)

// maxWaiting is how many bytes of the log wait at most to be written at once: as many
// as a full train has.
const maxWaiting = 1 << 20

// logFile is the write-ahead log of a database. It tells apart what a COMMIT that could not be
// written has left: where the disk is full, or may not be written to, nothing of the frame
// that would have committed it stays, and the error is [sqlite3.FULL]: the transaction certainly
// did not happen. Any other error leaves it open.
//
// SQLite commits by a frame whose header says so, which comes after all others of its
// transaction: header and page are written, one after the other, and then the log is synced.
// After that the index has to take the frame, which fails when it can't grow. So room
// for the index is made before the frame is written. So is room for the pages in the
// database's file, where they go when the log is begun anew: a log that had filled the disk
// could otherwise never be.
//
// What SQLite writes in two pieces for each frame waits in memory until the frame that
// commits is whole, and is then written at once. Who else reads the log looks no further
// than the index says, which is told of a transaction after that.
type logFile struct {
	unmappedFile
	main    string // path of the database
	indexed int64  // bytes that the index is known to have
	pages   int64  // that the database's file is known to have room for
	folder  string // to be synced with the first sync, lest the file's name be lost; then empty
	begun   int64  // where a commit frame begins whose page is still to come, or 0
	whole   bool   // a commit frame is written, and not synced
	waiting []byte // to be written
	from    int64  // at this place
}

func newLogFile(f unmappedFile, path string) *logFile {
	return &logFile{unmappedFile: f, main: strings.TrimSuffix(path, "-wal"), folder: filepath.Dir(path)}
}

func (f *logFile) WriteAt(p []byte, at int64) (int, error) {
	isHead := at >= logHead && len(p) == frameHead
	pages := int64(0) // of the database after a commit
	if isHead {
		pages = int64(binary.BigEndian.Uint32(p[4:]))
	}
	commits := pages != 0
	if isHead {
		if err := f.makeRoom(at, pages); err != nil {
			return 0, f.failed(0, err)
		}
	}
	if at != f.from+int64(len(f.waiting)) || len(f.waiting)+len(p) > maxWaiting {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.from = at
	}
	f.waiting = append(f.waiting, p...)
	switch {
	case commits:
		f.begun = at
	case f.begun != 0 && at == f.begun+frameHead:
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.begun, f.whole = 0, true
	}
	return len(p), nil
}

// flush writes what waits.
func (f *logFile) flush() error {
	if len(f.waiting) == 0 {
		return nil
	}
	n, err := f.unmappedFile.WriteAt(f.waiting, f.from)
	reached := f.from + int64(n)
	f.from, f.waiting = reached, f.waiting[:0]
	if err != nil {
		return f.failed(reached, err)
	}
	return nil
}

// failed drops what waits, cuts off the commit frame that was begun, if the log was written as
// far as that, and says what came of a write.
func (f *logFile) failed(reached int64, err error) error {
	f.waiting = f.waiting[:0]
	if !noRoom(err) || f.whole {
		return err
	}
	if f.begun != 0 && reached > f.begun {
		if cut := f.unmappedFile.Truncate(f.begun); cut != nil {
			return errors.Join(err, cut)
		}
	}
	f.begun = 0
	return vfs.SystemError(err, sqlite3.FULL)
}

func (f *logFile) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.from && at < f.from+int64(len(f.waiting)) {
		if err := f.flush(); err != nil {
			return 0, err
		}
	}
	return f.unmappedFile.ReadAt(p, at)
}

func (f *logFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.unmappedFile.Size()
}

func (f *logFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.unmappedFile.Truncate(size)
}

// makeRoom has the index reach as far as it must for the frame at a place, and the
// database's file for all its pages. Only who holds the write lock, as who writes to the log
// does, lets either grow.
func (f *logFile) makeRoom(at, pages int64) error {
	frame := (at-logHead)/(frameHead+sqlitePage) + 1
	if want := ((frame+firstLack-1)/partFrames + 1) * indexPart; want > f.indexed {
		if err := atLeast(f.main+"-shm", want, fillUp); err != nil {
			return err
		}
		f.indexed = want
	}
	if pages > f.pages {
		if err := atLeast(f.main, pages*sqlitePage, reserve); err != nil {
			return err
		}
		f.pages = pages
	}
	return nil
}

// atLeast has a file that is there grow to a size, unless it is as long.
func atLeast(path string, want int64, grow func(file *os.File, have, want int64) error) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	have, err := file.Seek(0, io.SeekEnd)
	if err == nil && have < want {
		err = grow(file, have, want)
	}
	return err
}

// fillUp writes zeros, which takes up room on every disk.
func fillUp(file *os.File, have, want int64) error {
	_, err := file.WriteAt(make([]byte, want-have), have)
	return err
}

func (f *logFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	if err := f.unmappedFile.Sync(flags); err != nil {
		return err
	}
	if f.folder != "" {
		syncDir(f.folder) // the driver syncs the file once more instead
		f.folder = ""
	}
	f.begun, f.whole = 0, false
	return nil
}

// noRoom reports whether a write failed since the disk is full, or as much of it as may be
// used, or may not be written to: whoever can write later may try again.
func noRoom(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS, syscall.EPERM, syscall.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.Is(err, sqlite3.FULL)
}
