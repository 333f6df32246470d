package sandbox

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Options are what a [Simulator] may be told. The zero value is fit for use.
type Options struct {
	// Clock is the simulator's time; [clock.System] if nil.
	Clock clock.Clock
	// Seed and FaultRate make faults at random: so many of a thousand requests.
	// Equal seeds make the same go wrong.
	Seed      uint64
	FaultRate int
	// FaultDelay is the longest delay of a random fault; 2 s if zero, and less
	// than [Horizon] always.
	FaultDelay time.Duration
	// Delay is how long what comes later takes, such as the end of a pending
	// refund; 10 s if zero.
	Delay time.Duration
	// OnFault, if set, is told of each request that went wrong on purpose. It is
	// called while the request is answered, several at once.
	OnFault func(kind Kind, reference string, mode Mode)
	// Deposit, if set, is told of what is paid out of a day once the day's report is
	// there, before anybody sees the report.
	Deposit func(context.Context, Deposit) error
	// Push says to whom is told unasked what happens; nobody if its URL is empty.
	// Its Header, Clock and Contradict are the simulator's own.
	Push push.Options
	// PushAll tells of every operation, rather than of those alone whose result
	// the sender may not have got.
	PushAll bool
}

// Simulator is the acquirer: an [http.Handler] over a [Book].
type Simulator struct {
	book   Book
	clock  clock.Clock
	faults faults
	rules  rules
	told   func(Kind, string, Mode)
	mux    *http.ServeMux
	pushes *push.Sender
	all    bool // every operation is told
	// watched: there is somebody to be told.
	watched bool

	ctx  context.Context // done when the simulator ends
	stop context.CancelFunc

	deposit func(context.Context, Deposit) error

	mu         sync.Mutex // orders starting in the background and ending; and what follows
	paid       map[string]bool
	wrong      []ReportFault
	background sync.WaitGroup
}

// NewSimulator makes an acquirer whose truth is book. Close it at the end;
// book stays open.
func NewSimulator(book Book, o Options) *Simulator {
	s := &Simulator{book: book, clock: o.Clock, rules: rules{cmp.Or(o.Delay, 10*time.Second)}, told: o.OnFault, mux: http.NewServeMux(), deposit: o.Deposit, paid: map[string]bool{}}
	if s.told == nil {
		s.told = func(Kind, string, Mode) {}
	}
	if s.clock == nil {
		s.clock = clock.System{}
	}
	s.faults = faults{seed: o.Seed, rate: o.FaultRate, delay: o.FaultDelay, visits: map[string]uint64{}}
	if s.faults.delay <= 0 {
		s.faults.delay = 2 * time.Second
	}
	s.faults.delay = min(s.faults.delay, Horizon-time.Second)
	s.ctx, s.stop = context.WithCancel(context.Background())
	o.Clock = s.clock
	s.pushes, s.all = push.New(pushOptions(o)), o.PushAll
	if s.watched = o.Push.URL != ""; s.watched {
		s.background.Go(s.watch)
	}
	s.mux.HandleFunc("POST "+operationsPath, s.operate)
	s.mux.HandleFunc("GET "+operationsPath+"/{reference}", s.inquire)
	s.mux.HandleFunc("POST "+operationsPath+"/{reference}/settle", s.settleNow)
	s.mux.HandleFunc("GET "+noticesPath, s.listNotices)
	s.mux.HandleFunc("GET "+pagesRoot+"{reference}", s.showPage)
	s.mux.HandleFunc("POST "+pagesRoot+"{reference}", s.choose)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	s.mux.HandleFunc("GET "+reportsPath, s.listReports)
	s.mux.HandleFunc("GET "+reportPath, s.sendReport)
	s.mux.HandleFunc("POST /faults/reports", s.addReportFault)
	s.mux.HandleFunc("DELETE /faults/reports", s.healReports)
	s.mux.HandleFunc("GET "+bookPath, s.listBook)
	s.mux.HandleFunc("GET /faults", s.listFaults)
	s.mux.HandleFunc("POST /faults", s.addFault)
	s.mux.HandleFunc("DELETE /faults", s.clearFaults)
	s.mux.HandleFunc("POST /pushes/faults", s.addPushFault)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answerRefusal(w, refuse(noSuchPath, "", "there is nothing here"))
	})
	return s
}

