package push

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// Message is something to tell. ID names it for ever: one that is sent again
// has the same.
type Message struct {
	ID   string
	Body []byte // JSON
}

// Options say to whom a [Sender] sends.
type Options struct {
	URL    string // empty: to nobody
	Secret string
	Header string // the name of the signature's
	Clock  clock.Clock
	// Dial makes connections; a [net.Dialer] if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Seed and FaultRate make faults at random: so many of a thousand messages,
	// with delays up to FaultDelay, 2 s if zero.
	Seed       uint64
	FaultRate  int
	FaultDelay time.Duration
	// Modes are those that are drawn at random; all if nil.
	Modes []Mode
	// Contradict gives a message that says the opposite of one, if there is any.
	Contradict func(Message) (Message, bool)
	// OnFault, if set, is told of each message that went wrong on purpose.
	OnFault func(id string, mode Mode)
}

const (
	tries    = 6               // of one message: within about half a minute
	patience = 5 * time.Second // for an answer
	maxQueue = 10_000          // messages; what is over is not sent, and has to be asked for
)

// Sender sends messages, one after the other unless told otherwise. What was not
// acknowledged when it is closed is never sent.
type Sender struct {
	o      Options
	faults faults
	client *http.Client

	ctx        context.Context // done when it ends
	stop       context.CancelFunc
	background sync.WaitGroup

	mu    sync.Mutex
	queue []Message
	held  []Message     // reordered: they go after the next one
	more  chan struct{} // something is in the queue
	// under counts what was begun and has not come to its end.
	under int
}

// New makes a sender. Close it at the end. One without a URL sends nothing.
func New(o Options) *Sender {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.FaultDelay <= 0 {
		o.FaultDelay = 2 * time.Second
	}
	if o.Modes == nil {
		o.Modes = Modes
	}
	if o.OnFault == nil {
		o.OnFault = func(string, Mode) {}
	}
	s := &Sender{o: o, faults: faults{seed: o.Seed, rate: o.FaultRate, delay: o.FaultDelay, modes: o.Modes}, more: make(chan struct{}, 1)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.client = &http.Client{
		Transport:     &http.Transport{DialContext: o.Dial, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.URL != "" {
		s.background.Go(s.work)
	}
	return s
}

// Inject adds a fault to the script: the next messages meet it.
func (s *Sender) Inject(f Fault) error { return s.faults.add(f) }

// Calm lets nothing go wrong any more.
func (s *Sender) Calm() { s.faults.calm() }

// Close ends it.
func (s *Sender) Close() error {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.background.Wait()
	s.client.CloseIdleConnections()
	return nil
}

// Send tells what the messages say, and does not wait for that.
func (s *Sender) Send(list ...Message) {
	if s.o.URL == "" || len(list) == 0 {
		return
	}
	s.mu.Lock()
	if room := maxQueue - len(s.queue); room < len(list) {
		list = list[:max(0, room)]
	}
	s.queue = append(s.queue, list...)
	s.under += len(list)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *Sender) work() {
	for {
		m, ok := s.take()
		switch {
		case ok:
			s.tell(m)
			s.done()
		default:
			select {
			case <-s.more:
			case <-s.ctx.Done():
				return
			}
		}
		if s.ctx.Err() != nil {
			return
		}
	}
}

func (s *Sender) take() (m Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return m, false
	}
	m, s.queue = s.queue[0], s.queue[1:]
	return m, true
}

// tell sends a message, or does to it what its fault says.
func (s *Sender) tell(m Message) {
	f := s.faults.next(m.ID)
	if f.Mode != "" {
		s.o.OnFault(m.ID, f.Mode)
	}
	if f.Delay == 0 {
		f.Delay = time.Second
	}
	switch f.Mode {
	case Drop:
		return
	case Delay:
		s.later(f.Delay, func() { s.deliver(m) })
		return
	case Reorder:
		s.hold(m, f.Delay)
		return
	case Burst: // which of them comes first does not matter to the next message
		for range burst {
			s.later(0, func() { s.deliver(m) })
		}
		s.deliverHeld()
		return
	case Duplicate:
		s.later(f.Delay, func() { s.deliver(m) })
	case Forge:
		_, _ = s.try(Message{m.ID + "_forged", bytes.ReplaceAll(m.Body, []byte(`"`), []byte(`" `))}, "no secret") // it is to be refused
	case Garbage:
		s.deliver(Message{m.ID + "_garbage", append([]byte(`<html>`), m.Body...)})
	}
	s.deliver(m)
	if f.Mode == Contradict && s.o.Contradict != nil {
		if other, ok := s.o.Contradict(m); ok {
			s.deliver(other)
		}
	}
	s.deliverHeld()
}

// deliverHeld sends the messages that were held back until another one.
func (s *Sender) deliverHeld() {
	for _, m := range s.release("") {
		s.deliver(m)
	}
}

// hold keeps a message back until another was sent, or for so long.
func (s *Sender) hold(m Message, d time.Duration) {
	s.mu.Lock()
	s.held = append(s.held, m)
	s.mu.Unlock()
	s.later(d, func() {
		for _, m := range s.release(m.ID) {
			s.deliver(m)
		}
	})
}

// release gives the messages that are held back, or the one with that id.
func (s *Sender) release(id string) (list []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := s.held[:0:0]
	for _, m := range s.held {
		if id == "" || m.ID == id {
			list = append(list, m)
		} else {
			kept = append(kept, m)
		}
	}
	s.held = kept
	return list
}

// later runs f after a delay, unless the sender ends before.
func (s *Sender) later(d time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return
	}
	s.under++
	s.background.Go(func() {
		defer s.done()
		if s.o.Clock.Sleep(s.ctx, d) == nil {
			f()
		}
	})
}

func (s *Sender) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under--
}

// Idle reports whether nothing is left to be sent.
func (s *Sender) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.under == 0
}

// deliver sends a message; if it is not acknowledged, others go first and it is
// tried again.
func (s *Sender) deliver(m Message) { s.deliverAgain(m, 1) }

func (s *Sender) deliverAgain(m Message, n int) {
	again, err := s.try(m, s.o.Secret)
	if err != nil && again && n < tries {
		s.later(time.Second<<(n-1), func() { s.deliverAgain(m, n+1) })
	}
}

// try sends a message once. again reports whether it makes sense to do so once
// more.
func (s *Sender) try(m Message, secret string) (again bool, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.o.URL, bytes.NewReader(m.Body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(s.o.Header, Sign(secret, s.o.Clock.Now(), m.Body))
	resp, err := s.client.Do(req)
	if err != nil {
		return true, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return false, nil
	}
	return resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, fmt.Errorf("push: answered with status %d", resp.StatusCode)
}
