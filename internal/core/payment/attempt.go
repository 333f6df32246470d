package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Operation is what an attempt asks of a provider.
type Operation string

// The operations.
const (
	OpAuthorize Operation = "authorize"
	OpSale      Operation = "sale"
	OpCapture   Operation = "capture"
	OpVoid      Operation = "void"
	OpRefund    Operation = "refund"
	OpIncrement Operation = "increment"
	OpContest   Operation = "contest" // answers a dispute with evidence
	OpConcede   Operation = "concede" // gives in to a dispute
	// OpAuthenticate has the payer prove to be the card's holder. No money moves.
	OpAuthenticate Operation = "authenticate"
)

// State is where an attempt stands.
type State string

const (
	// Sending: written, and perhaps on its way. Left by the caller's outcome;
	// after the lease, by resolution.
	Sending State = "sending"
	// Unknown: it was sent and nobody knows what became of it. Left by
	// evidence: inquiry, replay, reversal, or a person.
	Unknown State = "unknown"
	// Pending: the provider has it and will tell later. Left by inquiry.
	Pending State = "pending"
	// Approved: it happened. Final.
	Approved State = "approved"
	// Declined: it was refused. Left only by a late success.
	Declined State = "declined"
	// Failed: it certainly did not happen. Left only by a late success.
	Failed State = "failed"
	// Reversed: whatever happened was undone. Left only by a late success.
	Reversed State = "reversed"
)

// News is what moves an attempt.
type News string

const (
	newsUnknown  News = "unknown"
	newsPending  News = "pending"
	newsApproved News = "approved"
	newsDeclined News = "declined"
	newsFailed   News = "failed"
	newsReversed News = "reversed"
	newsLate     News = "late success"
)

var attemptMachine = fsm.New("attempt",
	fsm.Row[State, News]{From: Sending, On: newsUnknown, To: Unknown},
	fsm.Row[State, News]{From: Sending, On: newsPending, To: Pending},
	fsm.Row[State, News]{From: Sending, On: newsApproved, To: Approved},
	fsm.Row[State, News]{From: Sending, On: newsDeclined, To: Declined},
	fsm.Row[State, News]{From: Sending, On: newsFailed, To: Failed},
	fsm.Row[State, News]{From: Sending, On: newsReversed, To: Reversed},
	fsm.Row[State, News]{From: Unknown, On: newsUnknown, To: Unknown},
	fsm.Row[State, News]{From: Unknown, On: newsPending, To: Pending},
	fsm.Row[State, News]{From: Unknown, On: newsApproved, To: Approved},
	fsm.Row[State, News]{From: Unknown, On: newsDeclined, To: Declined},
	fsm.Row[State, News]{From: Unknown, On: newsFailed, To: Failed},
	fsm.Row[State, News]{From: Unknown, On: newsReversed, To: Reversed},
	fsm.Row[State, News]{From: Pending, On: newsUnknown, To: Pending},
	fsm.Row[State, News]{From: Pending, On: newsPending, To: Pending},
	fsm.Row[State, News]{From: Pending, On: newsApproved, To: Approved},
	fsm.Row[State, News]{From: Pending, On: newsDeclined, To: Declined},
	fsm.Row[State, News]{From: Pending, On: newsFailed, To: Failed},
	fsm.Row[State, News]{From: Pending, On: newsReversed, To: Reversed},
	fsm.Row[State, News]{From: Declined, On: newsLate, To: Approved},
	fsm.Row[State, News]{From: Failed, On: newsLate, To: Approved},
	fsm.Row[State, News]{From: Reversed, On: newsLate, To: Approved},
)

// newsOf is what an outcome means to an attempt.
func newsOf(o provider.Outcome) News {
	switch o.Status {
	case provider.Approved:
		return newsApproved
	case provider.Declined:
		return newsDeclined
	case provider.Pending:
		if probe.Mutant("payment.accepted-is-paid") && o.Action == "" {
			return newsApproved
		}
		return newsPending
	case provider.Failed:
		return newsFailed
	}
	if probe.Mutant("payment.unknown-is-failed") {
		return newsFailed
	}
	return newsUnknown
}

