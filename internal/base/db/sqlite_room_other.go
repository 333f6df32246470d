//go:build !linux

package db

import "os"

// reserve has a file be so many bytes long, with room on the disk for all of them.
func reserve(file *os.File, have, want int64) error { return fillUp(file, have, want) }
