package setup

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// State is where an attempt stands; the values are Stripe's.
type State string

const (
	// Trying: on its way, or its outcome is not known. Left by the outcome.
	Trying State = "processing"
	// Asking: the holder has to authenticate. Left when that has happened, or when
	// the intent goes on without.
	Asking State = "requires_action"
	// Done: the method was set up. Final.
	Done State = "succeeded"
	// Failed: it was not. Final.
	Failed State = "failed"
	// Abandoned: the holder did not authenticate, or nobody waits for it. Final.
	Abandoned State = "abandoned"
)

// News is what moves an attempt.
type News string

const (
	newsAsked  News = "asked"
	newsDone   News = "done"
	newsFailed News = "failed"
	newsLeft   News = "left"
)

var attemptMachine = fsm.New("setup_attempt",
	fsm.Row[State, News]{From: Trying, On: newsAsked, To: Asking},
	fsm.Row[State, News]{From: Trying, On: newsDone, To: Done},
	fsm.Row[State, News]{From: Trying, On: newsFailed, To: Failed},
	fsm.Row[State, News]{From: Trying, On: newsLeft, To: Abandoned},
	fsm.Row[State, News]{From: Asking, On: newsAsked, To: Asking},
	fsm.Row[State, News]{From: Asking, On: newsDone, To: Done},
	fsm.Row[State, News]{From: Asking, On: newsFailed, To: Failed},
	fsm.Row[State, News]{From: Asking, On: newsLeft, To: Abandoned},
)

// Attempt is the body of a SetupAttempt.
type Attempt struct {
	State    State      `json:"state"`
	Intent   IntentID   `json:"intent"`
	Customer int64      `json:"customer,omitempty"`
	Usage    string     `json:"usage"`
	Method   object.Ref `json:"method"` // as it was
	Card     int64      `json:"card"`   // vault's key of the card data, or the account's
	// Type is that of the method where it is no card: nobody is asked, and its
	// holder's mandate is enough.
	Type     string        `json:"type,omitempty"`
	Provider string        `json:"provider"`
	Payer    payment.Payer `json:"payer,omitzero"`
	// Wanted: the merchant asked for authentication.
	Wanted     bool             `json:"wanted,omitempty"`
	Directions []string         `json:"directions,omitempty"`
	Mandate    int64            `json:"mandate,omitempty"`
	ThreeDS    *payment.ThreeDS `json:"three_ds,omitempty"`
	Error      *fault.Error     `json:"error,omitempty"`
	// Ticket and Request are the API request that waits for the outcome.
	Ticket  idem.Ticket   `json:"ticket,omitzero"`
	Request event.Request `json:"request,omitzero"`
	// Due is when somebody other than who sends it may act; zero once nothing is
	// left to do.
	Due   time.Time          `json:"due,omitzero"`
	Lease payment.Lease      `json:"lease,omitzero"`
	Tries int                `json:"tries,omitempty"`
	Raw   []provider.Message `json:"raw,omitempty"` // redacted
}

// Open reports whether the outcome is still to come.
func (a *Attempt) Open() bool { return a.State == Trying || a.State == Asking }

// maxRaw bounds the messages that are kept.
const maxRaw = 16

func (a *Attempt) learn(o provider.Outcome) {
	if t := o.ThreeDS; t != nil && (a.Wanted || t.Result == "authenticated" || t.Result == "failed") {
		a.ThreeDS = t
	}
	a.Raw = append(a.Raw, o.Raw...)
	if over := len(a.Raw) - maxRaw; over > 0 {
		a.Raw = a.Raw[over:]
	}
}

// Reference is our name for the attempt at the provider.
func Reference(s id.Scope, key AttemptID) string { return Attempts.ID(s, int64(key)) }

type attemptColumns struct {
	Due    time.Time
	Owner  int64
	Intent IntentID
}

// Attempts are the SetupAttempts.
var Attempts = object.Define(object.Spec[Attempt, attemptColumns]{
	Name: "setup_attempt", Prefix: "setatt", Schema: 1, Fades: true, Table: "setup_attempt", Columns: "due, owner, intent",
	Fields: func(c *attemptColumns, f *db.Fields) {
		db.Time(f, &c.Due)
		db.Int(f, &c.Owner)
		db.Int(f, &c.Intent)
	},
	Derive:  func(a *Attempt) attemptColumns { return attemptColumns{a.Due, a.Lease.By(a.Due), a.Intent} },
	Filters: []string{"intent"},
})
