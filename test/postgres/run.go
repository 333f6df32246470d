//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// errPortTaken: another process has taken the port meanwhile.
var errPortTaken = errors.New("port is taken")

// settings are the server's, given on its command line so that a data directory
// holds nothing of them.
func (s *Server) settings() []string {
	fsync := "on"
	if s.opts.NoSync {
		fsync = "off"
	}
	return append([]string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(s.port), "unix_socket_directories=",
		"max_connections=500", "synchronous_commit=on", "fsync=" + fsync, "full_page_writes=on", "timezone=UTC",
		"wal_keep_size=" + walKept,
	}, s.opts.Settings...)
}

// launch starts the server's process and waits until it answers. The caller
// holds s.mu.
func (s *Server) launch(ctx context.Context) error {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("server log: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("server log: %w", err)
	}
	args := []string{"-D", s.data()}
	for _, setting := range s.settings() {
		args = append(args, "-c", setting)
	}
	// Not bound to ctx: it bounds the start, and would kill the running server.
	cmd := s.command(context.WithoutCancel(ctx), "postgres", args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(exited)
	}()
	s.cmd, s.exited = cmd, exited
	if err := s.ready(ctx); err != nil {
		lines := s.lastLines(info.Size())
		if strings.Contains(lines, "could not bind") {
			err = errPortTaken
		}
		return errors.Join(fmt.Errorf("%w; its log ends:\n%s", err, lines), s.kill())
	}
	return nil
}

// ready waits until the server answers a query.
func (s *Server) ready(ctx context.Context) error {
	for {
		err := s.ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("postgres ended while it started")
		case <-ctx.Done():
			return fmt.Errorf("postgres is not ready: %w (%w)", ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.Ping(ctx)
}

// running reports whether the postmaster lives, and forgets one that has ended.
func (s *Server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		s.cmd = nil
		return false
	default:
		return true
	}
}

// stop asks the postmaster to shut down fast, then at once, then kills it.
func (s *Server) stop() error {
	if !s.running() {
		return nil
	}
	for _, try := range []struct {
		signal syscall.Signal // SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one
		limit  time.Duration
	}{{syscall.SIGINT, stopLimit}, {syscall.SIGQUIT, killLimit}} {
		if err := s.cmd.Process.Signal(try.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop postgres: %w", err)
		}
		select {
		case <-s.exited:
			s.cmd = nil
			return nil
		case <-time.After(try.limit):
		}
	}
	return errors.Join(errors.New("postgres did not stop and was killed"), s.kill())
}

// Processes lists the server's processes, its first one first; none when it does
// not run.
func (s *Server) Processes() ([]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return nil, nil
	}
	pids, err := children(s.cmd.Process.Pid)
	return append([]int{s.cmd.Process.Pid}, pids...), err
}

// kill ends the postmaster and its children without giving them a say.
func (s *Server) kill() error {
	if !s.running() {
		return nil
	}
	pid := s.cmd.Process.Pid
	// Stopped first, it starts no child between the listing and its end.
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill postgres: %w", err)
	}
	pids, err := children(pid)
	if err != nil {
		return err
	}
	for _, p := range append([]int{pid}, pids...) {
		if err := syscall.Kill(p, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill postgres: %w", err)
		}
	}
	<-s.exited
	s.cmd = nil
	if err := waitGone(pids, killLimit); err != nil {
		return err
	}
	return s.forget()
}

// forget removes what only a dead postmaster leaves: its lock file, whose
// process id could meanwhile be someone else's, and the shared memory segment
// that the file's last lines name.
func (s *Server) forget() error {
	text, err := os.ReadFile(s.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("postgres lock file: %w", err)
	}
	// Line 7 is the segment's key and id (PostgreSQL's pidfile.h).
	if lines := strings.Split(string(text), "\n"); len(lines) >= 7 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			// The next start reclaims a segment of the same directory, so that a
			// machine without ipcrm only leaves one per directory.
			_ = exec.Command("ipcrm", "-m", fields[1]).Run()
		}
	}
	return os.Remove(s.pidFile())
}
