package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// process is a florin command that listens, run for the time of the benchmark.
type process struct {
	name   string // the command
	url    string
	admin  string // where it tells of itself, if it does
	cmd    *exec.Cmd
	log    string        // a file
	exited chan struct{} // closed when it has ended and err is set
	err    error
}

const (
	startLimit = 60 * time.Second
	stopLimit  = 60 * time.Second // more than the server grants what is in flight
)

// ready is what both commands print once they listen.
var ready = regexp.MustCompile(`ready at (https?://[^\s,]+)`)

// start starts a command that listens, with dir as its working directory, and
// waits until it answers.
func start(ctx context.Context, clk clock.Clock, binary, dir, name string, args, env []string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(binary, append([]string{name}, args...)...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, append(environment(), env...), log, log
	p.cmd.SysProcAttr = attributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start florin %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx, clk); err != nil {
		return nil, errors.Join(err, p.stop(clk))
	}
	return p, nil
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

func (p *process) await(ctx context.Context, clk clock.Clock) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if at := ready.FindStringSubmatch(p.logged()); at != nil {
			p.url = at[1]
			if at := private.FindStringSubmatch(p.logged()); at != nil {
				p.admin = at[1]
			}
			if healthy(ctx, p.url) {
				return nil
			}
		}
		select {
		case <-p.exited:
			return p.ended()
		default:
		}
		if clk.Sleep(ctx, 10*time.Millisecond) != nil {
			return fmt.Errorf("florin %s is not ready: %w; its log:\n%s", p.name, ctx.Err(), p.logged())
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// ended is the error of a process that ended by itself.
func (p *process) ended() error {
	return fmt.Errorf("florin %s ended: %v; its log:\n%s", p.name, p.err, p.logged())
}

// logged is the end of what the process printed.
func (p *process) logged() string {
	const most = 4 << 10
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// stop ends the process in good order, and kills it if it does not end.
func (p *process) stop(clk clock.Clock) error {
	select {
	case <-p.exited:
		return nil // told already
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(err, p.cmd.Process.Kill())
	}
	late, cancel := context.WithCancel(context.Background())
	defer cancel()
	killed := make(chan error, 1)
	go func() {
		if clk.Sleep(late, stopLimit) == nil {
			killed <- errors.Join(fmt.Errorf("florin %s did not end within %s and was killed", p.name, stopLimit), p.cmd.Process.Kill())
		}
	}()
	<-p.exited
	select {
	case err := <-killed:
		return err
	default:
	}
	if p.err != nil {
		return p.ended()
	}
	return nil
}
