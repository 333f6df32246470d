package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
)

// grace is how long a simulator that ends lets its last answers go out.
const grace = 5 * time.Second

// Serve answers on ln until ctx is done, and then ends: no new connection,
// held ones broken off, what is being processed finished and answered. It
// closes ln and the simulator, and returns nil after such an end, or the
// listener's error.
func (s *Simulator) Serve(ctx context.Context, ln net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler: s, Protocols: protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than the connector keeps an idle connection
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that break off are the daily bread
	}
	err := listen.Serve(ctx, server, ln, grace, s.stop)
	return errors.Join(err, s.Close())
}

// Close ends what the simulator does in the background and breaks off the
// connections that a fault holds. What was to be processed later never is.
func (s *Simulator) Close() error {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.background.Wait()
	return s.pushes.Close()
}

// listFaults is GET /faults.
func (s *Simulator) listFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string][]Fault{"faults": append([]Fault{}, s.faults.left()...)})
}

// addFault is POST /faults.
func (s *Simulator) addFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	var f Fault
	if err != nil || json.Unmarshal(body, &f) != nil {
		answerRefusal(w, refuse(invalidJSON, "", "the body is not the JSON of a fault"))
		return
	}
	if err := s.faults.add(f); err != nil {
		answerRefusal(w, refuse(invalidField, "", "%v", err))
		return
	}
	s.listFaults(w, r)
}

// clearFaults is DELETE /faults.
func (s *Simulator) clearFaults(w http.ResponseWriter, r *http.Request) {
	s.faults.clear()
	s.listFaults(w, r)
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(http.ErrAbortHandler) // nothing that we answer can't be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that has gone asks again
}

func answerRefusal(w http.ResponseWriter, r *refusal) {
	answer(w, refusalStatus[r.Code], refusalBody{*r})
}

// answerError answers with a refusal as it is, and with internal for what is
// none: then the book may hold the operation or not.
func answerError(w http.ResponseWriter, err error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		r = refuse(internal, "", "the book could not be written or read")
	}
	answerRefusal(w, r)
}
