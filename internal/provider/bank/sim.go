package bank

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Simulator is the bank: an [http.Handler] over a [Book].
type Simulator struct {
	book  *Book
	clock clock.Clock
	mux   *http.ServeMux
	told  func(reference string, mode Mode) // of faults; nil: nobody

	ctx  context.Context // done when the simulator ends
	stop context.CancelFunc

	pushes *push.Sender

	mu     sync.Mutex
	script []Fault
	wrong  map[string][]StatementFault // by day

	background sync.WaitGroup
}

// NewSimulator makes a bank whose truth is book and whose time is c's; the
// machine's if nil. Close it at the end; book stays open.
func NewSimulator(book *Book, c clock.Clock) *Simulator {
	s := &Simulator{book: book, clock: c, mux: http.NewServeMux()}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.PushTo(push.Options{}) // nobody is told
	s.mux.HandleFunc("POST "+transfersPath, s.transfer)
	s.mux.HandleFunc("GET "+transfersPath+"/{reference}", s.inquire)
	s.mux.HandleFunc("GET "+noticesPath, s.tell)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	s.mux.HandleFunc("GET "+statementsPath, s.listStatements)
	s.mux.HandleFunc("GET "+statementPath, s.sendStatement)
	s.mux.HandleFunc("POST /v1/deposits", s.receive)
	s.mux.HandleFunc("POST /faults/statements", s.addStatementFault)
	s.mux.HandleFunc("GET "+bookPath, s.listBook)
	s.mux.HandleFunc("POST /faults", s.addFault)
	s.mux.HandleFunc("POST /pushes/faults", s.addPushFault)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answerError(w, refuse(noSuchPath, "there is nothing here"))
	})
	return s
}

// ServeHTTP implements [http.Handler]. Where a fault wants a connection broken,
// it panics with [http.ErrAbortHandler], which servers understand.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// grace is how long a simulator that ends lets its last answers go out.
const grace = 5 * time.Second

// Serve answers on ln until ctx is done.
func (s *Simulator) Serve(ctx context.Context, ln net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler: s, Protocols: protocols, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: maxRequest,
		IdleTimeout: 2 * time.Minute,                                         // longer than the connector keeps an idle connection
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that break off are the daily bread
	}
	err := listen.Serve(ctx, server, ln, grace, s.stop)
	return errors.Join(err, s.Close())
}

// Close ends what the simulator does in the background. What was to be
// processed later never is.
func (s *Simulator) Close() error {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.background.Wait()
	return s.pushes.Close()
}

// patience is how long a request may wait for the book. What is not being
// written by then is not processed at all.
const patience = Horizon / 3

// process records a request. It goes on when the client has gone, as a bank does.
func (s *Simulator) process(r request) (Transfer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	if err := s.settle(ctx); err != nil {
		return Transfer{}, err
	}
	return s.book.apply(ctx, r, s.clock.Now())
}

func (s *Simulator) transfer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		answerError(w, refuse(tooLarge, "a request has at most %d bytes", maxRequest))
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client left in the middle of its request
	}
	req, refused := decodeRequest(body)
	if refused != nil {
		answerError(w, refused)
		return
	}
	fault := s.next(req.Reference)
	switch fault.Mode {
	case Cut:
		panic(http.ErrAbortHandler)
	case SlowProcess:
		s.later(fault.Delay, func() {
			if t, err := s.process(req); err == nil {
				s.tellThem(messageOf(t, 0)) // nobody is answered
			}
		})
		s.hold(r)
	}
	t, err := s.process(req)
	if err == nil && fault.Mode != "" {
		s.tellThem(messageOf(t, 0))
	}
	s.spoil(fault, w, r)
	if fault.Mode == Garbage {
		_, _ = io.WriteString(w, "<html>\x00\xff")
		return
	}
	if err != nil {
		answerError(w, err)
		return
	}
	answer(w, http.StatusOK, t)
}

// spoil lets a fault of a processed request take effect. It panics where there
// is to be no answer.
func (s *Simulator) spoil(f Fault, w http.ResponseWriter, r *http.Request) {
	switch f.Mode {
	case Lost:
		s.hold(r)
	case Late:
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		if s.clock.Sleep(ctx, f.Delay) != nil {
			panic(http.ErrAbortHandler)
		}
	case Reset:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // at worst it is closed politely
			}
			_ = conn.Close()
		}
		panic(http.ErrAbortHandler)
	}
}

// hold keeps the connection open, without a word, until the client gives up.
func (s *Simulator) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// later runs f after delay, unless the simulator ends before.
func (s *Simulator) later(delay time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.background.Go(func() {
		if s.clock.Sleep(s.ctx, delay) == nil {
			f()
		}
	})
}

func (s *Simulator) inquire(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	err := s.settle(ctx)
	if err != nil {
		answerError(w, err)
		return
	}
	t, found, err := s.book.find(ctx, r.PathValue("reference"))
	switch {
	case err != nil:
		answerError(w, err)
	case !found:
		answerError(w, refuse(notFound, "no transfer has this reference"))
	default:
		answer(w, http.StatusOK, t)
	}
}

func (s *Simulator) tell(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	limit, err2 := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || err2 != nil || after < 0 || limit < 1 {
		answerError(w, refuse(invalidField, "after and limit are numbers"))
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	if err := s.settle(ctx); err != nil {
		answerError(w, err)
		return
	}
	list, err := s.book.after(ctx, after, min(limit, maxNotices))
	if err != nil {
		answerError(w, err)
		return
	}
	answer(w, http.StatusOK, noticeList{append([]notice{}, list...)})
}

// listBook is GET /book. The parameter since, a time as RFC 3339 has it, leaves
// out what was recorded before.
func (s *Simulator) listBook(w http.ResponseWriter, r *http.Request) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			answerError(w, refuse(invalidField, "since is a time as RFC 3339 has it"))
			return
		}
	}
	list, err := s.book.Transfers(r.Context())
	if err != nil {
		answerError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	enc := json.NewEncoder(w)
	for _, t := range list {
		if !t.Time.Before(since) && enc.Encode(t) != nil {
			panic(http.ErrAbortHandler) // a list cut short must not look whole
		}
	}
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

// answerError answers with a refusal as it is, and with internal for what is
// none: then the book may hold the transfer or not.
func answerError(w http.ResponseWriter, err error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		r = refuse(internal, "the book could not be written or read")
	}
	answer(w, refusalStatus[r.Code], refusalBody{*r})
}
