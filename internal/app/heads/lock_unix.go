//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package heads

import (
	"os"
	"syscall"
)

// lock waits until no other process appends to the file. It ends with the
// file's closing.
func lock(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}
