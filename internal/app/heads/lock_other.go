//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package heads

import "os"

// lock does nothing where the system has no flock: there it is for the operator
// to give each process a file of its own.
func lock(*os.File) error { return nil }
