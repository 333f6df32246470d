package payout

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// State is where an attempt stands. See the package's documentation.
type State string

// The states of an attempt.
const (
	Queued          State = "queued"
	Sending         State = "sending"
	Unknown         State = "unknown"
	Waiting         State = "pending"
	Approved        State = "approved"
	Declined        State = "declined"
	AttemptFailed   State = "failed"
	AttemptCanceled State = "canceled"
)

// News is what moves an attempt.
type News string

const (
	newsSubmit   News = "submit"
	newsCancel   News = "cancel"
	newsRequeue  News = "requeue"
	newsUnknown  News = "unknown"
	newsPending  News = "pending"
	newsApproved News = "approved"
	newsDeclined News = "declined"
	newsFailed   News = "failed"
	newsReturned News = "returned"
	newsLate     News = "late success"
)

var attemptMachine = fsm.New("payout attempt", func() []fsm.Row[State, News] {
	rows := []fsm.Row[State, News]{
		{From: Queued, On: newsSubmit, To: Sending},
		{From: Queued, On: newsCancel, To: AttemptCanceled},
		{From: Sending, On: newsRequeue, To: Queued},
		{From: Approved, On: newsReturned, To: Declined},
		{From: AttemptFailed, On: newsLate, To: Approved},
		{From: Declined, On: newsLate, To: Approved},
	}
	for _, from := range []State{Sending, Unknown, Waiting} {
		rows = append(rows,
			fsm.Row[State, News]{From: from, On: newsPending, To: Waiting},
			fsm.Row[State, News]{From: from, On: newsApproved, To: Approved},
			fsm.Row[State, News]{From: from, On: newsDeclined, To: Declined},
			fsm.Row[State, News]{From: from, On: newsFailed, To: AttemptFailed})
	}
	return append(rows,
		fsm.Row[State, News]{From: Sending, On: newsUnknown, To: Unknown},
		fsm.Row[State, News]{From: Unknown, On: newsUnknown, To: Unknown},
		fsm.Row[State, News]{From: Waiting, On: newsUnknown, To: Waiting})
}()...)

// newsOf is what an outcome means to an attempt.
func newsOf(o provider.Outcome) News {
	switch o.Status {
	case provider.Approved:
		return newsApproved
	case provider.Declined:
		return newsDeclined
	case provider.Pending:
		return newsPending
	case provider.Failed:
		return newsFailed
	}
	if probe.Mutant("payout.unknown-is-failed") {
		return newsFailed
	}
	return newsUnknown
}

// Attempt is what is asked of a bank for a payout, and all that is known of it.
type Attempt struct {
	State    State         `json:"state"`
	Provider string        `json:"provider"`
	Payout   int64         `json:"payout"`
	Original int64         `json:"original,omitempty"` // the attempt of the payout that is taken back
	Request  event.Request `json:"request,omitzero"`
	// Due is when somebody may act: the time of a queued one, the end of the
	// lease of another; zero once nothing is left to do.
	Due   time.Time     `json:"due,omitzero"`
	Lease payment.Lease `json:"lease,omitzero"`
	// Sent is when the lease began within which it was sent last.
	Sent time.Time `json:"sent,omitzero"`
	// Tries counts how often somebody took it up.
	Tries int `json:"tries,omitempty"`
	// Absent is when the bank first said that it knows nothing of this.
	Absent time.Time `json:"absent,omitzero"`
	// Break is since when a person is asked to look into it.
	Break time.Time `json:"break,omitzero"`
	Note  string    `json:"note,omitempty"`
	// Resolution is what a person said of it; nil: nobody had to.
	Resolution *payment.Resolution `json:"resolution,omitempty"`

	ProviderID string             `json:"pid,omitempty"`
	Reason     string             `json:"reason,omitempty"`
	Code       string             `json:"code,omitempty"`
	Message    string             `json:"message,omitempty"`
	Raw        []provider.Message `json:"raw,omitempty"` // redacted
}

// open reports whether it was sent, perhaps, and the outcome is still to come.
func (a *Attempt) open() bool { return a.State == Sending || a.State == Unknown || a.State == Waiting }

// Open reports whether the payout's money is neither at the bank nor back.
func (a *Attempt) Open() bool { return a.open() || a.State == Queued }

// maxRaw bounds the messages kept on an attempt.
const maxRaw = 16

// learn copies what an outcome told.
func (a *Attempt) learn(o provider.Outcome) {
	set := func(to *string, value string) {
		if value != "" {
			*to = value
		}
	}
	set(&a.ProviderID, o.ID)
	set(&a.Reason, o.Reason)
	set(&a.Code, o.Code)
	set(&a.Message, o.Message)
	a.Raw = append(a.Raw, o.Raw...)
	if over := len(a.Raw) - maxRaw; over > 0 {
		a.Raw = a.Raw[over:]
	}
}

// Reference is our name for the attempt at the bank.
func Reference(s id.Scope, key int64) string { return Attempts.ID(s, key) }

type attemptColumns struct {
	State  State
	Due    time.Time
	Owner  int64
	Payout int64
}

// Attempts are what is asked of banks.
var Attempts = object.Define(object.Spec[Attempt, attemptColumns]{
	Name: "payout_attempt", Prefix: "poa", Schema: 1, Table: "payout_attempt", Columns: "state, due, owner, payout",
	Fields: func(c *attemptColumns, f *db.Fields) {
		db.Text(f, &c.State)
		db.Time(f, &c.Due)
		db.Int(f, &c.Owner)
		db.Int(f, &c.Payout)
	},
	Derive:  func(a *Attempt) attemptColumns { return attemptColumns{a.State, a.Due, a.Lease.By(a.Due), a.Payout} },
	Forgets: true,
})
