package sandbox

import (
	"bytes"
	"cmp"
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
const SignatureHeader = "Sandbox-Signature"

// The types of messages.
const (
	typeNotice    = "notice"
	typeOperation = "operation"
)

// Message is the body of what the simulator sends unasked: a notice, or an
// operation as it stands.
type Message struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Time      time.Time  `json:"time"`
	Notice    *Notice    `json:"notice,omitempty"`
	Operation *Operation `json:"operation,omitempty"`
}

// maxID is the longest name of a message.
const maxID = 128

// noticeMessage tells of a notice, under a name made of its number.
func noticeMessage(n Notice) Message {
	return Message{ID: "ntc_" + strconv.FormatInt(n.Number, 10), Type: typeNotice, Time: n.At, Notice: &n}
}

// operationMessage tells how an operation stands. Each state of it is told under
// one name.
func operationMessage(op Operation) Message {
	told := Operation{
		Reference: op.Reference, Kind: op.Kind, Original: op.Original, Amount: op.Amount, Currency: op.Currency, State: op.State, Code: op.Code,
		Time: op.Time, ID: op.ID, Brand: op.Brand, Last4: op.Last4, Granted: op.Granted, More: op.More, Dispute: op.Dispute,
	}
	return Message{ID: "op_" + op.Reference + "_" + string(op.State), Type: typeOperation, Time: op.Time, Operation: &told}
}

// tellThem sends messages to whoever wants to be told.
func (s *Simulator) tellThem(list ...Message) {
	for _, m := range list {
		body, err := json.Marshal(m)
		if err != nil {
			continue // nothing that we tell can't be encoded
		}
		s.pushes.Send(push.Message{ID: m.ID, Body: body})
	}
}

// tellNotices sends what an operation gave to tell.
func (s *Simulator) tellNotices(op Operation) {
	for _, n := range op.Notices {
		s.tellThem(noticeMessage(n))
	}
}

// announce tells how an operation stands to a sender who may not know it: who
// got no answer, or one that it was pending.
func (s *Simulator) announce(op Operation) { s.tellThem(operationMessage(op)) }

// contradict gives a message that says something else than one: the opposite
// result, or another amount.
func contradict(m push.Message) (push.Message, bool) {
	told, problem := decodeMessage(m.Body)
	if problem != "" {
		return m, false
	}
	told.ID += "_other"
	switch op := told.Operation; {
	case op == nil && told.Notice.Dispute == nil:
		return m, false
	case op == nil:
		told.Notice.Dispute.Amount++
	case op.State == Declined:
		op.State, op.Code = Approved, codeApproved
	case op.Amount > 1 && len(op.Reference)%2 == 0:
		op.Amount--
	default:
		op.State, op.Code = Declined, codeDuplicate
	}
	body, err := json.Marshal(told)
	return push.Message{ID: told.ID, Body: body}, err == nil
}

// decodeMessage reads a message, or says what is wrong with it.
func decodeMessage(body []byte) (m Message, problem string) {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&m); err != nil {
		return Message{}, "the body is not the JSON of a message"
	}
	if _, err := d.Token(); err != io.EOF {
		return Message{}, "something follows the message's JSON"
	}
	if m.ID == "" || len(m.ID) > maxID {
		return Message{}, "the message has no name"
	}
	switch {
	case m.Type == typeNotice && m.Notice != nil && m.Operation == nil:
		if !m.Notice.valid() {
			return Message{}, errNotNotices.Error()
		}
	case m.Type == typeOperation && m.Operation != nil && m.Notice == nil:
		if !m.Operation.valid() {
			return Message{}, errNotOperation.Error()
		}
	default:
		return Message{}, "the message tells of nothing that the protocol has"
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
		out := provider.Pushed{ID: m.ID, Raw: redact(p.Body), Problem: problem}
		switch {
		case problem != "":
		case m.Notice != nil:
			out.Notices = toldOf([]Notice{*m.Notice})
		default:
			op := m.Operation
			o := op.outcome()
			out.Notices = []provider.Notice{{ID: m.ID, Kind: provider.NoticeOutcome, Reference: op.Reference, At: m.Time, Standing: &provider.Standing{
				Status: o.Status, Amount: op.Amount, Currency: money.Currency(op.Currency), ID: o.ID, Reason: o.Reason, Code: o.Code,
			}}}
		}
		return out, nil
	}
}

// pushFault is a [push.Fault] at /pushes/faults.
type pushFault struct {
	Fault   push.Mode `json:"fault"`
	Count   int       `json:"count"`
	DelayMS int64     `json:"delay_ms"`
}

// addPushFault is POST /pushes/faults.
func (s *Simulator) addPushFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // a mistyped field would make the fault hit everything
	var f pushFault
	if err != nil || d.Decode(&f) != nil {
		answerRefusal(w, refuse(invalidJSON, "", "the body is not the JSON of a fault"))
		return
	}
	ms := min(max(f.DelayMS, -1), maxFaultDelay.Milliseconds()+1) // no overflow; check refuses the ends
	if err := s.pushes.Inject(push.Fault{Mode: f.Fault, Count: f.Count, Delay: time.Duration(ms) * time.Millisecond}); err != nil {
		answerRefusal(w, refuse(invalidField, "", "%v", err))
		return
	}
	answer(w, http.StatusOK, f)
}

// Pushes is what sends what is told unasked.
func (s *Simulator) Pushes() *push.Sender { return s.pushes }

// Tell sends what happened by itself since anybody looked.
func (s *Simulator) Tell(ctx context.Context) error { return s.age(ctx) }

// lookEvery is how often the simulator looks by itself what time has done, where
// somebody wants to be told.
const lookEvery = time.Second

// watch tells what time has done.
func (s *Simulator) watch() {
	for s.clock.Sleep(s.ctx, lookEvery) == nil {
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		_ = s.age(ctx) // what could not be read now is read the next time
		cancel()
	}
}

// pushOptions complete what a simulator is told about its pushes.
func pushOptions(o Options) push.Options {
	p := o.Push
	p.Clock, p.Header, p.Contradict = o.Clock, SignatureHeader, contradict
	p.Seed = cmp.Or(p.Seed, o.Seed)
	return p
}
