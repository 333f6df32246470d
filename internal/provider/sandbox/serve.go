package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
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
	var silent silentConns
	server := &http.Server{
		Handler: s, Protocols: protocols, ConnState: silent.watch,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than the connector keeps an idle connection
		MaxHeaderBytes:    maxRequest,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that break off are the daily bread
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return errors.Join(err, server.Close(), s.Close())
	case <-ctx.Done():
	}
	s.stop()
	silent.close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(last)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-failed // Serve has returned, with ErrServerClosed
	return errors.Join(err, s.Close())
}

// silentConns are the connections that never brought a request, which clients
// open in reserve. [http.Server.Shutdown] would wait five seconds for each.
type silentConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// watch is an [http.Server.ConnState].
func (c *silentConns) watch(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateNew {
		delete(c.conns, conn)
		return
	}
	if c.closed {
		_ = conn.Close() // nothing was said on it
		return
	}
	if c.conns == nil {
		c.conns = map[net.Conn]bool{}
	}
	c.conns[conn] = true
}

// close closes the silent connections there are and will be. A request that
// is just coming in on one is lost unprocessed.
func (c *silentConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.conns {
		_ = conn.Close() // nothing was said on it
	}
}

// Close ends what the simulator does in the background and breaks off the
// connections that a fault holds. What was to be processed later never is.
func (s *Simulator) Close() error {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.background.Wait()
	return nil
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
