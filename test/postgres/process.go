//go:build unix

package postgres

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the user that the server runs as. PostgreSQL refuses to run as
// root, so root lends it Debian's user for it.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and the user postgres is missing: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("uid of user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("gid of user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// watchdogScript waits for its input to end. A line means that all was cleared
// away in good order. An end without a line means that the process which held
// the other end is dead, so the server ($1/data) and the directory ($1) are
// orphans. The second rm is for an initdb that was still at work.
const watchdogScript = `
read -r word && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	n=0
	while [ $n -lt 50 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
	kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
sleep 1
rm -rf "$1"
`

// watchdog is a process that outlives this one. A parent-death signal would
// not do: it goes by the thread that started the child, not by the process,
// and deletes no directory.
type watchdog struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

func startWatchdog(dir string) (*watchdog, error) {
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of what is sent to our group
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, input: input}, nil
}

// dismiss ends the watchdog without letting it bite.
func (w *watchdog) dismiss() error {
	_, werr := io.WriteString(w.input, "done\n")
	cerr := w.input.Close()
	if err := errors.Join(werr, cerr, w.cmd.Wait()); err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	return nil
}

// children lists the live child processes of pid.
func children(pid int) ([]int, error) {
	table, err := processes()
	if err != nil {
		return nil, err
	}
	var list []int
	for child, p := range table {
		if p.parent == pid && !p.zombie {
			list = append(list, child)
		}
	}
	return list, nil
}

type process struct {
	parent int
	// zombie: it has ended and nobody has collected it, as happens to orphans
	// in a container whose first process does not reap.
	zombie bool
}

// processes reads the process table: /proc where there is one, else ps.
func processes() (map[int]process, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return processesByPS()
	}
	table := make(map[int]process, len(stats))
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it ended since
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil {
			return nil, fmt.Errorf("process table: %w", err)
		}
		// pid (name) state ppid …, and the name may hold spaces and brackets.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		parent, err := strconv.Atoi(string(fields[1]))
		if err != nil {
			return nil, fmt.Errorf("process table: %w", err)
		}
		table[pid] = process{parent: parent, zombie: fields[0][0] == 'Z' || fields[0][0] == 'X'}
	}
	return table, nil
}

func processesByPS() (map[int]process, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "state=").Output()
	if err != nil {
		return nil, fmt.Errorf("process table: %w", err)
	}
	table := map[int]process{}
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		var state string
		if _, err := fmt.Sscan(line, &pid, &parent, &state); err != nil {
			return nil, fmt.Errorf("process table: %w", err)
		}
		table[pid] = process{parent: parent, zombie: strings.HasPrefix(state, "Z")}
	}
	return table, nil
}

// waitGone waits until none of the processes is left, at most limit.
func waitGone(pids []int, limit time.Duration) error {
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		table, err := processes()
		if err != nil {
			return err
		}
		left := 0
		for _, pid := range pids {
			if p, ok := table[pid]; ok && !p.zombie {
				left++
			}
		}
		if left == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d of %d server processes are still there %s after SIGKILL", left, len(pids), limit)
		}
	}
}
