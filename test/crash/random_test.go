//go:build unix && !probe

package crash

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

const (
	// clients is how many journeys are under way at once.
	clients = 16
	// faults of the sandbox, per thousand operations.
	faults = 20
	// readyLimit is how long a restart may take until it answers.
	readyLimit = 2 * time.Second
)

func number(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// storm is a server under load that is killed again and again.
type storm struct {
	t        *testing.T
	random   *rand.Rand
	server   *florintest.Server
	box      *florintest.Sandbox
	load     *load
	restarts []time.Duration
	early    int // kills before it was ready again
}

// TestRandomKills ends the server with SIGKILL at random moments under load, the
// sandbox being a process of its own, which is left alone or killed as well. No
// other test of this package runs meanwhile, since restarts are timed.
func TestRandomKills(t *testing.T) {
	kills := max(1, number(t, "FLORIN_KILLS", 6))
	seed := number(t, "FLORIN_SEED", 1)
	for name, sandboxToo := range map[string]bool{"the server alone": false, "the sandbox too": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rage(t, seed, kills, sandboxToo)
		})
	}
}

func rage(t *testing.T, seed, kills uint64, sandboxToo bool) {
	t.Logf("FLORIN_SEED=%d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(kills)*5*time.Second)
	defer cancel()
	s := &storm{t: t, random: rand.New(rand.NewPCG(seed, 0)), box: florintest.StartSandbox(t, florintest.SandboxOptions{Seed: seed, Faults: faults})}
	s.server = florintest.Start(t, florintest.Options{Sandbox: s.box.URL, Args: []string{timeout}})
	var hook *receiver
	s.load, hook = mixed(ctx, t, "storm", newClient(s.server), s.box)

	done := make(chan struct{})
	go func() {
		s.load.round(clients, func() bool { return !s.load.over.Load() })
		close(done)
	}()
	for i := range kills {
		s.strike(ctx, i%3 == 2, sandboxToo && i%2 == 0)
	}
	s.pause(300, 500)
	s.load.over.Store(true)
	<-done
	w := inspect(t, s.load, s.server, s.box)
	told(ctx, t, s.server, hook)
	s.report(w)
}

// pause waits for a random time, in milliseconds.
func (s *storm) pause(least, most int) {
	time.Sleep(time.Duration(least+s.random.IntN(most-least)) * time.Millisecond)
}

// strike kills at a random moment and starts again; sometimes the start is
// struck too.
func (s *storm) strike(ctx context.Context, startToo, sandboxToo bool) {
	s.t.Helper()
	s.pause(300, 2000)
	check := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if sandboxToo {
		check(s.box.Kill())
		s.pause(0, 50)
	}
	check(s.server.Kill())
	if startToo {
		check(s.server.Begin())
		s.pause(0, 150)
		check(s.server.Kill())
		s.early++
	}
	begun := time.Now()
	check(s.server.Restart(ctx))
	s.restarts = append(s.restarts, time.Since(begun))
	if sandboxToo {
		check(s.box.Restart(ctx))
	}
}

func (s *storm) report(w *world) {
	s.t.Helper()
	// Other tests may be running on the machine, and hold up one start or another.
	slices.Sort(s.restarts)
	if d := s.restarts[len(s.restarts)*3/4]; d > readyLimit {
		s.t.Errorf("a quarter of the restarts took %s or more until they answered, longer than %s", d, readyLimit)
	}
	w.report(len(s.restarts)+s.early, s.restarts)
}