// Attempt is one operation at a provider, and all that is known of it.
type Attempt struct {
	Operation Operation      `json:"op"`
	State     State          `json:"state"`
	Provider  string         `json:"provider"`
	Amount    int64          `json:"amount"` // ISO minor units
	Currency  money.Currency `json:"currency"`
	Intent    IntentID       `json:"intent"`
	Charge    ChargeID       `json:"charge,omitempty"`   // captured, voided or refunded
	Refund    RefundID       `json:"refund,omitempty"`   // made by this attempt
	Original  AttemptID      `json:"original,omitempty"` // the attempt that is captured, voided or refunded
	Dispute   int64          `json:"dispute,omitempty"`  // answered by this attempt
	Method    object.Ref     `json:"method,omitzero"`    // paid with, as it was
	Card      int64          `json:"card,omitempty"`     // vault's key of the card data, or the account's
	// Type is that of the method where it is no card. Pends is the charge that there
	// is while its end is not known, and Line the test clock that says when that is;
	// zero: the provider.
	Type  string   `json:"type,omitempty"`
	Pends ChargeID `json:"pends,omitempty"`
	Line  int64    `json:"line,omitempty"`
	// Ticket and Request are the API request that waits for the outcome.
	Ticket  idem.Ticket   `json:"ticket,omitzero"`
	Request event.Request `json:"request,omitzero"`

	// Descriptor is what an authorisation has the payer read on the statement, and
	// Features what it asks to be allowed.
	Descriptor string            `json:"descriptor,omitempty"`
	Features   provider.Features `json:"features,omitzero"`
	// Risk is how risky it was found; nil: not.
	Risk *Risk `json:"risk,omitempty"`
	// Billed: there are billing details with the method, for the issuer to check.
	Billed bool `json:"billed,omitempty"`
	// More: captures are to follow this one.
	More bool `json:"more,omitempty"`
	// Held is how much a void reserves of what may be captured, where that is not
	// Amount.
	Held int64 `json:"held,omitempty"`
	// ShowCharge: the request that waits is answered with the charge.
	ShowCharge bool `json:"show,omitempty"`

	// Payer says where the payer is while this goes on.
	Payer Payer `json:"payer,omitzero"`
	// SetUp: the card is to be used, or was set up to be used, while its holder is
	// away.
	SetUp bool `json:"setup,omitempty"`
	// Proof is the authentication that an authorisation brings along, and ThreeDS
	// what came of it.
	Proof   AttemptID         `json:"proof,omitempty"`
	ThreeDS *provider.ThreeDS `json:"three_ds,omitempty"`
	// Then is what an authentication leads to: authorize or sale.
	Then Operation `json:"then,omitempty"`
	// Mandate is the holder's permission that this rests on; zero: none was given.
	Mandate int64 `json:"mandate,omitempty"`
	// Next is the attempt by which the same confirmation goes on.
	Next AttemptID `json:"next,omitempty"`

	// Cancellation is the reason that an intent gets with a void.
	Cancellation string `json:"cancel,omitempty"`

	// Due is when somebody other than the holder of the lease may act; zero
	// once nothing is left to do.
	Due   time.Time `json:"due,omitzero"`
	Lease Lease     `json:"lease,omitzero"`
	// Sent is when the lease began within which it was sent last, if it was.
	Sent time.Time `json:"sent,omitzero"`
	// Tries counts resolutions begun.
	Tries int `json:"tries,omitempty"`
	// Absent is when the provider first said that it knows nothing of this.
	Absent time.Time `json:"absent,omitzero"`
	// Contested notes that a repetition was declined, which the first sending
	// need not have been.
	Contested bool `json:"contested,omitempty"`
	// Undoing notes that a resolver has begun to have it undone. From then on
	// nobody's approval counts, until the provider says that it won't undo it.
	Undoing bool `json:"undoing,omitempty"`
	// Break is since when a person is asked to look into it.
	Break time.Time `json:"break,omitzero"`
	// Resolution is what a person said of it; nil: nobody had to.
	Resolution *Resolution `json:"resolution,omitempty"`
	// Note says how it came to its state where that is not plain: "not found
	// after the horizon", "late success, given back: intent canceled".
	Note string `json:"note,omitempty"`

	ProviderID        string             `json:"pid,omitempty"`
	Reason            string             `json:"decline,omitempty"`
	Code              string             `json:"code,omitempty"`
	Message           string             `json:"message,omitempty"`
	AuthorizationCode string             `json:"auth,omitempty"`
	CVCCheck          string             `json:"cvc,omitempty"`
	Line1Check        string             `json:"line1,omitempty"`
	PostalCheck       string             `json:"postal,omitempty"`
	Granted           *provider.Granted  `json:"granted,omitempty"`
	Raw               []provider.Message `json:"raw,omitempty"` // redacted

	// told, if set, is what a provider told of the attempt that is about to be
	// written, which it had before.
	told *recalled
	// typed, if set, is the card that was typed for the request which makes the
	// attempt, so that its own sender need not open it.
	typed *provider.Card
}

