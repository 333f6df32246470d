//go:build unix

// Command with runs a command beside a PostgreSQL server that exists only for
// it:
//
//	go run ./test/postgres/with -- go test ./...
//
// The command finds the server's address in FLORIN_TEST_DB. Signals are passed
// on to it, and its exit code is returned; 125 means that the server could not
// be started or stopped. With -nosync the server does not sync its files; -set
// shared_buffers=512MB, which may be given several times, makes a setting.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/florinpay/florin/test/postgres"
)

// variable is where tests look for the database they shall use.
const variable = "FLORIN_TEST_DB"

const (
	exitUsage  = 2
	exitServer = 125
	exitSignal = 128 // plus the signal's number, as shells have it
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("with", flag.ContinueOnError)
	flags.SetOutput(stderr)
	noSync := flags.Bool("nosync", false, "do not sync the server's files")
	var settings []string
	flags.Func("set", "a setting of the server, name=value; may be given several times", func(s string) error {
		settings = append(settings, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() == 0 {
		fmt.Fprintln(stderr, "usage: with [-nosync] [-set name=value ...] -- command [argument ...]")
		return exitUsage
	}
	// Before the start, so that no signal falls between server and command.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	orphaned := watchParent(os.Getppid(), 500*time.Millisecond)

	server, code, err := start(postgres.Options{NoSync: *noSync, Settings: settings}, signals, orphaned)
	if err != nil {
		fmt.Fprintln(stderr, "with:", err)
		return code
	}
	code, err = supervise(flags.Args(), server.URL(), signals, orphaned)
	if err := errors.Join(err, server.Close()); err != nil {
		fmt.Fprintln(stderr, "with:", err)
		if code == 0 {
			code = exitServer
		}
	}
	return code
}

// start starts the server, or gives up when a signal says so.
func start(opts postgres.Options, signals <-chan os.Signal, orphaned <-chan struct{}) (*postgres.Server, int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type result struct {
		server *postgres.Server
		err    error
	}
	started := make(chan result, 1)
	go func() {
		s, err := postgres.Start(ctx, opts)
		started <- result{s, err}
	}()
	code := exitServer
	select {
	case r := <-started:
		return r.server, code, r.err
	case s := <-signals:
		code = exitSignal + int(s.(syscall.Signal))
	case <-orphaned:
	}
	cancel()
	r := <-started
	if r.err == nil {
		r.err = errors.Join(errors.New("interrupted"), r.server.Close())
	}
	return nil, code, r.err
}

// supervise runs the command to its end and gives its exit code.
func supervise(args []string, address string, signals <-chan os.Signal, orphaned <-chan struct{}) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, variable+"=")
	}), variable+"="+address)
	if err := cmd.Start(); err != nil {
		return exitServer, fmt.Errorf("start the command: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var tooLate <-chan time.Time
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended; then ended tells
		case <-orphaned:
			orphaned = nil
			_ = cmd.Process.Signal(syscall.SIGTERM)
			tooLate = time.After(10 * time.Second)
		case <-tooLate:
			_ = cmd.Process.Kill()
		case err := <-ended:
			return exitCode(cmd.ProcessState, err)
		}
	}
}

func exitCode(state *os.ProcessState, err error) (int, error) {
	if state == nil {
		return exitServer, err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal()), nil
	}
	return state.ExitCode(), nil
}

// watchParent closes the channel when the process that started us is gone. A
// SIGTERM to "go run" ends go itself and never reaches the program it runs.
func watchParent(parent int, every time.Duration) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		for os.Getppid() == parent {
			time.Sleep(every)
		}
		close(gone)
	}()
	return gone
}