// ServeHTTP implements [http.Handler]. Where a fault wants a connection
// broken, it panics with [http.ErrAbortHandler], which servers understand.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Inject adds a fault to the script.
func (s *Simulator) Inject(f Fault) error { return s.faults.add(f) }

// operate is POST /v1/operations.
func (s *Simulator) operate(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		answerRefusal(w, refuse(tooLarge, "", "a request has at most %d bytes", maxRequest))
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client left in the middle of its request
	}
	req, refused := decodeRequest(body)
	if refused != nil {
		answerRefusal(w, refused)
		return
	}
	fault := s.fault(req.Kind, req.Reference)
	again := func() {
		if op, err := s.processWithin(min(patience, Horizon-fault.Delay), req); err == nil {
			s.announce(op) // nobody is answered
		}
	}
	switch fault.Mode {
	case Refused:
		panic(http.ErrAbortHandler)
	case SlowProcess:
		// Whoever asks reads it in the book.
		s.later(fault.Delay, again)
		s.hold(r)
	case Duplicate:
		defer s.later(fault.Delay, again)
	case Contradict:
		s.faults.deny(req)
	}
	op, err := s.process(req)
	if err == nil {
		op, err = s.stand(op)
	}
	if err == nil {
		s.tellResult(op, fault)
	}
	switch {
	case s.spoil(fault, w, r):
	case err != nil:
		answerError(w, err)
	case op.State == Approved && s.faults.denies(req.Reference):
		s.told(req.Kind, req.Reference, Contradict)
		op = Operation{
			Reference: op.Reference, Kind: op.Kind, Amount: op.Amount, Currency: op.Currency, State: Declined, Code: codeDuplicate,
			Original: op.Original, Time: op.Time, ID: op.ID, Brand: op.Brand, Last4: op.Last4, CVCCheck: op.CVCCheck, More: op.More, Dispute: op.Dispute,
		}
		answer(w, http.StatusOK, op)
	default:
		answer(w, http.StatusOK, op)
	}
}

// tellResult tells how an operation stands, now or when what is pending has come
// to its end, where its sender may not get to know it by the answer.
func (s *Simulator) tellResult(op Operation, f Fault) {
	if !s.watched {
		return
	}
	if op.State == Pending && op.Kind == Refund {
		s.later(op.Settles.Sub(s.clock.Now()), func() {
			if ended, err := s.stand(op); err == nil {
				s.announce(ended)
			}
		})
		return
	}
	if s.all || f.Mode != "" && f.Mode != Duplicate {
		s.announce(op)
	}
}

// fault picks what goes wrong with a request, and tells of it.
func (s *Simulator) fault(kind Kind, reference string) Fault {
	f := s.faults.next(kind, reference)
	if f.Mode != "" && f.Mode != Contradict { // which goes wrong when it is asked again
		s.told(kind, reference, f.Mode)
	}
	return f
}

// patience is how long a request may wait for the book. What is not being
// written by then is not processed at all: an inquiry after the [Horizon] must
// not say that there is nothing, and be wrong later.
const patience = Horizon / 3

// process judges a request and records it. It goes on when the client has
// gone, as an acquirer does.
func (s *Simulator) process(req request) (Operation, error) { return s.processWithin(patience, req) }

