//go:build unix

package server

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/schema"
	"github.com/florinpay/florin/test/florin"
)

// upgrade migrates a database as a Florin to come would, and gives the refusal
// of this one.
func upgrade(t *testing.T, address string) (refusal string) {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(schema.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(schema.Files, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	number := len(files)/2 + 1
	for engine, column := range map[string]string{"sqlite": "TEXT NOT NULL DEFAULT ''", "postgres": `TEXT COLLATE "C" NOT NULL DEFAULT ''`} {
		sql := "ALTER TABLE attempt ADD COLUMN note " + column + "; ALTER TABLE event ADD COLUMN note " + column + ";"
		files[fmt.Sprintf("%s/%04d_later.sql", engine, number)] = &fstest.MapFile{Data: []byte(sql)}
	}
	d, err := db.Open(t.Context(), address, db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("the database has schema %d and this Florin knows %d", number, number-1)
}

// A server whose database a newer Florin migrates goes on, through payments
// too. No command of the older Florin is begun on the database any more.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{Args: []string{"--admin-listen=127.0.0.1:0"}})
	c := clientOf(t, s, nil)
	stop, paying := make(chan struct{}), sync.WaitGroup{}
	for range 4 {
		paying.Go(func() {
			for {
				if status := c.pay(); status != http.StatusOK {
					t.Errorf("a payment is answered with %d", status)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	refusal := upgrade(t, s.DB)
	for range 3 {
		if status := c.pay(); status != http.StatusOK {
			t.Errorf("a payment after the migration is answered with %d", status)
		}
	}
	close(stop)
	paying.Wait()
	admin := adminOf(t, s)
	if r := c.get(admin + "/readyz"); r.status != http.StatusOK {
		t.Errorf("/readyz: %d %s", r.status, r.text)
	}
	if r := c.get(admin + "/"); !strings.Contains(r.text, "newer than this binary") {
		t.Errorf("the page does not tell: %s", r.text)
	}
	for _, args := range [][]string{{"migrate"}, {"verify"}, {"serve", "--listen=127.0.0.1:0"}, {"job", "list"}, {"account", "list"}} {
		out, logged, status := florin(t, []string{"FLORIN_DB=" + s.DB}, args...)
		if status != 1 || !strings.Contains(logged, refusal) {
			t.Errorf("florin %v: %d %s %s", args, status, out, logged)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if err := s.Restart(t.Context()); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("the older server starts again: %v", err)
	}
}

// Several processes that find an empty database make one schema of it.
func TestManyMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		address := florintest.Database(t)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				out, logged, status := florin(t, nil, "migrate", "--db="+address)
				if status != 0 || !strings.HasPrefix(out, "schema version ") {
					t.Errorf("round %d: %d %s %s", round, status, out, logged)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
	}
}
