package bench

import "syscall"

// attributes put a process out of our group, so that a Ctrl-C is for us alone,
// and have it end when we do, however that happens.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
