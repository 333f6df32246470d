//go:build probe

package probe

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKillPoint(t *testing.T) {
	whole := []string{"before 1", "after 1", "before 2", "after 2", "before 3", "after 3"}
	for kill, survives := range map[string]int{ // lines printed before the end
		"before": 0, "before:1": 0, "after": 1, "before:2": 2, "after:3": 5,
		"": 6, "elsewhere": 6, "before:4": 6, "after:0": 6,
	} {
		lines, err := child(t, "FLORIN_KILL="+kill)
		if diff := cmp.Diff(whole[:survives], lines[1:]); diff != "" {
			t.Errorf("FLORIN_KILL=%s: -want +got\n%s", kill, diff)
		}
		if killed := bySIGKILL(err); killed != (survives < len(whole)) || !killed && err != nil {
			t.Errorf("FLORIN_KILL=%s: the child ended with %v", kill, err)
		}
	}
}

func bySIGKILL(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func TestMutant(t *testing.T) {
	for mutant, want := range map[string]string{
		"":    "enabled=true bad=false worse=false empty=false",
		"bad": "enabled=true bad=true worse=false empty=false",
		"ba":  "enabled=true bad=false worse=false empty=false",
	} {
		lines, err := child(t, "FLORIN_MUTANT="+mutant)
		if err != nil || lines[0] != want {
			t.Errorf("FLORIN_MUTANT=%s: %q, %v; want %q", mutant, lines[0], err, want)
		}
	}
}
