package bank

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// Mode is what goes wrong with a request to send money.
type Mode string

// The modes of a fault.
const (
	Lost        Mode = "lost"         // processed; never answered
	Late        Mode = "late"         // processed at once; answered after the delay
	Reset       Mode = "reset"        // processed; then the connection is reset
	Cut         Mode = "cut"          // the connection is closed, and nothing processed
	Garbage     Mode = "garbage"      // processed; answered with bytes that are no JSON
	SlowProcess Mode = "slow_process" // never answered; processed only after the delay
)

var modes = []Mode{Lost, Late, Reset, Cut, Garbage, SlowProcess}

// Fault makes requests go wrong.
type Fault struct {
	Mode  Mode
	Count int           // how many requests it hits; 0 is 1
	Delay time.Duration // for Late and SlowProcess, below [Horizon]
}

// Inject adds a fault to the script: the next requests meet it.
func (s *Simulator) Inject(f Fault) error {
	switch {
	case !slices.Contains(modes, f.Mode):
		return fmt.Errorf("bank: no fault %q; there are %v", f.Mode, modes)
	case f.Count < 0 || f.Delay < 0 || f.Delay > Horizon-patience:
		return fmt.Errorf("bank: a fault's count is not negative, and its delay is 0 to %v", Horizon-patience)
	}
	f.Count = max(1, f.Count)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, f)
	return nil
}

// OnFault has f told of each request that goes wrong on purpose. It is called
// while the request is answered, several at once. Call it before serving.
func (s *Simulator) OnFault(f func(reference string, mode Mode)) { s.told = f }

// Calm lets nothing go wrong any more.
func (s *Simulator) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = nil
	s.pushes.Calm()
}

// next gives the fault of a request, and tells of it; its Mode is empty if all
// goes well.
func (s *Simulator) next(reference string) Fault {
	f := s.take()
	if f.Mode != "" && s.told != nil {
		s.told(reference, f.Mode)
	}
	return f
}

func (s *Simulator) take() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) == 0 {
		return Fault{}
	}
	f := s.script[0]
	if s.script[0].Count--; s.script[0].Count == 0 {
		s.script = s.script[1:]
	}
	return f
}

// addFault is POST /faults.
func (s *Simulator) addFault(w http.ResponseWriter, r *http.Request) {
	var f struct {
		Fault   Mode  `json:"fault"`
		Count   int   `json:"count"`
		DelayMS int64 `json:"delay_ms"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // a mistyped field would make the fault hit everything
	if err != nil || d.Decode(&f) != nil {
		answerError(w, refuse(invalidJSON, "the body is not the JSON of a fault"))
		return
	}
	ms := min(max(f.DelayMS, -1), Horizon.Milliseconds())
	if err := s.Inject(Fault{f.Fault, f.Count, time.Duration(ms) * time.Millisecond}); err != nil {
		answerError(w, refuse(invalidField, "%v", err))
		return
	}
	answer(w, http.StatusOK, f)
}
