package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc/<pid>/stat (USER_HZ is 100).
const tick = 10 * time.Millisecond

// ownCPU is the user and system time of this process so far.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// treeCPU is the user and system time of a process, of its living children,
// and of those that ended (which the kernel adds to the parent).
func treeCPU(pid int) (time.Duration, error) {
	total, err := statCPU(pid, true)
	if err != nil {
		return 0, err
	}
	kids, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	for _, f := range strings.Fields(string(kids)) {
		kid, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		// A child that ended meanwhile is in its parent's sum next time.
		if d, err := statCPU(kid, false); err == nil {
			total += d
		}
	}
	return total, nil
}

func statCPU(pid int, ended bool) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The name in brackets may hold anything; what follows is fields 3 on.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	last := 13 // utime and stime are fields 14 and 15
	if ended {
		last = 15 // cutime and cstime
	}
	var sum int64
	for n := 11; n < last; n++ {
		v, err := strconv.ParseInt(fields[n], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return time.Duration(sum) * tick, nil
}

// busyCPU is the time that all processors spent busy or stolen so far, for
// telling how much of it was not ours.
func busyCPU() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	var sum int64
	for n, f := range strings.Fields(line)[1:9] {
		if n == 3 || n == 4 { // idle, iowait
			continue
		}
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return time.Duration(sum) * tick, nil
}
