package providertest

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// testCase is one rule of the seam. It runs in both worlds.
type testCase struct {
	name string
	run  func(t *testing.T, b *bench)
}

// Run holds a provider against every rule of the seam that its operations
// touch.
func Run(t *testing.T, h Harness) {
	if h.Currency == "" {
		h.Currency = "eur"
	}
	cases := append(resultCases(), faultCases()...)
	cases = append(cases, connectionCases()...)
	cases = append(cases, laterCases()...)
	t.Run("socket", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel() // most of a case is waiting for a time-out
				c.run(t, newBench(t, h, socketWorld(t)))
			})
		}
	})
	t.Run("virtual", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.run(t, newBench(t, h, virtualWorld(t))) })
			})
		}
		t.Run("equal seeds give equal histories", func(t *testing.T) { equalHistories(t, h) })
	})
}

// socketWorld is real: TCP on loopback, and the machine's time.
func socketWorld(t *testing.T) World {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return World{Clock: clock.System{}, Listener: ln, Timeout: 500 * time.Millisecond}
}

// virtualWorld is in memory, and its time passes when everybody waits. It is
// to be made in a synctest bubble.
func virtualWorld(*testing.T) World {
	pipe := NewPipe()
	return World{Clock: clock.System{}, Listener: pipe, Dial: pipe.Dial, Timeout: 10 * time.Second}
}
