//go:build unix

package florintest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// startLimit is for recovery after a crash on a busy machine.
const startLimit = 60 * time.Second

// listening is what both commands print once they have their port.
const listening = "is ready at http"

// Program is a florin command that listens, run as a process of its own. It
// keeps its address over restarts. Its methods may be called from several
// goroutines: one may kill what another is starting.
type Program struct {
	// URL is "http://127.0.0.1:PORT", or https where the program shows a certificate.
	URL string
	// Dir is the program's working directory, which ends with the test.
	Dir string

	bin    string
	args   []string // the command first; without --listen
	env    []string
	secure *Certificate // that the program shows; nil: it speaks plain HTTP
	// evidence are folders with what the program writes, searched for card data
	// when it is stopped and when the test ends.
	evidence []string

	mu   sync.Mutex // guards what is below
	port int
	run  *run // the last one; nil before the first
}

// run is one life of a program.
type run struct {
	cmd    *exec.Cmd
	from   int64         // where its part of the log begins
	exited chan struct{} // closed when it has ended and err is set
	err    error
}

// running reports whether the process lives; there may be no run.
func (r *run) running() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// newProgram makes a program that has an address and does not run yet. At the
// end of the test it is killed, what it wrote to its own folder and to the others
// is searched for card data, and its log is shown if the test failed.
func newProgram(tb testing.TB, bin string, args, env []string, folders ...string) *Program {
	tb.Helper()
	p := &Program{Dir: tb.TempDir(), bin: bin, args: args, env: env}
	p.evidence = append(folders, p.Dir)
	if err := p.move(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Kill(); err != nil {
			tb.Error(err)
		}
		leak.CheckDir(tb, p.evidence...)
		if tb.Failed() {
			tb.Logf("the log of florin %s ends:\n%s", p.args[0], tail(p.Log(), 8<<10))
		}
	})
	return p
}

// move gives the program an address that is free.
func (p *Program) move() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.port, err = port.Free()
	scheme := "http"
	if p.secure != nil {
		scheme = "https"
	}
	p.URL = scheme + "://127.0.0.1:" + strconv.Itoa(p.port)
	return err
}

// start is the first Restart. Until it has succeeded nobody knows the address,
// so that another one may be taken.
func (p *Program) start(ctx context.Context) error {
	for tries := 0; ; tries++ {
		err := p.Begin()
		if err == nil {
			err = p.Ready(ctx)
		}
		if !errors.Is(err, errPortTaken) || tries == 5 {
			return err
		}
		if err := p.move(); err != nil {
			return err
		}
	}
}

// errPortTaken: another process has taken the port meanwhile.
var errPortTaken = errors.New("port is taken")

// Restart starts the program again on its data and its address, having stopped
// it if it runs, and waits until it answers. env is set for this run only.
func (p *Program) Restart(ctx context.Context, env ...string) error {
	if err := p.Stop(); err != nil {
		return err
	}
	for end := time.Now().Add(startLimit); ; time.Sleep(50 * time.Millisecond) {
		err := p.Begin(env...)
		if err == nil {
			err = p.Ready(ctx)
		}
		if !errors.Is(err, errPortTaken) || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
	}
}

// Begin starts the program and does not wait until it answers; see
// [Program.Ready]. env is set for this run only.
func (p *Program) Begin(env ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run.running() {
		return fmt.Errorf("florin %s runs already", p.args[0])
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer log.Close()
	r := &run{exited: make(chan struct{})}
	if r.from, err = log.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	args := append([]string{p.args[0], "--listen=127.0.0.1:" + strconv.Itoa(p.port)}, p.args[1:]...)
	r.cmd = exec.Command(p.bin, args...)
	r.cmd.Dir, r.cmd.Env = p.Dir, append(append(environment(), p.env...), env...)
	r.cmd.Stdout, r.cmd.Stderr = log, log
	// A group of its own: a Ctrl-C is for the tests, and a kill for all of it.
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start florin %s: %w", p.args[0], err)
	}
	p.run = r
	return p.follow(r)
}

// follow notes how the process ends, and has the watchdog know of it until then.
func (p *Program) follow(r *run) error {
	group := strconv.Itoa(r.cmd.Process.Pid)
	watched := tellWatchdog("begin", group)
	go func() {
		r.err = r.cmd.Wait()
		_ = tellWatchdog("end", group) // if it can't be told, begin has failed
		close(r.exited)
	}()
	if watched != nil {
		return errors.Join(watched, p.killRun(r))
	}
	return nil
}

// environment is this process's, without what would configure florin.
func environment() (list []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FLORIN_") {
			list = append(list, entry)
		}
	}
	return list
}

// health asks each time on a connection of its own, so that none outlives a
// program's run.
var health = http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Ready waits until the program says that it listens (another program could
// have the port, and answer in its place) and then until it answers. It is an
// error when it ends before.
func (p *Program) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r := p.last()
	if r == nil {
		return fmt.Errorf("florin %s was not started", p.args[0])
	}
	for {
		err := errors.New("it does not listen")
		if strings.Contains(p.logOf(r), listening) {
			if err = p.healthy(ctx); err == nil {
				return nil
			}
		}
		select {
		case <-r.exited:
			err = r.err
			if strings.Contains(p.logOf(r), "address already in use") {
				err = errPortTaken
			}
			return fmt.Errorf("florin %s ended while it started: %w; its log:\n%s", p.args[0], err, tail(p.logOf(r), 4<<10))
		case <-ctx.Done():
			return fmt.Errorf("florin %s is not ready: %w (%w); its log:\n%s", p.args[0], ctx.Err(), err, tail(p.logOf(r), 4<<10))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *Program) healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+"/healthz", nil)
	if err != nil {
		return err
	}
	client := health
	if p.secure != nil {
		client.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: p.secure.Pool}}
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answers %s", resp.Status)
	}
	return nil
}

// PID is the process's number, 0 when it does not run.
func (p *Program) PID() int {
	if r := p.last(); r.running() {
		return r.cmd.Process.Pid
	}
	return 0
}

// last is the last run, nil before the first.
func (p *Program) last() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Running reports whether the process lives.
func (p *Program) Running() bool { return p.last().running() }

func (p *Program) logFile() string { return filepath.Join(p.Dir, p.args[0]+".log") }

// Log is what the program has printed in all its runs.
func (p *Program) Log() string {
	text, err := os.ReadFile(p.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// logOf is what the program has printed in one run and since.
func (p *Program) logOf(r *run) string {
	text := p.Log()
	return text[min(int(r.from), len(text)):]
}

// tail is the end of a text, at most n bytes of it.
func tail(text string, n int) string {
	if len(text) > n {
		text = "…" + text[len(text)-n:]
	}
	return text
}
