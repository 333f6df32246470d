//go:build !linux

package bench

import (
	"context"
	"syscall"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// attributes leaves a process as it comes: only Linux ends it when we end.
func attributes() *syscall.SysProcAttr { return nil }

// nap sleeps as well as the clock can.
func nap(ctx context.Context, clk clock.Clock, d time.Duration) error { return clk.Sleep(ctx, d) }
