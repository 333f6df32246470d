//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package line

import (
	"errors"
	"syscall"
)

const canPeek = true

// nothingToRead tells whether a socket is open and has neither bytes nor an
// error or its end to tell of. It takes nothing from it, and does not wait.
func nothingToRead(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.EAGAIN)
		}
	}
}
