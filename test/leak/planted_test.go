//go:build unix

package leak_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"github.com/florinpay/florin/test/leak"
	"github.com/florinpay/florin/test/postgres"
)

// TestEachFormIsFoundInFiles plants one form at a time in a SQLite database, in
// its log, in a log, a book and a reply.
func TestEachFormIsFoundInFiles(t *testing.T) {
	forms := leak.PlantedForms()
	if len(forms) < 24 {
		t.Fatalf("only %d forms", len(forms))
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.db")
			address := "sqlite:" + path
			store(t, address, "delete", form)
			found(t, "SQLite file")(leak.File(path))
			found(t, "SQLite database")(leak.Database(t.Context(), address))
			text := filepath.Join(dir, "a.log")
			add(t, text, form)
			found(t, "log")(leak.File(text))
			found(t, "reply")(leak.Bytes("reply", form), nil)

			path = filepath.Join(dir, "y.db")
			c := open(t, path, "wal") // while it is open, the log stays
			defer func() { _ = c.Close() }()
			if err := errors.Join(c.Exec(strings.Join(planting("wal", form), ";")), c.Exec("DROP TABLE planted")); err != nil {
				t.Fatal(err)
			}
			found(t, "SQLite log")(leak.File(path + "-wal"))
			found(t, "SQLite database with log")(leak.Database(t.Context(), "sqlite:"+path))
		})
	}
}

// TestEachFormIsFoundOnPostgres plants each form in a table of its own: it is
// found in the rows and in the server's files, and of what was deleted again
// something is found in the log that the server leaves.
func TestEachFormIsFoundOnPostgres(t *testing.T) {
	server, err := postgres.Start(t.Context(), postgres.Options{NoSync: true})
	if errors.Is(err, postgres.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = server.Close()
		}
	}()
	for name, form := range leak.PlantedForms() {
		store(t, server.URL(), "", form)
		hits, err := leak.Database(t.Context(), server.URL())
		found(t, name+" in the rows")(hits, err)
		on(t, server.URL(), "CHECKPOINT", "DROP TABLE IF EXISTS passed", "ALTER TABLE planted RENAME TO passed")
		found(t, name+" in the files")(leak.Dir(filepath.Join(server.Dir(), "data", "base")))
	}
	on(t, server.URL(), "DROP TABLE passed", "CHECKPOINT")
	if hits, err := leak.Database(t.Context(), server.URL()); len(hits) > 0 || err != nil {
		t.Fatal(hits, err)
	}
	closed = true
	if err := server.Close(); err == nil || !strings.Contains(err.Error(), "card data: ") || !strings.Contains(err.Error(), "/pg_wal/") {
		t.Errorf("the server's end says %v", err)
	}
	if _, err := os.Stat(server.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is left: %v", err)
	}
}

func found(t *testing.T, where string) func([]leak.Hit, error) {
	return func(hits []leak.Hit, err error) {
		t.Helper()
		if len(hits) == 0 || err != nil {
			t.Errorf("%s: %v, %v", where, hits, err)
		}
	}
}

// add appends forms to a file, a line each.
func add(t *testing.T, path string, forms ...[]byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		_, bad := fmt.Fprintf(f, "level=INFO %s\n", form)
		err = errors.Join(err, bad)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// open opens a SQLite file with the checksums that Florin's have.
func open(t *testing.T, path, journal string) *sqlite3.Conn {
	t.Helper()
	c, err := sqlite3.Open("file:" + (&url.URL{Path: path}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.EnableChecksums("main"), c.Exec("PRAGMA journal_mode="+journal)); err != nil {
		t.Fatal(err)
	}
	return c
}

// planting are statements that write forms into a new table, as text where they
// are text. journal is SQLite's, or empty for PostgreSQL.
func planting(journal string, forms ...[]byte) []string {
	list := []string{"DROP TABLE IF EXISTS planted", "CREATE TABLE planted (bytes BLOB, text TEXT)"}
	literal := "x'%x'"
	if journal == "" {
		list[1], literal = "CREATE TABLE planted (bytes BYTEA, text TEXT)", `'\x%x'`
	}
	for _, form := range forms {
		if utf8.Valid(form) && !strings.ContainsRune(string(form), 0) {
			list = append(list, "INSERT INTO planted (text) VALUES ('"+strings.ReplaceAll(string(form), "'", "''")+"')")
		} else {
			list = append(list, fmt.Sprintf("INSERT INTO planted (bytes) VALUES ("+literal+")", form))
		}
	}
	return list
}

// store writes forms into a new table of a database.
func store(t *testing.T, address, journal string, forms ...[]byte) {
	t.Helper()
	list := planting(journal, forms...)
	path, ok := strings.CutPrefix(address, "sqlite:")
	if !ok {
		on(t, address, list...)
		return
	}
	c := open(t, path, journal)
	if err := errors.Join(c.Exec(strings.Join(list, ";")), c.Close()); err != nil {
		t.Fatal(err)
	}
}

func on(t *testing.T, address string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range statements {
		_, bad := c.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol)
		err = errors.Join(err, bad)
	}
	if err := errors.Join(err, c.Close(ctx)); err != nil {
		t.Fatal(err)
	}
}
