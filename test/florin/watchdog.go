//go:build unix

package florintest

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// watchdogScript is told on its input which process groups run and which
// folders are there. The input ends when the test process does, in whatever
// way (a test that runs out of time calls no clean-up), and then nothing of
// them may be left.
const watchdogScript = `
groups=
dirs=
while read -r word value; do
	case $word in
	begin) groups="$groups $value" ;;
	end)
		left=
		for g in $groups; do [ "$g" = "$value" ] || left="$left $g"; done
		groups=$left
		;;
	remove) dirs="$dirs
$value" ;;
	esac
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
printf '%s\n' "$dirs" | while read -r d; do [ -n "$d" ] && rm -rf "$d"; done
`

var watchdog struct {
	sync.Mutex
	input io.Writer
}

// tellWatchdog starts the watchdog, if it does not run yet, and tells it
// something. It is never dismissed: the end of this process is its cue.
func tellWatchdog(word, value string) error {
	watchdog.Lock()
	defer watchdog.Unlock()
	if watchdog.input == nil {
		cmd := exec.Command("/bin/sh", "-c", watchdogScript)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of what is sent to our group
		input, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("watchdog: %w", err)
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("watchdog: %w", err)
		}
		watchdog.input = input
	}
	if _, err := fmt.Fprintf(watchdog.input, "%s %s\n", word, value); err != nil {
		return fmt.Errorf("watchdog: %w", err)
	}
	return nil
}
