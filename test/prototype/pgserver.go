package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// pgServer is a PostgreSQL server of our own in a temporary directory, with
// data checksums, on a free loopback port.
type pgServer struct {
	dir  string
	user string // the user it runs as; "" means ours
	pid  int
	dsn  string
}

// startPG makes a cluster and starts it. initdb refuses to run as root, so
// root hands both commands to the user postgres.
func startPG() (*pgServer, error) {
	dir, err := os.MkdirTemp("", "florin-prototype-pg")
	if err != nil {
		return nil, err
	}
	s := &pgServer{dir: dir}
	if os.Geteuid() == 0 {
		s.user = "postgres"
		if err := s.handOver(); err != nil {
			return nil, err
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	data := s.data()
	if err := s.command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--data-checksums", "-E", "UTF8", "--locale=C"); err != nil {
		return nil, err
	}
	options := fmt.Sprintf("-p %d -h 127.0.0.1 -k '' -c shared_buffers=512MB -c synchronous_commit=on -c fsync=on"+
		" -c full_page_writes=on -c max_wal_size=4GB -c checkpoint_timeout=15min", port)
	if err := s.command("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", options, "start"); err != nil {
		return nil, err
	}
	s.dsn = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	s.pid, err = readPID(filepath.Join(data, "postmaster.pid"))
	return s, err
}

func (s *pgServer) data() string { return filepath.Join(s.dir, "data") }

func (s *pgServer) handOver() error {
	u, err := user.Lookup(s.user)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	return os.Chown(s.dir, uid, -1)
}

func (s *pgServer) command(name string, args ...string) error {
	if s.user != "" {
		args = append([]string{"-u", s.user, "--", name}, args...)
		name = "runuser"
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	// Not a pipe: the server inherits it, and reading it would never end.
	out, err := os.CreateTemp("", "florin-prototype-out")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", cmd, err, text)
	}
	return nil
}

// stop ends the server and removes its files.
func (s *pgServer) stop() error {
	err := s.command("pg_ctl", "-D", s.data(), "-w", "-m", "fast", "stop")
	if e := os.RemoveAll(s.dir); err == nil {
		err = e
	}
	return err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func readPID(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(strings.TrimSpace(first))
}