func (s *Simulator) processWithin(limit time.Duration, req request) (Operation, error) {
	now := s.clock.Now().Truncate(time.Millisecond)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), limit)
	defer cancel()
	op, repeated, err := s.book.Apply(ctx, req.Reference, func(v View) (Operation, error) {
		return s.rules.judge(v, req, now)
	})
	switch {
	case errors.Is(err, errNothingToUndo):
		return Operation{
			Reference: req.Reference, Kind: req.Kind, Original: req.Original, Amount: req.Amount, Currency: req.Currency,
			State: Declined, Code: codeUnknownOriginal, Time: now,
		}, nil
	case err != nil:
		return Operation{}, err
	case op.Reference != req.Reference:
		op.Reference = req.Reference // undone before, under another reference
	case repeated && !req.asks(op):
		return Operation{}, refuse(referenceConflict, "reference", "the reference names another operation")
	case !repeated:
		s.tellNotices(op)
	}
	return op, nil
}

// stand gives an operation as it stands now: what was pending may have ended.
func (s *Simulator) stand(op Operation) (Operation, error) {
	switch {
	case op.State != Pending:
		return op, nil
	case op.debits():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
		defer cancel()
		return s.settled(ctx, op, false)
	case op.Kind == Refund:
		if !s.clock.Now().Before(op.Settles) {
			op.State, op.Code = Approved, codeApproved
		}
		return op, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
	defer cancel()
	choice, chosen, err := s.book.Find(ctx, challengeReference(op.Reference))
	if err == nil && chosen {
		op = settleChallenge(op, choice)
	}
	return op, err
}

// inquire is GET /v1/operations/{reference}.
func (s *Simulator) inquire(w http.ResponseWriter, r *http.Request) { s.tellOf(w, r, false) }

// tellOf answers how an operation stands, which is had to end whatever the time if at is set.
func (s *Simulator) tellOf(w http.ResponseWriter, r *http.Request, at bool) {
	reference := r.PathValue("reference")
	fault := s.fault(Inquiry, reference)
	switch fault.Mode {
	case Refused:
		panic(http.ErrAbortHandler)
	case SlowProcess:
		s.hold(r) // there is nothing to process
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	op, found, err := s.book.Find(ctx, reference)
	if found && err == nil && at && op.debits() && op.State == Pending {
		op, err = s.settled(ctx, op, at)
	} else if found && err == nil {
		op, err = s.stand(op)
	}
	switch {
	case s.spoil(fault, w, r):
	case err != nil:
		answerError(w, err)
	case !found:
		answerRefusal(w, refuse(notFound, "", "no operation has this reference"))
	default:
		answer(w, http.StatusOK, op)
	}
}

// spoil lets the fault of a processed request take effect, and reports whether
// that was its answer. It panics where there is to be none.
func (s *Simulator) spoil(f Fault, w http.ResponseWriter, r *http.Request) (answered bool) {
	switch f.Mode {
	case Lost, Contradict:
		s.hold(r)
	case Late:
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.ctx, cancel)()
		if s.clock.Sleep(ctx, f.Delay) != nil {
			panic(http.ErrAbortHandler)
		}
	case Reset:
		reset(w)
		panic(http.ErrAbortHandler)
	case Garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "<html>\x00\xff<h1>It works!</h1>")
		return true
	}
	return false
}

// hold keeps the connection open, without a word, until the client gives up.
func (s *Simulator) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// reset breaks the connection as roughly as its kind lets us: TCP sends RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the panic that follows closes it
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // at worst it is closed politely
	}
	_ = conn.Close()
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

// listBook is GET /book. The parameter since, a time as RFC 3339 has it, leaves
// out what was recorded before.
func (s *Simulator) listBook(w http.ResponseWriter, r *http.Request) {
	var since time.Time
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			answerRefusal(w, refuse(invalidField, "since", "since is a time as RFC 3339 has it"))
			return
		}
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	for op, err := range s.book.Operations(r.Context()) {
		if err == nil && op.Time.Before(since) {
			continue
		}
		if err == nil {
			err = enc.Encode(op)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // a list cut short must not look whole
		}
	}
	_ = out.Flush() // the client has gone, if anything
}

// Calm lets nothing go wrong any more: it forgets the script, and draws no
// further faults.
func (s *Simulator) Calm() { s.faults.calm() }
