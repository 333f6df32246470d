//go:build unix

package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/test/leak"
	"github.com/florinpay/florin/test/port"
)

// Options change how a server is set up. The zero value is the safe one.
type Options struct {
	// NoSync switches fsync off. It is faster, and what a test then shows about
	// durability holds for a crash of the server only, not of the machine.
	NoSync bool
	// Settings are further ones, "shared_buffers=512MB", stronger than the server's
	// own. A setting that it refuses keeps it from starting.
	Settings []string
}

// Server is a PostgreSQL server on a directory of its own. Its methods may be
// called from several goroutines.
type Server struct {
	bin, dir string
	port     int
	password string
	cred     *syscall.Credential
	opts     Options
	guard    *watchdog
	wal      *walSearch // nil until the first start has succeeded

	mu     sync.Mutex
	cmd    *exec.Cmd     // the postmaster; nil when it is not running
	exited chan struct{} // closed when cmd has ended
	closed bool
}

// superuser is the name of the server's one role.
const superuser = "florin"

const (
	startLimit = 60 * time.Second // for recovery after a crash on a busy machine
	stopLimit  = 30 * time.Second
	killLimit  = 10 * time.Second
)

// ForTest starts a server that lives as long as the test. Without PostgreSQL on
// the machine the test is skipped.
func ForTest(tb testing.TB, opts Options) *Server {
	tb.Helper()
	s, err := Start(tb.Context(), opts)
	if errors.Is(err, ErrMissing) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start makes a data directory and starts a server on it. It returns when the
// server answers queries. The context bounds the start, not the server's life:
// that ends with [Server.Close].
func Start(ctx context.Context, opts Options) (*Server, error) {
	bin, err := Installed()
	if err != nil {
		return nil, err
	}
	cred, err := account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "florin-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make the server's folder: %w", err)
	}
	s := &Server{bin: bin, dir: dir, password: rand.Text(), cred: cred, opts: opts}
	if s.guard, err = startWatchdog(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.wal = searchLog(s)
	return s, nil
}

// create makes the data directory and starts the server on a port that is free.
func (s *Server) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := s.initdb(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		given, err := port.Free()
		if err != nil {
			return err
		}
		s.port = given
		if err = s.launch(ctx); !errors.Is(err, errPortTaken) {
			return err
		}
	}
}

func (s *Server) initdb(ctx context.Context) error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the server's password: %w", err)
	}
	if s.cred != nil {
		for _, name := range []string{s.dir, secret} {
			if err := os.Chown(name, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
				return fmt.Errorf("give the server's folder to its user: %w", err)
			}
		}
	}
	// --no-sync leaves out only the flush of the fresh files; what the server
	// writes later is synced by its own setting.
	cmd := s.command(ctx, "initdb", "--pgdata="+s.data(), "--data-checksums", "--encoding=UTF8", "--locale=C",
		"--username="+superuser, "--pwfile="+secret, "--auth=scram-sha-256", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Remove(secret)
}

// command is a program of PostgreSQL's, run as the server's user in the
// server's folder (it must be able to enter the folder it is started in).
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	// Out of our group: a Ctrl-C is for the tests, and would shut the server
	// down under them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.cred}
	return cmd
}

func (s *Server) data() string    { return filepath.Join(s.dir, "data") }
func (s *Server) logFile() string { return filepath.Join(s.dir, "server.log") }
func (s *Server) pidFile() string { return filepath.Join(s.data(), "postmaster.pid") }

// Dir is the folder that holds the data directory and the server's log.
func (s *Server) Dir() string { return s.dir }

// URL is the connection string of the server's superuser and its one database.
func (s *Server) URL() string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Log is what the server has written to its log so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Stop shuts the server down in good order, ending its connections. A server
// that is not running is left as it is.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop()
}

// Kill crashes the server: every process of it gets SIGKILL, so that nothing
// is written any more. It returns when all are gone; [Server.Restart] then
// recovers from the log.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill()
}

// Restart starts the server on its data directory and its port, having stopped
// it if it runs.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("restart: the server is closed and its data deleted")
	}
	if err := s.stop(); err != nil {
		return err
	}
	for {
		err := s.launch(ctx)
		if !errors.Is(err, errPortTaken) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Close stops the server, searches its directory for card data, which is an
// error, and deletes it. Closing twice is nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.stop(), s.search(), os.RemoveAll(s.dir), s.guard.dismiss())
}

// search looks for card data in all that the server has written: the files of
// its databases, its write-ahead log and its own log. The server is stopped.
func (s *Server) search() (err error) {
	var hits []leak.Hit
	if s.wal != nil {
		hits, err = s.wal.end()
	}
	left, bad := leak.Dir(s.dir)
	err = errors.Join(err, bad)
	for _, h := range append(hits, left...) {
		err = errors.Join(err, fmt.Errorf("card data: %s", h))
	}
	return err
}

// lastLines is the end of the server's log, for an error message.
func (s *Server) lastLines(from int64) string {
	f, err := os.Open(s.logFile())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
