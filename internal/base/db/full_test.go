package db_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
)

// disk is the operating system's files, but that writes to one database can be made to fail.
type disk struct {
	vfs.VFSFilename
	path string // of the database

	mu    sync.Mutex
	room  int           // bytes that can be written before writes fail; negative: all can
	err   error         // what the others fail with
	syncs error         // what syncs of the log fail with; nil: they don't
	bytes int           // that were to be written to the log so far
	frame func(n int64) // called before frames of the log are written, with the number of the last, from 1
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	path := name.String()
	f, flags, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil || path != d.path && path != d.path+"-wal" {
		return f, flags, err
	}
	return &diskFile{f, d, path != d.path}, flags, nil
}

type diskFile struct {
	vfs.File
	disk *disk
	log  bool
}

func (f *diskFile) SharedMemory() vfs.SharedMemory {
	return f.File.(vfs.FileSharedMemory).SharedMemory()
}

func (f *diskFile) WriteAt(p []byte, at int64) (int, error) {
	d := f.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.log {
		d.bytes += len(p)
		if end := at + int64(len(p)); end > 32 && d.frame != nil {
			d.frame((end - 32) / frameBytes)
		}
	}
	if d.room >= 0 && d.room < len(p) {
		n, err := f.File.WriteAt(p[:d.room], at)
		d.room = 0
		return n, errors.Join(d.err, err)
	}
	if d.room > 0 {
		d.room -= len(p)
	}
	return f.File.WriteAt(p, at)
}

func (f *diskFile) Sync(flags vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.log && f.disk.syncs != nil {
		return f.disk.syncs
	}
	return f.File.Sync(flags)
}

// frameBytes is how long a frame of the log is, header and page.
const frameBytes = 24 + 4096

// set lets so many bytes be written from now on, and no more.
func (d *disk) set(room int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room, d.err, d.bytes = room, err, 0
}

// onDisk opens a new SQLite database on a disk that can be made to fail.
func onDisk(t *testing.T, o db.Options) (*db.DB, *disk) {
	t.Helper()
	if dbtest.Postgres() {
		t.Skip("SQLite's, and tried where it is the engine")
	}
	address := dbtest.SQLite(t)
	d := &disk{VFSFilename: vfs.Find("").(vfs.VFSFilename), path: strings.TrimPrefix(address, "sqlite:"), room: -1}
	db.OnDisk(t, d)
	o.Logger = slog.New(slog.DiscardHandler)
	return dbtest.OpenAt(t, address, o), d
}

// copyFiles copies a database as a crash would leave it: with its log, and without the
// index, which is made anew.
func copyFiles(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(to+suffix, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestNothingCanBeWritten: a disk that is full, or may not be written to, at whatever place of
// a commit that shows, refuses the step and nothing more: what is there can be read, the process
// goes on, and so do writes once they can. What was acknowledged is there, what was refused is not,
// and a copy of the files as they are then, as a crash would leave them, says the same.
func TestNothingCanBeWritten(t *testing.T) {
	d, disk := onDisk(t, db.Options{Fatal: func(err error) { panic(fmt.Sprintf("ended by %v", err)) }})
	acknowledged := map[int64]bool{}
	check := func(after string) {
		t.Helper()
		copied := dbtest.OpenAt(t, "sqlite:"+copyFiles(t, disk.path), db.Options{})
		for id, there := range acknowledged {
			for name, h := range map[string]*db.DB{"here": d, "after a crash": copied} {
				if _, ok, err := counters.Read(t.Context(), h, db.Key{Scope: 2, ID: id}); err != nil || ok != there {
					t.Errorf("%s: row %d is there %s: %v, acknowledged: %v (%v)", after, id, name, ok, there, err)
				}
			}
		}
		_ = copied.Close()
	}
	next := int64(0)
	add := func(rows int) error {
		next++
		keys := []db.Key{{Scope: 2, ID: next}}
		needs := []db.Need{counters.Need(keys[0])}
		for i := range int64(rows) { // pages enough for several frames
			keys = append(keys, db.Key{Scope: 3, ID: next*1000 + i})
			needs = append(needs, counters.Need(keys[i+1]))
		}
		err := d.Run(t.Context(), db.Step{Name: "test.add", Scope: 2, Needs: needs, Do: func(tx *db.Tx) error {
			for _, k := range keys {
				if _, _, err := counters.Get(tx, k); err != nil {
					return err
				}
				counters.Insert(tx, k, counter{Payload: strings.Repeat("x", 500)})
			}
			return nil
		}})
		acknowledged[next] = err == nil
		return err
	}
	if err := add(0); err != nil {
		t.Fatal(err)
	}
	for _, why := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EFBIG} {
		for n, refused := 0, true; refused && (why == syscall.ENOSPC || n < 3); n++ {
			// Nothing of a frame, a part of its header, its header, a part of its page.
			room := n/4*frameBytes + []int{0, 12, 24, 2000}[n%4]
			disk.set(room, why)
			err := add(10)
			refused = err != nil
			if refused && (fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "full")) {
				t.Fatalf("%v after %d bytes: %v", why, room, err)
			}
			if !refused && room < 4*frameBytes {
				t.Errorf("%v: a step of %d bytes was none", why, room)
			}
			if again := add(10); refused && again == nil {
				t.Errorf("%v after %d bytes, and then it was written", why, room)
			}
			disk.set(-1, nil)
			check(fmt.Sprintf("%v after %d bytes", why, room))
			if err := add(0); err != nil {
				t.Fatalf("there is room again: %v", err)
			}
		}
	}
	check("once there is room")
}

