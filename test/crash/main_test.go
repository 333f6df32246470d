//go:build unix

package crash

import (
	"flag"
	"os"
	"testing"
)

// timeout of calls to the sandbox: leases end 10 s later.
const timeout = "--provider-timeout=1s"

// TestMain lets more tests run at once than there are processors: each has a
// server of its own, and mostly waits for leases to end.
func TestMain(m *testing.M) {
	flag.Parse()
	set := false
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == "test.parallel" })
	if !set {
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
