package db

import (
	"errors"
	"os"
	"syscall"
)

// reserve has a file be so many bytes long, with room on the disk for all of them.
func reserve(file *os.File, have, want int64) error {
	for {
		err := syscall.Fallocate(int(file.Fd()), 0, have, want-have)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP):
			return fillUp(file, have, want)
		default:
			return err
		}
	}
}
