//go:build probe

package probe

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Enabled reports whether this build listens to the environment.
const Enabled = true

var (
	killName, killAt = kill(os.Getenv("FLORIN_KILL"))
	visits           atomic.Int64
	mutant           = os.Getenv("FLORIN_MUTANT")
)

func kill(spec string) (name string, at int64) {
	name, count, _ := strings.Cut(spec, ":")
	at, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		at = 1
	}
	return name, at
}

// Point ends the process, as a power cut would, when it is the chosen kill
// point's chosen visit.
func Point(name string) {
	if name == killName && visits.Add(1) == killAt {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // SIGKILL can't be caught; nothing after this point runs
	}
}

// Mutant reports whether the known-bad change is switched on.
func Mutant(name string) bool { return name == mutant && mutant != "" }
