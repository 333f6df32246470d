package bench

import (
	"context"
	"syscall"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// attributes put a process out of our group, so that a Ctrl-C is for us alone,
// and have it end when we do, however that happens.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

// nap sleeps for a time that is too short for the runtime's timers, which count
// in milliseconds. It holds a thread meanwhile.
func nap(ctx context.Context, _ clock.Clock, d time.Duration) error {
	if d > 0 {
		span := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&span, nil) // a signal may end it early, by so little
	}
	return ctx.Err()
}
