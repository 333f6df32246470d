//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// idle is how many cores may be busy with other things on a machine that counts
// as quiet.
const idle = 0.15

// awaitQuiet waits until nothing else runs, for three seconds on end, and at
// most for so long.
func awaitQuiet(ctx context.Context, patience time.Duration) error {
	end := time.Now().Add(patience)
	for calm := 0; calm < 3 && time.Now().Before(end); calm++ {
		before, err := busyTicks()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		after, err := busyTicks()
		if err != nil {
			return err
		}
		if float64(after-before)/ticksPerSecond > idle {
			calm = -1
		}
	}
	return nil
}

// ticksPerSecond is the unit of /proc/stat.
const ticksPerSecond = 100

// busyTicks is the time that all processors were busy so far.
func busyTicks() (sum int64, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("-quiet needs Linux: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line)[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		if i != 3 && i != 4 { // idle, and waiting for a disk
			sum += n
		}
	}
	return sum, nil
}