// Open reports whether the outcome is still to come.
func (a *Attempt) Open() bool {
	return a.State == Sending || a.State == Unknown || a.State == Pending
}

// approved is how much of an authorisation's or sale's amount was approved.
func (a *Attempt) approved() int64 {
	if g := a.Granted; g != nil && g.Amount > 0 && g.Amount < a.Amount {
		return g.Amount
	}
	return a.Amount
}

// maxCapture is how much may be captured of an authorisation: more than was
// approved only where that was asked for and granted.
func (a *Attempt) maxCapture() int64 {
	if g := a.Granted; g != nil && a.Features.Overcapture {
		return max(g.MaxCapture, a.approved())
	}
	return a.approved()
}

// reserves is how much a capture or void reserves of what may be captured.
func (a *Attempt) reserves() int64 {
	if a.Held != 0 {
		return a.Held
	}
	return a.Amount
}

func (a *Attempt) money() money.Amount { return money.New(a.Amount, a.Currency) }

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
	set(&a.AuthorizationCode, o.AuthorizationCode)
	set(&a.CVCCheck, o.CVCCheck)
	set(&a.Line1Check, o.Line1Check)
	set(&a.PostalCheck, o.PostalCheck)
	if o.Granted != nil {
		a.Granted = o.Granted
	}
	if o.ThreeDS != nil {
		a.ThreeDS = o.ThreeDS
	}
	a.Raw = append(a.Raw, o.Raw...)
	if over := len(a.Raw) - maxRaw; over > 0 {
		a.Raw = a.Raw[over:]
	}
}

// maxRaw bounds the messages kept on an attempt; an inquiry repeated for a day
// must not grow it without end.
const maxRaw = 16

// Reference is our name for the attempt at the provider.
func Reference(s id.Scope, key AttemptID) string { return Attempts.ID(s, int64(key)) }

type attemptColumns struct {
	State  State
	Due    time.Time
	Owner  int64
	Intent IntentID
}

// AttemptObject is what the API calls an attempt.
const AttemptObject = "florin.attempt"

// Attempts are the operations at providers.
var Attempts = object.Define(object.Spec[Attempt, attemptColumns]{
	Name: "attempt", Prefix: "att", Schema: 1, Table: "attempt", Columns: "state, due, owner, intent",
	Fields: func(c *attemptColumns, f *db.Fields) {
		db.Text(f, &c.State)
		db.Time(f, &c.Due)
		db.Int(f, &c.Owner)
		db.Int(f, &c.Intent)
	},
	Derive:  func(a *Attempt) attemptColumns { return attemptColumns{a.State, a.Due, a.Lease.By(a.Due), a.Intent} },
	Filters: []string{"intent"},
	Forgets: true,
})
