//go:build !probe

package probe

import "testing"

func TestReleaseBuildIgnoresTheEnvironment(t *testing.T) {
	lines, err := child(t, "FLORIN_KILL=before:1", "FLORIN_MUTANT=bad")
	if err != nil || len(lines) != 7 {
		t.Errorf("the child ended with %v after %q", err, lines)
	}
	if want := "enabled=false bad=false worse=false empty=false"; lines[0] != want {
		t.Errorf("the child sees %q, want %q", lines[0], want)
	}
}
