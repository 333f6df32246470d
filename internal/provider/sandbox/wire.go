package sandbox

import (
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
)

const (
	operationsPath = "/v1/operations"
	noticesPath    = "/v1/notices"
	bookPath       = "/book"
	maxRequest     = 1 << 20  // bytes of a request's body, evidence above all
	maxReply       = 64 << 10 // bytes of a reply that the connector reads
	maxReference   = 64
	maxDescriptor  = 64
	maxBilling     = 256 // bytes of a part of an address
	maxURL         = 2048
	maxEvidence    = 256             // pieces
	maxNotices     = 100             // of one answer
	maxText        = 64              // bytes of a text in an answer
	maxAmount      = 999_999_999_999 // ISO 8583 gives an amount twelve digits; more is declined with 13
)

// Kind is what an operation does.
type Kind string

// The kinds of operation that may be asked for. An inquiry records nothing; its
// kind only names it for faults.
const (
	Authenticate Kind = "authenticate" // have the payer prove to be the card's holder
	Authorize    Kind = "authorize"    // reserve an amount on a card
	Sale         Kind = "sale"         // take an amount from a card at once
	Increment    Kind = "increment"    // reserve more by an authorisation
	Capture      Kind = "capture"      // take what an authorisation reserved, or part of it
	Refund       Kind = "refund"       // give back what was taken, or part of it
	Reversal     Kind = "reversal"     // undo an operation whole
	Contest      Kind = "contest"      // answer a dispute
	Inquiry      Kind = "inquiry"      // ask how an operation stands
	Feed         Kind = "notices"      // ask for what is told unasked; for faults, as an inquiry
)

// What the simulator records by itself: what the payer chose on the page of an
// authentication, and what the passing of time did.
const (
	Challenge Kind = "challenge"
	Event     Kind = "event"
)

func (k Kind) takesCard() bool { return k == Authenticate || k.charges() }

// charges reports whether the kind is an authorisation or a sale.
func (k Kind) charges() bool { return k == Authorize || k == Sale }

func (k Kind) takesOriginal() bool {
	return k == Increment || k == Capture || k == Refund || k == Reversal || k == Contest
}

// takesAmount reports whether the kind is about an amount of its own.
func (k Kind) takesAmount() bool { return k != Contest }

// least is the smallest amount that the kind takes: an authentication and an
// authorisation of nothing check a card.
func (k Kind) least() int64 {
	if k == Authenticate || k == Authorize {
		return 0
	}
	return 1
}

// State is how an operation was judged. It changes in one way only: what is
// pending is approved or declined later. What is undone is undone by a reversal,
// which is an operation of its own.
type State string

// The states of an operation.
const (
	Approved State = "approved" // it happened
	Declined State = "declined" // it was refused, and nothing happened
	Pending  State = "pending"  // its result comes later
)

// Operation is one operation as the simulator judged it: the answer to its
// request, and its line in the book. Of the card it keeps the brand, the last
// four digits, and what is special about a test card; of an address nothing.
type Operation struct {
	Reference         string    `json:"reference"`
	Kind              Kind      `json:"kind"`
	Amount            int64     `json:"amount"` // minor units
	Currency          string    `json:"currency"`
	State             State     `json:"state"`
	Code              string    `json:"code"` // a response code of the table in codes.go
	Original          string    `json:"original,omitempty"`
	Time              time.Time `json:"time"` // when it was judged, UTC
	ID                string    `json:"id,omitempty"`
	AuthorizationCode string    `json:"authorization_code,omitempty"`
	CVCCheck          string    `json:"cvc_check,omitempty"` // pass, fail, unchecked
	Line1Check        string    `json:"line1_check,omitempty"`
	PostalCheck       string    `json:"postal_check,omitempty"` // pass, fail, unavailable; both only where it was given
	Brand             string    `json:"brand,omitempty"`
	Last4             string    `json:"last4,omitempty"`
	Action            string    `json:"action,omitempty"` // where the payer has to go for a pending authentication to end
	ThreeDS           *ThreeDS  `json:"three_ds,omitempty"`
	Granted           *Granted  `json:"granted,omitempty"`
	More              bool      `json:"more,omitempty"`       // of a capture: the rest stays reserved
	ReturnURL         string    `json:"return_url,omitempty"` // of an authentication
	Plays             string    `json:"plays,omitempty"`      // what else the test card does
	Dispute           string    `json:"dispute,omitempty"`    // of a contest: what it answers
	Mark              string    `json:"mark,omitempty"`       // the sender's own note, returned as it came
	Evidence          int       `json:"evidence,omitempty"`   // of a contest: how many pieces; none gives in
	Notices           []Notice  `json:"notices,omitempty"`    // what it gave to tell
	Method            string    `json:"method,omitempty"`     // of a sale on a bank account: its type
	Result            string    `json:"result,omitempty"`     // of such a sale while it is pending: the code that it ends with
	// Settles is when what is pending ends. Due is when time alone makes
	// the simulator do something about the operation, and Ends names the
	// operation that an event was due for.
	Settles time.Time `json:"settles,omitzero"`
	Due     time.Time `json:"due,omitzero"`
	Ends    string    `json:"ends,omitempty"`
}

