//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package sandbox

import "os"

// lockFile does nothing where the system has no flock: there it is for the
// operator not to open a book twice.
func lockFile(*os.File) error { return nil }
