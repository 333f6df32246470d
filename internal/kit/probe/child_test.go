package probe

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A child is this test binary once more, with an environment of its own. It
// says what it sees, and visits two kill points three times each.
const childFlag = "FLORIN_PROBE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childFlag) == "" {
		os.Exit(m.Run())
	}
	fmt.Printf("enabled=%v bad=%v worse=%v empty=%v\n", Enabled, Mutant("bad"), Mutant("worse"), Mutant(""))
	for i := range 3 {
		Point("before")
		fmt.Println("before", i+1)
		Point("after")
		fmt.Println("after", i+1)
	}
}

// child runs a child with env added and gives its lines and how it ended.
func child(t *testing.T, env ...string) (lines []string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(append(os.Environ(), childFlag+"=1", "FLORIN_KILL=", "FLORIN_MUTANT="), env...)
	out, err := cmd.Output()
	return strings.Split(strings.TrimSpace(string(out)), "\n"), err
}
