package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// What the machine tells of processes comes from Linux's /proc. Where there is
// none, or not for that process, it is left out.

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 everywhere.
const tick = 10 * time.Millisecond

// spent is what a process used so far.
type spent struct {
	cpu     time.Duration // user and system
	written int64         // bytes sent to disk; -1 where that may not be read
	peak    int64         // most bytes of memory that it held at once; 0: not known
}

// ofProcess is what one process used; with ended, also its children that have
// ended and were waited for.
func ofProcess(pid int, ended bool) (s spent, err error) {
	fields, err := statFields(pid)
	if err != nil {
		return s, err
	}
	last := 13 // utime and stime are fields 14 and 15
	if ended {
		last = 15 // cutime and cstime
	}
	for _, f := range fields[11:last] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return s, err
		}
		s.cpu += time.Duration(n) * tick
	}
	s.written = numberIn(pid, "io", "write_bytes: ", "")
	s.peak = max(0, numberIn(pid, "status", "VmHWM:", " kB")) << 10
	return s, nil
}

// statFields are the fields of /proc/PID/stat from the third on: what comes
// before is the number and the name, which may hold anything.
func statFields(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	return fields, nil
}

// numberIn is what stands between two texts on a line of one of a process's
// files in /proc, or -1.
func numberIn(pid int, file, before, after string) int64 {
	return numberInFile(fmt.Sprintf("/proc/%d/%s", pid, file), before, after)
}

func numberInFile(path, before, after string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, before); ok {
			n = strings.TrimSuffix(strings.TrimSpace(n), after)
			if bytes, err := strconv.ParseInt(n, 10, 64); err == nil {
				return bytes
			}
		}
	}
	return -1
}

// ofTree is what a process and its children used.
func ofTree(pid int) (spent, error) {
	sum, err := ofProcess(pid, true)
	if err != nil {
		return sum, err
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return sum, err
	}
	for _, f := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(f)
		if err != nil {
			return sum, err
		}
		// One that ended meanwhile is in its parent's sum next time.
		if s, err := ofProcess(child, false); err == nil {
			sum.cpu += s.cpu
			sum.peak = 0 // they share memory, so that a sum would say nothing
			if sum.written += s.written; s.written < 0 {
				sum.written = -1
			}
		}
	}
	return sum, nil
}

// postmaster is the process above a PostgreSQL backend with that number, if both
// run on this machine.
func postmaster(backend int) (pid int, ok bool) {
	fields, err := statFields(backend)
	if err != nil || !isPostgres(backend) {
		return 0, false
	}
	pid, err = strconv.Atoi(fields[1])
	return pid, err == nil && isPostgres(pid)
}

func isPostgres(pid int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return err == nil && strings.HasPrefix(string(name), "postgres")
}

// processors is what all processors did so far.
type processors struct {
	all, busy time.Duration // busy: also what another machine on the same host took
	stolen    time.Duration // what another machine on the same host took
}

// ofProcessors reports false where that is not known.
func ofProcessors() (p processors, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return p, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return readProcessors(line)
}

// readProcessors reads the first line of /proc/stat.
func readProcessors(line string) (p processors, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 9 {
		return p, false
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return p, false
		}
		took := time.Duration(n) * tick
		p.all += took
		if i != 3 && i != 4 { // idle, and waiting for a disk
			p.busy += took
		}
		if i == 7 {
			p.stolen = took
		}
	}
	return p, true
}

// stolen is which share of the processors' time between two looks another
// machine on the same host took.
func stolen(from, to processors) float64 {
	if to.all <= from.all {
		return 0
	}
	return float64(to.stolen-from.stolen) / float64(to.all-from.all)
}

// memory is how many bytes of it there are, or zero.
func memory() int64 { return max(0, numberInFile("/proc/meminfo", "MemTotal:", " kB")) << 10 }

// kernel is its release, or empty.
func kernel() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease") // where there is none: unknown
	return strings.TrimSpace(string(text))
}

// processor is the name of the first processor, or empty.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // where there is none: no name
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem is the kind of file system that a folder is on, or empty.
func fileSystem(dir string) (kind string) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return ""
	}
	text, _ := os.ReadFile("/proc/mounts") // where there is none: unknown
	longest := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		at := strings.TrimSuffix(fields[1], "/")
		if (dir == at || strings.HasPrefix(dir, at+"/")) && len(at)+1 > longest {
			kind, longest = fields[2], len(at)+1
		}
	}
	return kind
}