// follows reports whether op is listed among what builds on its original.
func (op Operation) follows() bool { return op.Original != "" && op.State != Declined }

// ThreeDS is the result of an authentication. The values are those of
// [provider.ThreeDS].
type ThreeDS struct {
	Result  string `json:"result"`
	Reason  string `json:"reason,omitempty"`
	Flow    string `json:"flow,omitempty"`
	ECI     string `json:"eci,omitempty"`
	Version string `json:"version,omitempty"`
	ID      string `json:"id,omitempty"`
}

// Granted is what an approved authorisation allows; see [provider.Granted].
type Granted struct {
	Amount       int64     `json:"amount"`
	MaxCapture   int64     `json:"max_capture"`
	Increment    bool      `json:"increment,omitempty"`
	Multicapture bool      `json:"multicapture,omitempty"`
	Extended     bool      `json:"extended,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
}

// request is the body of POST /v1/operations.
type request struct {
	Reference      string   `json:"reference"`
	Kind           Kind     `json:"kind"`
	Original       string   `json:"original"`
	Amount         int64    `json:"amount"`
	Currency       string   `json:"currency"`
	Card           *card    `json:"card"`
	Method         string   `json:"method"`
	Account        *account `json:"account"`
	Mandate        string   `json:"mandate"`
	Hold           bool     `json:"hold"`
	Descriptor     string   `json:"descriptor"`
	Billing        *billing `json:"billing"`
	Features       []string `json:"features"`
	Authentication string   `json:"authentication"`
	OffSession     bool     `json:"off_session"`
	SetUp          bool     `json:"set_up"`
	Challenge      bool     `json:"challenge"`
	ReturnURL      string   `json:"return_url"`
	More           bool     `json:"more"`
	Dispute        string   `json:"dispute"`
	Mark           string   `json:"mark"`
	// Evidence by the names that the sender gives its pieces; nil gives in.
	Evidence map[string]string `json:"evidence"`
}

// billing is what is checked of the payer's address.
type billing struct {
	Line1      hidden.Text `json:"line1,omitzero"`
	PostalCode hidden.Text `json:"postal_code,omitzero"`
}

// card is a card as it came or is about to go over the wire. Neither number nor
// code is printed; encode alone writes them out.
type card struct {
	Number   hidden.Text `json:"number"`
	ExpMonth int         `json:"exp_month"`
	ExpYear  int         `json:"exp_year"`
	CVC      hidden.Text `json:"cvc,omitzero"`
}

// last4 is all of a number that may be kept in the clear.
func (c card) last4() string {
	number := c.Number.Reveal()
	return number[max(0, len(number)-4):]
}

// asks reports whether r has the content of the recorded operation, so that it
// is a repetition and not another request under a used reference. The security
// code is no part of it: who repeats later may not have it any more.
func (r request) asks(op Operation) bool {
	same := r.Kind == op.Kind && r.Original == op.Original && r.Amount == op.Amount && r.Currency == op.Currency
	same = same && r.More == op.More && r.Dispute == op.Dispute && r.Method == op.Method
	if r.Account != nil {
		same = same && r.Account.last4() == op.Last4
	}
	if r.Card != nil {
		same = same && r.Card.last4() == op.Last4 && brand(r.Card.Number.Reveal()) == op.Brand
	}
	return same
}
