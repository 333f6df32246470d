//go:build unix

package florintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/florinpay/florin/test/leak"
)

// stopLimit is longer than what the server grants what is in flight.
const stopLimit = 60 * time.Second

// Stop asks the program to end (SIGTERM) and waits for it. It is an error when
// it does not, or ends with another exit status than 0, or has written card
// data. A program that does not run is left as it is.
func (p *Program) Stop() error {
	r := p.last()
	if !r.running() {
		return nil
	}
	leaked := p.search() // before the database is closed and its log goes
	return errors.Join(leaked, p.stop(r))
}

func (p *Program) stop(r *run) error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop florin %s: %w", p.args[0], err)
	}
	select {
	case <-r.exited:
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("florin %s did not stop within %s and was killed", p.args[0], stopLimit), p.killRun(r))
	}
	if r.err != nil {
		return fmt.Errorf("florin %s did not end in good order: %w; its log ends:\n%s", p.args[0], r.err, tail(p.logOf(r), 4<<10))
	}
	return nil
}

// search looks for card data in what the program has written.
func (p *Program) search() (err error) {
	for _, dir := range p.evidence {
		hits, bad := leak.Dir(dir)
		err = errors.Join(err, bad)
		for _, h := range hits {
			err = errors.Join(err, fmt.Errorf("card data: %s", h))
		}
	}
	return err
}

// Kill ends every process of the program with SIGKILL and waits until it is
// gone. A program that does not run is left as it is.
func (p *Program) Kill() error { return p.killRun(p.last()) }

func (p *Program) killRun(r *run) error {
	if !r.running() {
		return nil
	}
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill florin %s: %w", p.args[0], err)
	}
	<-r.exited
	return nil
}

// Signal sends a signal, such as SIGSTOP, to every process of the program.
func (p *Program) Signal(s syscall.Signal) error {
	r := p.last()
	if !r.running() {
		return fmt.Errorf("florin %s does not run", p.args[0])
	}
	return syscall.Kill(-r.cmd.Process.Pid, s)
}

// Wait waits until the program ends by itself, and tells how: nil is exit
// status 0, an [*exec.ExitError] anything else.
func (p *Program) Wait(ctx context.Context) error {
	r := p.last()
	if r == nil {
		return fmt.Errorf("florin %s was not started", p.args[0])
	}
	select {
	case <-r.exited:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
