//go:build unix

package postgres

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// abandon makes the test binary start a server, print its folder and postmaster
// and wait to be killed.
const abandon = "FLORIN_POSTGRES_ABANDON"

func TestMain(m *testing.M) {
	if os.Getenv(abandon) == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), Options{})
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString(s.Dir() + " " + strconv.Itoa(s.cmd.Process.Pid) + "\n")
	select {}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := ForTest(t, Options{})
	conn := connect(t, s)
	got := map[string]string{}
	for _, name := range []string{"data_checksums", "server_encoding", "fsync", "synchronous_commit",
		"full_page_writes", "max_connections", "listen_addresses", "unix_socket_directories"} {
		got[name] = setting(t, conn, name)
	}
	var collation string // no setting since PostgreSQL 16
	query(t, conn, "SELECT datcollate FROM pg_database WHERE datname = current_database()", &collation)
	got["collation"] = collation
	want := map[string]string{
		"data_checksums": "on", "server_encoding": "UTF8", "collation": "C", "fsync": "on", "synchronous_commit": "on",
		"full_page_writes": "on", "max_connections": "500", "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	stranger := strings.Replace(s.URL(), s.password, "wrong", 1)
	if c, err := pgx.Connect(t.Context(), stranger); err == nil {
		c.Close(t.Context())
		t.Error("the server lets in whoever does not know its password")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	s := ForTest(t, Options{NoSync: true, Settings: []string{"work_mem=5MB", "max_connections=77"}})
	for name, want := range map[string]string{"fsync": "off", "work_mem": "5MB", "max_connections": "77"} {
		if got := setting(t, connect(t, s), name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

// TestLife: what is committed outlives a crash and a stop, a crash leaves no
// process, and closing leaves nothing.
func TestLife(t *testing.T) {
	t.Parallel()
	s := ForTest(t, Options{})
	conn := connect(t, s)
	exec1(t, conn, "CREATE TABLE kept (n bigint PRIMARY KEY)")
	address := s.URL()
	for n, end := range []func() error{s.Kill, s.Stop, s.Kill} {
		exec1(t, conn, "INSERT INTO kept VALUES ($1)", n)
		postmaster := s.cmd.Process.Pid
		pids, err := children(postmaster)
		if err != nil {
			t.Fatal(err)
		}
		if len(pids) < 3 { // its background writers and our connection
			t.Fatalf("postmaster %d has the children %v: the listing misses some", postmaster, pids)
		}
		if err := end(); err != nil {
			t.Fatalf("end %d: %v", n, err)
		}
		if err := waitGone(append(pids, postmaster), 0); err != nil {
			t.Fatalf("end %d: %v", n, err)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Fatalf("end %d: the old connection still answers", n)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatalf("restart %d: %v", n, err)
		}
		if s.URL() != address {
			t.Fatalf("the address changed from %s to %s", address, s.URL())
		}
		conn = connect(t, s)
		var rows int
		query(t, conn, "SELECT count(*) FROM kept", &rows)
		if rows != n+1 {
			t.Fatalf("after end %d there are %d rows, want %d", n, rows, n+1)
		}
	}
	if got := strings.Count(s.Log(), "automatic recovery in progress"); got != 2 {
		t.Errorf("the log tells of %d recoveries, want one for each of 2 crashes:\n%s", got, s.Log())
	}
	postmaster := s.cmd.Process.Pid
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := waitGone([]int{postmaster}, 0); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %s is still there (%v)", s.Dir(), err)
	}
	if err := s.Restart(t.Context()); err == nil {
		t.Error("a closed server was restarted")
	}
}

// TestOwnerDies: the owner is killed without warning; server and folder go.
func TestOwnerDies(t *testing.T) {
	t.Parallel()
	if _, err := Installed(); err != nil {
		t.Skip(err)
	}
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), abandon+"=1")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner said nothing: %v (%v)", err, owner.Wait())
	}
	dir, pid, _ := strings.Cut(strings.TrimSpace(line), " ")
	postmaster, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // "signal: killed"
	if err := waitGone([]int{postmaster}, 20*time.Second); err != nil {
		t.Errorf("postmaster: %v", err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the folder %s is still there", dir)
		}
	}
}

// TestStartCancelled: a start that is given up leaves no folder.
func TestStartCancelled(t *testing.T) {
	if _, err := Installed(); err != nil {
		t.Skip(err)
	}
	tmp := t.TempDir()
	if err := os.Chmod(tmp, 0o755); err != nil { // the server's user must reach its folder
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", tmp)
	for _, after := range []time.Duration{0, 100 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		s, err := Start(ctx, Options{})
		cancel()
		if err == nil {
			s.Close()
			t.Errorf("started within %s", after)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("after %s: left behind: %v (%v)", after, left, err)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	program := func(names ...string) {
		for _, name := range names {
			file := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	program("9/bin/initdb", "9/bin/postgres", "14/bin/initdb", "14/bin/postgres", "17/bin/postgres",
		"path/initdb", "path/postgres", "half/initdb")
	in := func(name string) string { return filepath.Join(root, name) }
	cases := []struct {
		name, path, glob, want string
		err                    error
	}{
		{"path first", in("half") + ":" + in("path"), in("*/bin"), in("path"), nil},
		{"newest by number that is complete", in("half"), in("*/bin"), in("14/bin"), nil},
		{"none", in("half"), in("nothing/*/bin"), "", ErrMissing},
		{"empty path", "", in("half"), "", ErrMissing},
	}
	for _, c := range cases {
		got, err := find(c.path, c.glob)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func connect(t *testing.T, s *Server) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // often to a dead server
	return conn
}

func setting(t *testing.T, conn *pgx.Conn, name string) (value string) {
	t.Helper()
	query(t, conn, "SELECT coalesce(current_setting($1, true), '')", &value, name)
	return value
}

func query(t *testing.T, conn *pgx.Conn, sql string, into any, args ...any) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(into); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func exec1(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
