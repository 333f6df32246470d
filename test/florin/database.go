//go:build unix

package florintest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/florinpay/florin/test/leak"
)

// Postgres reports whether databases are made on a PostgreSQL server.
func Postgres() bool { return os.Getenv("FLORIN_TEST_DB") != "" }

// Database gives the address of a database that does not exist yet (SQLite) or
// is empty (PostgreSQL), for the time of the test.
func Database(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("FLORIN_TEST_DB")
	if server == "" {
		dir := tb.TempDir()
		tb.Cleanup(func() { leak.CheckDir(tb, dir) })
		return "sqlite:" + filepath.Join(dir, "florin.db")
	}
	name := "florin_" + strings.ToLower(rand.Text())
	u, err := url.Parse(server)
	if err == nil {
		err = administer(server, "CREATE DATABASE "+name)
	}
	if err != nil {
		tb.Fatalf("FLORIN_TEST_DB: %v", err)
	}
	tb.Cleanup(func() {
		if err := administer(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Logf("drop %s: %v", name, err)
		}
	})
	u.Path = "/" + name
	tb.Cleanup(func() { leak.CheckDatabase(tb, u.String()) })
	return u.String()
}

// administer runs one statement on the server, after the test's own context is
// over if need be.
func administer(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
