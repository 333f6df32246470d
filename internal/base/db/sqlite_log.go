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

// logFile is the write-ahead log of a database. It tells apart what a COMMIT that could not be
// written has left: where the disk is full, or may not be written to, nothing of the frame
// that would have committed it stays, and the error is [sqlite3.FULL]: the transaction certainly
// did not happen. Any other error leaves it open.
//
// SQLite commits by a frame whose header says so, which comes after all others of its
// transaction: header and page are written, one after the other, and then the log is synced.
// After that the index has to take the frame, which fails when it can't grow. So room
// for the index is made before the frame is written.
type logFile struct {
	unmappedFile
	index   string // path of the index
	indexed int64  // bytes that the index is known to have
	folder  string // to be synced with the first sync, lest the file's name be lost; then empty
	begun   int64  // where a commit frame begins whose page is still to come, or 0
	whole   bool   // a commit frame is written, and not synced
}

func newLogFile(f unmappedFile, path string) *logFile {
	return &logFile{unmappedFile: f, index: strings.TrimSuffix(path, "-wal") + "-shm", folder: filepath.Dir(path)}
}

func (f *logFile) WriteAt(p []byte, at int64) (int, error) {
	isHead := at >= logHead && len(p) == frameHead
	commits := isHead && binary.BigEndian.Uint32(p[4:]) != 0 // pages of the database after it
	if isHead {
		if err := f.makeRoom(at); err != nil {
			return 0, f.failed(0, err)
		}
	}
	n, err := f.unmappedFile.WriteAt(p, at)
	switch {
	case err != nil && commits:
		return n, f.failed(at, err)
	case err != nil:
		return n, f.failed(f.begun, err)
	case commits:
		f.begun = at
	case f.begun != 0 && at == f.begun+frameHead:
		f.begun, f.whole = 0, true
	}
	return n, nil
}

// failed cuts off the commit frame that was begun at a place, 0: none was, and says what
// came of a write.
func (f *logFile) failed(begun int64, err error) error {
	if !noRoom(err) || f.whole {
		return err
	}
	if begun != 0 {
		if cut := f.Truncate(begun); cut != nil {
			return errors.Join(err, cut)
		}
	}
	f.begun = 0
	return vfs.SystemError(err, sqlite3.FULL)
}

// makeRoom has the index reach as far as it must for the frame at a place. Only who holds
// the write lock, as who writes to the log does, lets it grow.
func (f *logFile) makeRoom(at int64) error {
	frame := (at-logHead)/(frameHead+sqlitePage) + 1
	want := ((frame+firstLack-1)/partFrames + 1) * indexPart
	if want <= f.indexed {
		return nil
	}
	file, err := os.OpenFile(f.index, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	have, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have < want {
		if _, err := file.WriteAt(make([]byte, want-have), have); err != nil {
			return err
		}
	}
	f.indexed = want
	return nil
}

func (f *logFile) Sync(flags vfs.SyncFlag) error {
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
