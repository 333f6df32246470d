package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// SignatureHeader is the name of the header that signs what the simulator sends
// unasked; see package push.
const SignatureHeader = "Bank-Signature"

// message is the body of what the simulator sends unasked: a transfer as it
// stands. Number is the notice's where it came back after it had arrived.
type message struct {
	ID       string    `json:"id"`
	Number   int64     `json:"number,omitempty"`
	Time     time.Time `json:"time"`
	Transfer Transfer  `json:"transfer"`
}

// maxID is the longest name of a message.
const maxID = 128

// messageOf tells how a transfer stands. Each state of it is told under one name.
func messageOf(t Transfer, number int64) message {
	m := message{ID: "bt_" + t.Reference + "_" + string(t.State), Number: number, Time: t.Ended, Transfer: t}
	if number > 0 {
		m.ID = "ntc_" + strconv.FormatInt(number, 10)
	}
	if m.Time.IsZero() {
		m.Time = t.Time
	}
	return m
}

// PushTo has the simulator tell what happens to transfers unasked. Its Header,
// Clock and Contradict are the simulator's own. It is called before the first
// request, once.
func (s *Simulator) PushTo(o push.Options) {
	o.Header, o.Clock, o.Contradict = SignatureHeader, s.clock, contradict
	s.pushes = push.New(o)
	if o.URL != "" {
		s.background.Go(s.watch)
	}
}

// lookEvery is how often the simulator looks by itself what time has done, where
// somebody wants to be told.
const lookEvery = time.Second

func (s *Simulator) watch() {
	for s.clock.Sleep(s.ctx, lookEvery) == nil {
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		_ = s.settle(ctx) // what could not be read now is read the next time
		cancel()
	}
}

// settle lets everything happen that is due by now, and tells of it.
func (s *Simulator) settle(ctx context.Context) error {
	happened, err := s.book.settle(ctx, s.clock.Now())
	s.tellThem(happened...)
	return err
}

// Tell lets happen what is due, and tells of it.
func (s *Simulator) Tell(ctx context.Context) error { return s.settle(ctx) }

func (s *Simulator) tellThem(list ...message) {
	for _, m := range list {
		if body, err := json.Marshal(m); err == nil {
			s.pushes.Send(push.Message{ID: m.ID, Body: body})
		}
	}
}

// Pushes is what sends what is told unasked.
func (s *Simulator) Pushes() *push.Sender { return s.pushes }

// contradict gives a message that says something else than one.
func contradict(m push.Message) (push.Message, bool) {
	told, problem := decodeMessage(m.Body)
	if problem != "" {
		return m, false
	}
	t := &told.Transfer
	switch told.ID += "_other"; {
	case told.Number > 0:
		told.Number = 0
		t.State, t.Code = Arrived, ""
	case t.State == Arrived && t.Amount > 1 && len(t.Reference)%2 == 0:
		t.Amount--
	case t.State == Arrived:
		t.State, t.Code = Returned, "could_not_process"
	default:
		t.State, t.Code = Arrived, ""
	}
	body, err := json.Marshal(told)
	return push.Message{ID: told.ID, Body: body}, err == nil
}

// decodeMessage reads a message, or says what is wrong with it.
func decodeMessage(body []byte) (m message, problem string) {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&m); err != nil {
		return message{}, "the body is not the JSON of a message"
	}
	if _, err := d.Token(); err != io.EOF {
		return message{}, "something follows the message's JSON"
	}
	switch {
	case m.ID == "" || len(m.ID) > maxID:
		return message{}, "the message has no name"
	case !m.Transfer.valid() || m.Number < 0 || m.Number > 0 && m.Transfer.State != Returned:
		return message{}, errNotTransfer.Error()
	}
	return m, ""
}

// parse is [provider.Provider]'s Parse.
func parse(secret string) func(provider.Push) (provider.Pushed, error) {
	return func(p provider.Push) (provider.Pushed, error) {
		if err := push.Verify(secret, p.Header(SignatureHeader), p.At, p.Body); err != nil {
			return provider.Pushed{}, provider.ErrUnsigned
		}
		m, problem := decodeMessage(p.Body)
		out := provider.Pushed{ID: m.ID, Raw: redact(string(p.Body)), Problem: problem}
		if problem != "" {
			return out, nil
		}
		t, o := m.Transfer, m.Transfer.outcome()
		n := provider.Notice{Number: m.Number, Kind: provider.NoticePayoutReturned, Reference: t.Reference, At: m.Time, Reason: t.Code}
		if m.Number == 0 {
			n = provider.Notice{ID: m.ID, Kind: provider.NoticeOutcome, Reference: t.Reference, At: m.Time, Standing: &provider.Standing{
				Status: o.Status, Amount: t.Amount, Currency: money.Currency(t.Currency), ID: o.ID, Reason: o.Reason, Code: o.Code,
			}}
		}
		out.Notices = []provider.Notice{n}
		return out, nil
	}
}

// addPushFault is POST /pushes/faults.
func (s *Simulator) addPushFault(w http.ResponseWriter, r *http.Request) {
	var f struct {
		Fault   push.Mode `json:"fault"`
		Count   int       `json:"count"`
		DelayMS int64     `json:"delay_ms"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // a mistyped field would make the fault hit everything
	if err != nil || d.Decode(&f) != nil {
		answerError(w, refuse(invalidJSON, "the body is not the JSON of a fault"))
		return
	}
	const most = 24 * 60 * 60 * 1000 // no overflow; Inject refuses it
	ms := min(max(f.DelayMS, -1), most)
	if err := s.pushes.Inject(push.Fault{Mode: f.Fault, Count: f.Count, Delay: time.Duration(ms) * time.Millisecond}); err != nil {
		answerError(w, refuse(invalidField, "%v", err))
		return
	}
	answer(w, http.StatusOK, f)
}
