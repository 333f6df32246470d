package bench

import (
	"testing"
	"time"
)

// What the host took is a share of all time, idle and waiting included.
func TestStolen(t *testing.T) {
	from, ok := readProcessors("cpu  100 0 50 800 20 0 10 20 0 0")
	to, too := readProcessors("cpu  200 0 100 1600 40 0 20 80 0 0")
	if !ok || !too || from.all != 10*time.Second || from.busy != 1800*time.Millisecond || from.stolen != 200*time.Millisecond {
		t.Fatalf("%+v %v", from, ok)
	}
	if got := stolen(from, to); got != 60.0/1040 {
		t.Errorf("%v of the time is stolen", got)
	}
	if stolen(from, from) != 0 {
		t.Error("something is stolen in no time")
	}
	for _, line := range []string{"", "cpu 1 2 3", "cpu  100 0 50 x 20 0 10 20 0 0"} {
		if p, ok := readProcessors(line); ok {
			t.Errorf("%q: %+v", line, p)
		}
	}
}
