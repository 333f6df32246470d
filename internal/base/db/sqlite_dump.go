package db

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// dumpPages is how many pages are copied between two looks at whether to go on.
const dumpPages = 2000

// dump copies the file by SQLite's backup over a read transaction, so that
// writers are not held up and no copy has to begin anew. The draft is made with
// checksums before: the byte of the header that switches them on is then there
// when the first page is written. Reading the draft checks every page.
func (s *sqlite) dump(ctx context.Context, dir string, to Dump, progress Progress) error {
	draft := filepath.Join(dir, "florin-dump-"+rand.Text()+".db")
	defer removeSQLite(draft)
	if err := createInPlace(draft); err != nil {
		return err
	}
	c, err := s.open()
	if err != nil {
		return err
	}
	defer c.close()
	if err := errors.Join(c.c.Exec("BEGIN"), c.c.Exec(anything)); err != nil {
		return classifySQLite(err)
	}
	if err := c.copyTo(ctx, draft, progress); err != nil {
		return err
	}
	if err := wholeSQLite(draft); err != nil {
		return err
	}
	f, err := os.Open(draft)
	if err != nil {
		return err
	}
	defer f.Close()
	return inChunks(ctx, f, func(chunk []byte) error { return to("file", chunk) })
}

func (c *sqliteConn) copyTo(ctx context.Context, draft string, progress Progress) error {
	b, err := c.c.BackupInit("main", "file:"+(&url.URL{Path: draft}).EscapedPath()+"?vfs="+vfsName)
	if err != nil {
		return classifySQLite(err)
	}
	defer b.Close()
	for {
		done, err := b.Step(dumpPages)
		if err != nil {
			return classifySQLite(err)
		}
		pages := int64(b.PageCount())
		progress((pages-int64(b.Remaining()))*sqlitePage, pages*sqlitePage)
		if done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sqlitePage is the size of a page; only progress is told by it.
const sqlitePage = 4096

// wholeSQLite reads every page of a file that nobody else uses, and with it every
// checksum, and folds its log into it.
func wholeSQLite(path string) error {
	c, err := openFile(path) // refuses a file without checksums
	if err != nil {
		return err
	}
	defer c.Close()
	st, _, err := c.Prepare("PRAGMA quick_check(1)")
	if err != nil {
		return classifySQLite(err)
	}
	defer st.Close()
	if !st.Step() {
		return classifySQLite(st.Err())
	}
	if said := st.ColumnText(0); said != "ok" {
		return fmt.Errorf("the database is damaged: %s", said)
	}
	if err := st.Err(); err != nil {
		return classifySQLite(err)
	}
	if err := st.Close(); err != nil {
		return classifySQLite(err)
	}
	return classifySQLite(c.Exec("PRAGMA wal_checkpoint(TRUNCATE)"))
}

func removeSQLite(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		_ = os.Remove(path + suffix)
	}
}

func inChunks(ctx context.Context, r io.Reader, each func([]byte) error) error {
	buffer := make([]byte, dumpChunk)
	for {
		n, err := io.ReadFull(r, buffer)
		if n > 0 {
			if err := errors.Join(ctx.Err(), each(buffer[:n])); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// vacantFile refuses a path at which there is a database, or the log of one: a
// log would be taken for that of the file that is put beside it.
func vacantFile(path string) error {
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: there is a file %s", ErrOccupied, path+suffix)
		}
	}
	return nil
}

// loadSQLite makes the file beside its place and puts it there when it is whole.
func loadSQLite(path string, info Dumped, whole bool, from Source, progress Progress) error {
	if err := vacantFile(path); err != nil {
		return err
	}
	registerVFS()
	draft := path + ".new-" + rand.Text()
	defer removeSQLite(draft)
	if err := writeDraft(draft, from, progress); err != nil {
		return err
	}
	if err := wholeSQLite(draft); err != nil {
		return err
	}
	if !whole {
		if err := markRestored(draft, info); err != nil {
			return err
		}
	}
	err := os.Link(draft, path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: there is a file %s", ErrOccupied, path)
	}
	if err != nil { // there are no hard links
		err = os.Rename(draft, path)
	}
	syncDir(filepath.Dir(path))
	return err
}

func writeDraft(draft string, from Source, progress Progress) error {
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	done := int64(0)
	for err == nil {
		part, chunk, problem := from()
		if problem != nil || part == "" {
			err = problem
			break
		}
		var n int64
		n, err = io.Copy(f, chunk)
		done += n
		progress(done, 0)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// markRestored writes the row that [DB.Restored] reads, and makes it durable in
// the file itself.
func markRestored(draft string, info Dumped) (err error) {
	c, err := openFile(draft)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	err = c.Exec(fmt.Sprintf("INSERT OR REPLACE INTO meta (scope, key, number, text) VALUES (0, %d, %d, '%s'); PRAGMA wal_checkpoint(TRUNCATE)",
		metaRestored, info.At.UnixMicro(), learning))
	return classifySQLite(err)
}
