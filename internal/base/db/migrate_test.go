package db_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/schema"
)

// newer is the schema of a Florin to come: what there is, and one file more.
func newer(t *testing.T) (files fstest.MapFS, number int64) {
	t.Helper()
	files = fstest.MapFS{}
	err := fs.WalkDir(schema.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(schema.Files, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	number = int64(len(files))/2 + 1
	for engine, sql := range map[string]string{
		"sqlite":   "ALTER TABLE job ADD COLUMN note TEXT NOT NULL DEFAULT ''; CREATE INDEX job_note ON job (scope, note); CREATE TABLE later (scope INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (scope, key)) STRICT;",
		"postgres": "ALTER TABLE job ADD COLUMN note TEXT COLLATE \"C\" NOT NULL DEFAULT ''; CREATE INDEX job_note ON job (scope, note); CREATE TABLE later (scope BIGINT NOT NULL, key BIGINT NOT NULL, PRIMARY KEY (scope, key));",
	} {
		files[fmt.Sprintf("%s/%04d_later.sql", engine, number)] = &fstest.MapFile{Data: []byte(sql)}
	}
	return files, number
}

// traffic writes and reads for as long as a server would.
type traffic struct {
	stop     func()
	running  sync.WaitGroup
	done     [8]atomic.Int64 // steps confirmed, by row
	held     atomic.Int64    // steps told to come again
	slowest  atomic.Int64    // nanoseconds that a step or read took
	problems atomic.Int64
}

// begin lets steps and reads go through d until stopped. An error that does
// not ask to come again fails the test.
func begin(t *testing.T, d *db.DB) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	f := &traffic{stop: stop}
	timed := func(work func() error) {
		begun := time.Now()
		err := work()
		for took := int64(time.Since(begun)); ; {
			if old := f.slowest.Load(); took <= old || f.slowest.CompareAndSwap(old, took) {
				break
			}
		}
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.Unavailable || fault.KindOf(err) == fault.Overloaded:
			f.held.Add(1)
		case f.problems.Add(1) < 5:
			t.Error(err)
		}
	}
	for i := range f.done {
		f.running.Go(func() {
			for ctx.Err() == nil {
				timed(func() error {
					err := d.Run(context.Background(), increment(db.Key{Scope: int64(2 + 2*(i%2)), ID: int64(i)}, 1, 1<<40))
					if err == nil {
						f.done[i].Add(1)
					}
					return err
				})
			}
		})
	}
	for range 2 {
		f.running.Go(func() {
			for ctx.Err() == nil {
				timed(func() error {
					_, err := sorted.All(context.Background(), d, int64(2))
					return err
				})
				time.Sleep(time.Millisecond)
			}
		})
	}
	t.Cleanup(f.end)
	return f
}

func (f *traffic) end() {
	f.stop()
	f.running.Wait()
}

// count compares what was confirmed with what is stored.
func (f *traffic) count(t *testing.T, d *db.DB) {
	t.Helper()
	for i := range f.done {
		c, _, err := counters.Read(t.Context(), d, db.Key{Scope: int64(2 + 2*(i%2)), ID: int64(i)})
		if err != nil || c.State != f.done[i].Load() {
			t.Errorf("row %d: %d confirmed, %d stored: %v", i, f.done[i].Load(), c.State, err)
		}
	}
}

// A newer Florin migrates the database of one that is serving, which goes on:
// no step is lost, and none is refused but to come again.
func TestMigrationWhileOthersServe(t *testing.T) {
	address := dbtest.Address(t)
	old := dbtest.OpenAt(t, address, db.Options{})
	f := begin(t, old)
	time.Sleep(100 * time.Millisecond)
	files, number := newer(t)
	next := dbtest.OpenAt(t, address, db.Options{})
	if err := next.Migrate(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	before := f.done[0].Load()
	time.Sleep(200 * time.Millisecond)
	f.end()
	if after := f.done[0].Load(); after <= before {
		t.Errorf("nothing was done after the migration: %d steps before, %d in the end", before, after)
	}
	f.count(t, next)
	f.count(t, old)
	t.Logf("%d steps held up, the slowest took %s", f.held.Load(), time.Duration(f.slowest.Load()))
	if n, err := old.SchemaVersion(t.Context()); n != number || err != nil {
		t.Errorf("schema %d %v, want %d", n, err, number)
	}
	want := fmt.Sprintf("has schema %d and this Florin knows %d", number, number-1)
	for name, err := range map[string]error{"CheckSchema": old.CheckSchema(t.Context(), schema.Files), "Migrate": old.Migrate(t.Context(), schema.Files)} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s of the older Florin: %v", name, err)
		}
	}
	if err := next.Migrate(t.Context(), files); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// A migration behind a long transaction of somebody else's does not stop those
// who are served: it lets go after a second, and is through when it can be.
func TestMigrationBehindALongTransaction(t *testing.T) {
	if !dbtest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server: SQLite's readers hold up nobody")
	}
	address := dbtest.Address(t)
	f := begin(t, dbtest.OpenAt(t, address, db.Options{}))
	long := rival(t, address, "SELECT count(*) FROM job")
	var logged bytes.Buffer
	next := dbtest.OpenAt(t, address, db.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	files, number := newer(t)
	through := make(chan error, 1)
	go func() { through <- next.Migrate(context.WithoutCancel(t.Context()), files) }()
	select {
	case err := <-through:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(5 * time.Second):
	}
	if err := long.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-through; err != nil {
		t.Fatal(err)
	}
	f.end()
	f.count(t, next)
	if slowest := time.Duration(f.slowest.Load()); slowest > 3*time.Second || slowest < 500*time.Millisecond {
		t.Errorf("the slowest step or read took %s, want about one second", slowest)
	}
	if n, err := next.SchemaVersion(t.Context()); n != number || err != nil {
		t.Errorf("schema %d %v", n, err)
	}
	if !strings.Contains(logged.String(), "waits for others to let go") {
		t.Errorf("nobody was told: %s", &logged)
	}
}

// Several processes that find an empty database make one schema of it.
func TestManyMigrateAtOnce(t *testing.T) {
	address, options := "sqlite:"+filepath.Join(t.TempDir(), "new.db"), db.Options{}
	if dbtest.Postgres() {
		address, options = dbtest.Address(t), db.Options{Schema: "empty"}
	}
	files, number := newer(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			d, err := db.Open(t.Context(), address, options)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			if err := d.Migrate(t.Context(), files); err != nil {
				t.Error(err)
			}
			if n, err := d.SchemaVersion(t.Context()); n != number || err != nil {
				t.Errorf("schema %d %v", n, err)
			}
		})
	}
	all.Wait()
}

// A file that fails leaves nothing behind, and is tried again when it is right.
func TestMigrationThatFails(t *testing.T) {
	d := dbtest.Open(t)
	good, number := newer(t)
	bad := fstest.MapFS{}
	for name, file := range good {
		bad[name] = file
		if strings.Contains(name, "_later") {
			bad[name] = &fstest.MapFile{Data: append(bytes.Clone(file.Data), " CREATE TABLE job (x INTEGER);"...)}
		}
	}
	if err := d.Migrate(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "_later.sql") {
		t.Errorf("a broken file: %v", err)
	}
	if n, err := d.SchemaVersion(t.Context()); n != number-1 || err != nil {
		t.Errorf("schema %d %v", n, err)
	}
	if err := d.Migrate(t.Context(), good); err != nil {
		t.Error(err)
	}
}
