package push

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Mode is what goes wrong with a message.
type Mode string

// The modes of a fault.
const (
	Duplicate  Mode = "duplicate"  // sent, and sent again after the delay
	Reorder    Mode = "reorder"    // sent after the next one, or after the delay
	Delay      Mode = "delay"      // sent after the delay
	Drop       Mode = "drop"       // never sent
	Burst      Mode = "burst"      // sent many times at once
	Forge      Mode = "forge"      // preceded by one with another content and a signature that is not good
	Garbage    Mode = "garbage"    // preceded by one that is signed and can't be understood
	Contradict Mode = "contradict" // followed by one that says something else; only where the sender knows what that would be
)

// Modes are all there are.
var Modes = []Mode{Duplicate, Reorder, Delay, Drop, Burst, Forge, Garbage, Contradict}

// Fault makes messages go wrong.
type Fault struct {
	Mode  Mode
	Count int           // how many messages it hits; 0 is 1
	Delay time.Duration // for Duplicate, Reorder and Delay; 1 s if zero
}

func (f Fault) check() error {
	switch {
	case !slices.Contains(Modes, f.Mode):
		return fmt.Errorf("push: no fault %q; there are %v", f.Mode, Modes)
	case f.Count < 0 || f.Delay < 0 || f.Delay > maxDelay:
		return fmt.Errorf("push: a fault's count is not negative, and its delay is 0 to %v", maxDelay)
	}
	return nil
}

const (
	maxDelay = 10 * time.Minute
	burst    = 10 // messages of a Burst
)

// faults picks what goes wrong: first by the script, in the order in which it
// was given, then at random.
type faults struct {
	seed  uint64
	rate  int // per thousand messages
	delay time.Duration
	modes []Mode

	mu     sync.Mutex
	script []Fault
}

func (f *faults) add(rule Fault) error {
	if err := rule.check(); err != nil {
		return err
	}
	rule.Count = max(1, rule.Count)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = append(f.script, rule)
	return nil
}

func (f *faults) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.rate = nil, 0
}

// next gives the fault of a message; its Mode is empty if all goes well. What is
// drawn at random depends on the seed and the message alone, not on the order in
// which messages are sent.
func (f *faults) next(id string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.script) > 0 {
		rule := f.script[0]
		if f.script[0].Count--; f.script[0].Count == 0 {
			f.script = f.script[1:]
		}
		return rule
	}
	if f.rate <= 0 {
		return Fault{}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	r := rand.New(rand.NewPCG(f.seed, h.Sum64()))
	if r.IntN(1000) >= f.rate {
		return Fault{}
	}
	return Fault{Mode: f.modes[r.IntN(len(f.modes))], Delay: time.Duration(r.Int64N(int64(f.delay)) + 1)}
}
