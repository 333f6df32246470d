//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package line

const canPeek = false

// nothingToRead is not known here: what a kept connection has become shows when
// it is used.
func nothingToRead(uintptr) bool { return false }
