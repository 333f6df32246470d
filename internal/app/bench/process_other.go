//go:build !linux

package bench

import "syscall"

// attributes leaves a process as it comes: only Linux ends it when we end.
func attributes() *syscall.SysProcAttr { return nil }
