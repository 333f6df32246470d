// Package dbtest gives tests a database of their own: a SQLite file copied
// from a migrated template, or, when FLORIN_TEST_DB holds the address of a
// PostgreSQL server, a database there made from a migrated template. Before a
// database goes it is searched for card data, which fails the test.
package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/schema"
	"github.com/florinpay/florin/test/leak"
)

// Postgres reports whether the tests run against PostgreSQL.
func Postgres() bool { return os.Getenv("FLORIN_TEST_DB") != "" }

// Open opens a fresh migrated database for the test and closes it at its end.
func Open(t testing.TB) *db.DB {
	t.Helper()
	return OpenAt(t, Address(t), db.Options{})
}

// OpenAt opens the database at address with the options, for tests that need
// a clock or several handles.
func OpenAt(t testing.TB, address string, o db.Options) *db.DB {
	t.Helper()
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	d, err := db.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if strings.HasPrefix(address, "sqlite:") {
			leak.CheckDatabase(t, address) // with the log, which goes when the file is closed
		}
		_ = d.Close()
	})
	if err := d.ClaimNode(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return d
}

// Address makes a fresh migrated database for the test and gives its address.
func Address(t testing.TB) string {
	t.Helper()
	if server := os.Getenv("FLORIN_TEST_DB"); server != "" {
		return postgres(t, server)
	}
	return SQLite(t)
}

var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "florin-template-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "template.db")
	d, err := db.Open(context.Background(), "sqlite:"+path, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(d.Migrate(context.Background(), schema.Files), d.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // closing the last connection checkpoints the log
})

// SQLite is [Address] on SQLite whatever the environment says.
func SQLite(t testing.TB) string {
	t.Helper()
	content, err := template()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leak.CheckDatabase(t, "sqlite:"+path) })
	return "sqlite:" + path
}

const templatePrefix = "florin_template_"

// schemaName changes with the DDL, so that an old template is never used.
var schemaName = sync.OnceValues(func() (string, error) {
	h := sha256.New()
	names, err := fs.Glob(schema.Files, "postgres/*.sql")
	for _, name := range names {
		var text []byte
		if text, err = fs.ReadFile(schema.Files, name); err == nil {
			h.Write(text)
		}
	}
	return templatePrefix + hex.EncodeToString(h.Sum(nil)[:6]), err
})

func postgres(t testing.TB, server string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("FLORIN_TEST_DB: %v", err)
	}
	defer func() { _ = admin.Close(ctx) }()
	from, err := schemaName()
	if err == nil {
		err = ensureTemplate(ctx, admin, server, from)
	}
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t_%d_%s", time.Now().UnixNano(), hex.EncodeToString([]byte(t.Name()))[:8])
	had, err := claim(ctx, admin, from, name)
	if err == nil && !had {
		_, err = admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+from)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		leak.CheckDatabase(t, withDatabase(server, name))
		leave(t, server, from, name)
	})
	return withDatabase(server, name)
}

func ensureTemplate(ctx context.Context, admin *pgx.Conn, server, name string) error {
	// Several test processes may ask at once: the first one makes it.
	if _, err := admin.Exec(ctx, "SELECT pg_advisory_lock(1)"); err != nil {
		return err
	}
	defer func() { _, _ = admin.Exec(ctx, "SELECT pg_advisory_unlock(1)") }()
	var there bool
	if err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return err
	}
	draft := name + "_draft"
	if _, err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+draft); err != nil {
		return err
	}
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+draft); err != nil {
		return err
	}
	d, err := db.Open(ctx, withDatabase(server, draft), db.Options{})
	if err != nil {
		return err
	}
	if err := errors.Join(d.Migrate(ctx, schema.Files), d.Close()); err != nil {
		return err
	}
	if err := describe(ctx, admin, server, draft); err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name)
	return err
}

// leave gives a database back, or drops it.
func leave(t testing.TB, server, schema, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if done, err := retire(ctx, server, schema, name); done {
		return
	} else if err != nil {
		t.Logf("empty %s: %v", name, err)
	}
	admin, err := pgx.Connect(ctx, server)
	if err == nil {
		_, err = admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		_ = admin.Close(ctx)
	}
	if err != nil {
		t.Logf("drop %s: %v", name, err)
	}
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return strings.TrimSuffix(server, "/") + "/" + name
	}
	u.Path = "/" + name
	return u.String()
}