// TestStaleFrame: where the log is used again from its beginning, the page of a commit frame may
// stand there already, from the last time. A commit of which only the header could be written
// has not happened for all that, also after a crash.
func TestStaleFrame(t *testing.T) {
	d, disk := onDisk(t, db.Options{})
	const rows = 40
	var keys []db.Key
	var needs []db.Need
	for i := range int64(rows) {
		keys = append(keys, db.Key{Scope: 3, ID: i})
		needs = append(needs, counters.Need(keys[i]))
	}
	if err := d.Run(t.Context(), db.Step{Name: "test.fill", Scope: 3, Needs: needs, Do: func(tx *db.Tx) error {
		for _, k := range keys {
			if _, _, err := counters.Get(tx, k); err != nil {
				return err
			}
			counters.Insert(tx, k, counter{Payload: strings.Repeat("x", 500)})
		}
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	first, middle, last := keys[0], keys[rows/2], keys[rows-1] // on pages of their own
	set := func(a, b int64) error {
		return d.Run(t.Context(), db.Step{Name: "test.set", Scope: 3, Needs: []db.Need{counters.Need(first), counters.Need(middle), counters.Need(last)}, Do: func(tx *db.Tx) error {
			for k, n := range map[db.Key]int64{first: a, middle: b, last: b} {
				c, _, err := counters.Get(tx, k)
				if err != nil {
					return err
				}
				c.Tries = n
				counters.Update(tx, k, c)
			}
			return nil
		}})
	}
	fromItsBeginning := func() {
		t.Helper()
		c, err := sqlite3.Open("file:" + disk.path + "?vfs=florin")
		if err == nil {
			err = errors.Join(c.Exec("PRAGMA wal_checkpoint(RESTART)"), c.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	fromItsBeginning()
	disk.set(-1, nil)
	if err := set(1, 1); err != nil {
		t.Fatal(err)
	}
	all := disk.bytes // the log's header, and the frames
	fromItsBeginning()
	disk.set(-1, nil)
	if err := set(1, 0); err != nil || disk.bytes >= all || all < 3*frameBytes {
		t.Fatalf("%d bytes, and then %d, %v: the last frame should be as it was", all, disk.bytes, err)
	}
	fromItsBeginning()
	disk.set(all-4096, syscall.ENOSPC) // all but the page of the last frame
	if err := set(2, 1); fault.KindOf(err) != fault.Unavailable || disk.bytes != all {
		t.Fatalf("after %d bytes: %v", disk.bytes, err)
	}
	copied := dbtest.OpenAt(t, "sqlite:"+copyFiles(t, disk.path), db.Options{})
	for name, h := range map[string]*db.DB{"here": d, "after a crash": copied} {
		if c, _, err := counters.Read(t.Context(), h, first); err != nil || c.Tries != 1 {
			t.Errorf("%s: %d (%v), though the commit was refused", name, c.Tries, err)
		}
	}
}

// TestTheIndexGrowsFirst: a frame that the log's index has no room for is not written, since it
// may commit what can't be made known.
func TestTheIndexGrowsFirst(t *testing.T) {
	d, disk := onDisk(t, db.Options{})
	last := int64(0)
	disk.frame = func(n int64) {
		last = max(last, n)
		index, err := os.Stat(disk.path + "-shm")
		if err != nil {
			t.Error(err)
		} else if parts := 1 + (n+33)/4096; index.Size() < parts*32768 {
			t.Errorf("frame %d is written, and the index has %d bytes", n, index.Size())
		}
	}
	for step := range int64(6) {
		var needs []db.Need
		for i := range int64(800) {
			needs = append(needs, counters.Need(db.Key{Scope: 2, ID: 1000*step + i}))
		}
		if err := d.Run(t.Context(), db.Step{Name: "test.fill", Scope: 2, Needs: needs, Do: func(tx *db.Tx) error {
			for i := range int64(800) {
				k := db.Key{Scope: 2, ID: 1000*step + i}
				if _, _, err := counters.Get(tx, k); err != nil {
					return err
				}
				counters.Insert(tx, k, counter{Payload: strings.Repeat("x", 3900)})
			}
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if last < 4063 {
		t.Errorf("%d frames, which one part of the index has room for", last)
	}
}

// TestCommitThatMayHaveHappened: a COMMIT whose frame was written and can't be synced, or whose
// write fails as a broken disk's does, may have happened: the process ends.
func TestCommitThatMayHaveHappened(t *testing.T) {
	for name, c := range map[string]struct {
		write, sync error
	}{"sync": {nil, syscall.ENOSPC}, "write": {syscall.EIO, nil}} {
		t.Run(name, func(t *testing.T) {
			failed := make(chan error, 1)
			d, disk := onDisk(t, db.Options{Fatal: func(err error) {
				failed <- err
				runtime.Goexit() // the train's: the process would end here
			}})
			if err := d.Run(t.Context(), increment(db.Key{Scope: 2, ID: 1}, 1, 9)); err != nil {
				t.Fatal(err)
			}
			disk.mu.Lock()
			disk.syncs = c.sync
			disk.mu.Unlock()
			if c.write != nil {
				disk.set(1, c.write)
			}
			acknowledged := make(chan error, 1)
			go func() {
				acknowledged <- d.Run(context.WithoutCancel(t.Context()), increment(db.Key{Scope: 2, ID: 2}, 1, 9))
			}()
			select {
			case <-failed:
			case err := <-acknowledged:
				t.Fatalf("it was answered: %v", err)
			case <-time.After(20 * time.Second):
				t.Fatal("COMMIT came to no end")
			}
		})
	}
}

// TestPagesThatDoNotFit: what a transaction writes to the log before it commits, since
// its pages do not fit into memory, is read again from there and written anew, and
// given up with it.
func TestPagesThatDoNotFit(t *testing.T) {
	_, disk := onDisk(t, db.Options{})
	c, err := sqlite3.Open("file:" + disk.path + "?vfs=florin")
	if err != nil {
		t.Fatal(err)
	}
	do := func(sql string) {
		t.Helper()
		if err := c.Exec(sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO big SELECT i, randomblob(900), 0 FROM n"
	do("PRAGMA cache_size=8; CREATE TABLE big (id INTEGER PRIMARY KEY, text BLOB, n INTEGER)")
	do("BEGIN IMMEDIATE; " + fill)
	for range 3 {
		do("UPDATE big SET n = n + 1")
	}
	do("ROLLBACK; BEGIN IMMEDIATE; " + fill)
	for range 3 {
		do("UPDATE big SET n = n + length(text) - 899")
	}
	do("DELETE FROM big WHERE id % 3 = 0; COMMIT; PRAGMA wal_checkpoint(PASSIVE); BEGIN; UPDATE big SET n = n + 1; COMMIT")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"here": disk.path, "after a crash": copyFiles(t, disk.path)} {
		c, err := sqlite3.Open("file:" + path + "?vfs=florin")
		if err != nil {
			t.Fatal(err)
		}
		st, _, err := c.Prepare("SELECT count(*), min(n), max(n), (SELECT group_concat(integrity_check) FROM pragma_integrity_check) FROM big")
		if err != nil || !st.Step() {
			t.Fatal(name, err, st.Err())
		}
		if got := fmt.Sprintf("%d rows, %d to %d, %s", st.ColumnInt(0), st.ColumnInt(1), st.ColumnInt(2), st.ColumnText(3)); got != "2000 rows, 4 to 4, ok" {
			t.Errorf("%s: %s", name, got)
		}
		if err := errors.Join(st.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	}
}
