package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Mode is what goes wrong with a request.
type Mode string

// The modes of a fault.
const (
	Lost        Mode = "lost"         // processed; never answered, the connection held until the client gives up
	Late        Mode = "late"         // processed at once; answered after the delay
	Reset       Mode = "reset"        // processed; then the connection is reset
	Refused     Mode = "refused"      // the connection is closed, and nothing processed
	Garbage     Mode = "garbage"      // processed; answered with bytes that are no JSON
	SlowProcess Mode = "slow_process" // never answered; processed only after the delay, unless the simulator ends before
	Duplicate   Mode = "duplicate"    // processed and answered; the network delivers the request again after the delay
	Contradict  Mode = "contradict"   // processed, never answered; whoever sends it again is told that it was declined
)

var modes = []Mode{Lost, Late, Reset, Refused, Garbage, SlowProcess, Duplicate, Contradict}

var faultKinds = []Kind{Authenticate, Authorize, Sale, Increment, Capture, Refund, Reversal, Contest, Inquiry, Feed}

const maxFaultDelay = 10 * time.Minute

// Fault is a rule that makes requests go wrong.
type Fault struct {
	Mode Mode
	// Kind and Reference pick the requests; empty is any.
	Kind      Kind
	Reference string
	// Count is how many requests it hits before it is used up; 0 is 1.
	Count int
	// Delay is for Late, SlowProcess and Duplicate.
	Delay time.Duration
}

// faultJSON is a [Fault] at /faults.
type faultJSON struct {
	Fault     Mode   `json:"fault"`
	Kind      Kind   `json:"kind,omitempty"`
	Reference string `json:"reference,omitempty"`
	Count     int    `json:"count,omitempty"`
	DelayMS   int64  `json:"delay_ms,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{f.Mode, f.Kind, f.Reference, f.Count, f.Delay.Milliseconds()})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *Fault) UnmarshalJSON(body []byte) error {
	var j faultJSON
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // a mistyped field would make the fault hit everything
	if err := d.Decode(&j); err != nil {
		return err
	}
	ms := min(max(j.DelayMS, -1), maxFaultDelay.Milliseconds()+1) // no overflow; check refuses the ends
	*f = Fault{j.Fault, j.Kind, j.Reference, j.Count, time.Duration(ms) * time.Millisecond}
	return nil
}

func (f Fault) check() error {
	switch {
	case !slices.Contains(modes, f.Mode):
		return fmt.Errorf("sandbox: no fault %q; there are %v", f.Mode, modes)
	case f.Kind != "" && !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("sandbox: no kind %q; there are %v", f.Kind, faultKinds)
	case f.Count < 0:
		return fmt.Errorf("sandbox: a fault's count is not negative")
	case f.Delay < 0 || f.Delay > maxFaultDelay:
		return fmt.Errorf("sandbox: a fault's delay is 0 to %v", maxFaultDelay)
	case f.Mode == SlowProcess && f.Delay >= Horizon:
		return fmt.Errorf("sandbox: the protocol promises processing within %v", Horizon)
	}
	return nil
}

// faults picks what goes wrong: first by the script, in the order it was
// given, then at random.
type faults struct {
	seed  uint64
	rate  int           // per thousand requests
	delay time.Duration // the longest at random

	mu     sync.Mutex
	script []Fault
	denied map[string]bool   // references whose repetition is declined
	visits map[string]uint64 // kind and reference: requests seen so far; kept only where rate > 0
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

func (f *faults) left() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.script)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
}

// calm ends all faults. What was denied stays so.
func (f *faults) calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.rate = nil, 0
}

// next gives the fault of a request; its Mode is empty if all goes well.
func (f *faults) next(kind Kind, reference string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, rule := range f.script {
		if rule.Kind != "" && rule.Kind != kind || rule.Reference != "" && rule.Reference != reference {
			continue
		}
		if f.script[i].Count--; f.script[i].Count == 0 {
			f.script = slices.Delete(f.script, i, i+1)
		}
		return rule
	}
	// How often the feed is asked depends on the clocks of those who ask, so what
	// befell them would not be the seed's doing.
	if f.rate <= 0 || kind == Feed {
		return Fault{}
	}
	return f.random(kind, reference)
}

// random draws by the seed and what is asked for the how-manieth time, so that
// the order in which concurrent requests arrive does not change what happens
// to each of them.
func (f *faults) random(kind Kind, reference string) Fault {
	key := string(kind) + " " + reference
	f.visits[key]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	r := rand.New(rand.NewPCG(f.seed, h.Sum64()+f.visits[key]))
	if r.IntN(1000) >= f.rate {
		return Fault{}
	}
	return Fault{Mode: modes[r.IntN(len(modes))], Delay: time.Duration(r.Int64N(int64(f.delay) + 1))}
}

// deny has every repetition of a request declined. A reversal may be said twice:
// the protocol promises it.
func (f *faults) deny(req request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.denied == nil {
		f.denied = map[string]bool{}
	}
	f.denied[req.Reference] = req.Kind != Reversal
}

func (f *faults) denies(reference string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.denied[reference]
}
