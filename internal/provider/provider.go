// Package provider is the seam between Florin and those who move money: card
// acquirers, wallets, banks.
//
// A [Provider] is a value whose function fields are what it can do; an
// operation it lacks is nil, and decorators that copy the value keep it so.
// Every call names the operation by our own reference, returns one [Outcome],
// and never an error: what is not known to have happened is [Unknown], and
// Unknown is the zero value, so that whoever forgets to say loses nothing.
//
// The rules that every provider keeps, and that providertest checks:
//
//   - Failed means that the provider certainly did nothing: the error came
//     before the first byte of the request was written, or the provider
//     refused in a way that it documents as unprocessed. Whatever goes wrong
//     later is Unknown. A Failed outcome of a replay says nothing about the
//     first sending.
//   - The same reference sent twice has one effect, or the provider does not
//     declare a [Traits.ReplayWindow].
//   - Inquire and Reverse go by our reference and change nothing when asked
//     twice.
//   - Of Inquire, replay and Reverse at least one is there.
package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
)

// Status is how an operation at a provider stands.
type Status uint8

const (
	// Unknown: nobody can say whether it happened. Left by inquiry, replay or
	// reversal, never by waiting.
	Unknown Status = iota
	// Approved: it happened.
	Approved
	// Declined: it was processed and refused; nothing happened.
	Declined
	// Pending: it was accepted and its result comes later.
	Pending
	// Failed: it certainly did not happen, and was not judged either.
	Failed
	statuses
)

var statusNames = [statuses]string{"unknown", "approved", "declined", "pending", "failed"}

// String gives the status's name.
func (s Status) String() string {
	if s < statuses {
		return statusNames[s]
	}
	return "invalid"
}

// Definite reports whether the status is the end of the operation.
func (s Status) Definite() bool { return s == Approved || s == Declined || s == Failed }

// Outcome is all that a provider told of one operation.
type Outcome struct {
	Status Status
	// ID is the provider's own id of the operation, if it gave one.
	ID string
	// Reason is Stripe's decline code (https://docs.stripe.com/declines/codes)
	// for Declined.
	Reason string
	// Code is the provider's own words for the result: a response code.
	Code string
	// Message explains Failed and Unknown to an operator.
	Message string
	// Retryable tells for Failed whether the same operation may be tried anew.
	Retryable bool
	// AuthorizationCode is the issuer's approval code, for a receipt.
	AuthorizationCode string
	// CVCCheck, Line1Check and PostalCheck are "pass", "fail", "unavailable",
	// "unchecked" or empty.
	CVCCheck, Line1Check, PostalCheck string
	// Action is where the payer has to go for a Pending authentication to end:
	// an absolute URL, or a path on Florin's own address.
	Action string
	// ThreeDS is what came of an authentication, once it is definite.
	ThreeDS *ThreeDS
	// Granted says what an approved authorisation allows; nil: to capture its
	// amount once.
	Granted *Granted
	// Notices are those that the provider had to tell of the operation when it
	// answered. They come by Provider.Notices too.
	Notices []Notice
	// Arrives is when a payout that was accepted is expected at its account, or
	// when what comes of a pending payment is expected to be known, and
	// Trace is the number by which banks find it; both are empty where unknown.
	Arrives time.Time
	Trace   string
	// Raw is the exchange as it went over the wire, card data redacted, for the
	// payment's timeline.
	Raw []Message
}

// Message is one direction of an exchange with a provider, redacted.
type Message struct {
	Sent bool      `json:"sent,omitempty"` // by us; otherwise received
	At   time.Time `json:"at"`
	Body string    `json:"body"`
}

// Card is what a provider needs of a card. It prints as a mask: fmt, slog and
// JSON never see a number or a code, nor do they where a struct that holds a
// card is printed in a way that passes the card's own methods by.
type Card struct {
	Number   hidden.Text
	ExpMonth int
	ExpYear  int
	CVC      hidden.Text // empty when the payer did not give it
}

// String implements [fmt.Stringer].
func (Card) String() string { return "card(redacted)" }

// GoString implements [fmt.GoStringer].
func (c Card) GoString() string { return c.String() }

// Format implements [fmt.Formatter]: the verbs that pass String by, such as %d,
// see no more than it does.
func (c Card) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue implements [slog.LogValuer].
func (c Card) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON implements json.Marshaler.
func (c Card) MarshalJSON() ([]byte, error) { return []byte(`"card(redacted)"`), nil }

// Billing is what an issuer checks of the payer's address. Empty texts were not
// given.
type Billing struct {
	Line1, PostalCode hidden.Text
}

// Features are what an authorisation may be asked to allow beyond one capture
// of its amount.
type Features struct {
	Increment    bool // to be raised later
	Multicapture bool // to be captured in parts
	Overcapture  bool // to capture more than the amount
	Extended     bool // to be captured later than usual
	Partial      bool // to approve less than the amount
}

// Granted is what an approved authorisation allows.
type Granted struct {
	// Amount is what was approved, ISO minor units: less than asked for only where
	// Features.Partial was.
	Amount int64 `json:"amount"`
	// MaxCapture is how much may be captured in all; Amount, or more where
	// Features.Overcapture was granted.
	MaxCapture   int64     `json:"max_capture"`
	Increment    bool      `json:"increment,omitempty"`
	Multicapture bool      `json:"multicapture,omitempty"`
	Extended     bool      `json:"extended,omitempty"`
	Expires      time.Time `json:"expires,omitzero"` // when it can't be captured any more
}

// ThreeDS is the result of an authentication by EMV 3-D Secure. The values are
// those of Stripe's three_d_secure hashes.
type ThreeDS struct {
	Result  string `json:"result"`           // authenticated, attempt_acknowledged, exempted, failed, not_supported, processing_error
	Reason  string `json:"reason,omitempty"` // result_reason: rejected, canceled, abandoned, card_not_enrolled, network_not_supported, protocol_error
	Flow    string `json:"flow,omitempty"`   // authentication_flow: challenge, frictionless
	ECI     string `json:"eci,omitempty"`    // electronic_commerce_indicator: 01, 02, 05, 06, 07
	Version string `json:"version,omitempty"`
	ID      string `json:"id,omitempty"` // of the transaction at the directory server
}

// AuthenticateRequest asks that the payer prove to be the card's holder. No
// money moves. Approved: an authorisation may go on with the proof, or without
// one where none can be had (ThreeDS.Result says which); Pending: the payer has to
// go to Outcome.Action; Declined: it failed.
type AuthenticateRequest struct {
	Reference string       // ours, names the authentication
	Amount    money.Amount // of the payment; zero where a card is set up
	Card      Card
	Challenge bool   // ask the payer even where the issuer would not
	SetUp     bool   // the card is to be used again while its holder is away
	ReturnURL string // where the payer is sent when it is over
}

// IncrementRequest asks for more to be reserved by an authorisation.
type IncrementRequest struct {
	Reference string       // ours, names the increment
	Mark      string       // see [Operation.Mark]
	Original  string       // our reference of the authorisation
	Amount    money.Amount // by how much
}

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notices.
const (
	// NoticeDispute: a dispute was opened or has moved on; Dispute says how it
	// stands.
	NoticeDispute NoticeKind = "dispute"
	// NoticeFraud: the issuer takes the payment for fraud (an early fraud warning).
	NoticeFraud NoticeKind = "fraud_warning"
	// NoticeRefundFailed: a refund that was approved did not reach the payer.
	NoticeRefundFailed NoticeKind = "refund_failed"
	// NoticePaid and NoticeUnpaid: a payment that was pending has succeeded, or
	// failed for Reason.
	NoticePaid   NoticeKind = "payment_succeeded"
	NoticeUnpaid NoticeKind = "payment_failed"
	// NoticePayoutReturned: a payout that was approved came back.
	NoticePayoutReturned NoticeKind = "payout_returned"
	// NoticeOutcome: an operation has come to an end; Standing says to which.
	NoticeOutcome NoticeKind = "outcome"
)

// Notice is something that a provider tells unasked.
type Notice struct {
	// Number is the provider's, growing in the order of what happened. A notice
	// that is told again has the same one. Zero: it is not among those that
	// Provider.Notices gives, and ID names it.
	Number int64 `json:"number,omitempty"`
	// ID is the provider's name of a notice without a number.
	ID        string     `json:"id,omitempty"`
	Kind      NoticeKind `json:"kind"`
	Reference string     `json:"reference"` // ours, of the operation that it is about
	At        time.Time  `json:"at"`
	// Reason is Stripe's failure_reason, fraud_type or decline code.
	Reason   string    `json:"reason,omitempty"`
	Dispute  *Dispute  `json:"dispute,omitempty"`
	Standing *Standing `json:"standing,omitempty"`
}

// Standing is how an operation stands, as its provider tells it unasked. It is
// less than an [Outcome]: who wants to know all asks.
type Standing struct {
	Status   Status         `json:"status"`
	Amount   int64          `json:"amount,omitempty"` // ISO minor units; zero: not told
	Currency money.Currency `json:"currency,omitempty"`
	ID       string         `json:"id,omitempty"`     // the provider's own of the operation
	Reason   string         `json:"reason,omitempty"` // Stripe's decline code, for Declined
	Code     string         `json:"code,omitempty"`   // the provider's own
}

// ErrUnsigned refuses a message that is not proven to be the provider's.
var ErrUnsigned = errors.New("the message's signature is not the provider's")

// Push is a message that came unasked, as it came.
type Push struct {
	Header func(name string) string // the first value, or empty
	Body   []byte
	At     time.Time // when it came: signatures are good for a while only
}

// Pushed is what a [Push] says.
type Pushed struct {
	// ID is the provider's own of the message. One that comes again has the same,
	// and what is told under it does not change. Empty: there is none, and equal
	// bodies are one message.
	ID      string
	Notices []Notice
	// Raw is the body as it may be kept: card data masked.
	Raw string
	// Problem says why it could not be understood; Notices is empty then.
	Problem string
}

// Dispute is how a payer's complaint stands at the provider.
type Dispute struct {
	ID       string         `json:"id"`     // the provider's
	Status   string         `json:"status"` // Stripe's: needs_response, under_review, won, lost, warning_needs_response, warning_under_review, warning_closed
	Reason   string         `json:"reason"` // Stripe's: fraudulent, product_not_received, …
	Network  string         `json:"network_reason_code,omitempty"`
	Amount   int64          `json:"amount"` // ISO minor units
	Currency money.Currency `json:"currency"`
	Due      time.Time      `json:"due,omitzero"` // by when evidence must be there
	// Case is Stripe's case_type: chargeback, inquiry, compliance, …; empty: as the
	// status says.
	Case string `json:"case_type,omitempty"`
	// Enhanced are Stripe's enhanced_eligibility_types: visa_compelling_evidence_3,
	// visa_compliance, mastercard_compliance.
	Enhanced []string `json:"enhanced_eligibility_types,omitempty"`
}

// ContestRequest answers a dispute: with evidence, or by giving in.
type ContestRequest struct {
	Reference string // ours, names the answer
	Original  string // our reference of the disputed operation
	Dispute   string // the provider's id
	// Evidence by the API's names of its fields; nil to give in.
	Evidence map[string]string
}

// AuthorizeRequest asks for an amount to be reserved on a card, or taken at
// once; or to be taken from a bank account, for which the answer is Pending until
// an inquiry or a notice tells what came of it.
type AuthorizeRequest struct {
	Reference string       // ours, unique for ever: names this operation
	Mark      string       // see [Operation.Mark]
	Amount    money.Amount // to authorise
	Card      Card
	// Method is the type of the payment method where that is no card, and Account
	// the bank account that it is taken from: then Capture is set, and Mandate our
	// reference of the holder's permission.
	Method  string
	Account *BankAccount
	Mandate string
	// Hold: what is pending stays so until Provider.Settle ends it. Whoever moves a
	// test clock says when time has passed.
	Hold bool

	Capture    bool   // take it at once (a sale) instead of reserving it
	Descriptor string // what the payer reads on the statement
	Billing    Billing
	Features   Features
	// Authentication is our reference of an approved authentication, whose proof
	// goes along; empty: there is none. An issuer that wants one declines with the
	// reason authentication_required.
	Authentication string
	OffSession     bool // the payer is away
	// SetUp: the card's holder has agreed, and proved to be it, to its being used
	// while away.
	SetUp bool
}

// CaptureRequest asks for an authorised amount, or part of it, to be taken. The
// rest is released, unless more captures are to follow.
type CaptureRequest struct {
	Reference string       // ours, names the capture
	Mark      string       // see [Operation.Mark]
	Original  string       // our reference of the authorisation
	Amount    money.Amount // ≤ Granted.MaxCapture, all captures together
	More      bool         // keep the rest reserved; needs Granted.Multicapture
}

// RefundRequest asks for a captured amount, or part of it, to be given back.
type RefundRequest struct {
	Reference string       // ours, names the refund
	Mark      string       // see [Operation.Mark]
	Original  string       // our reference of the sale or the authorisation that was captured
	Amount    money.Amount // ≤ what is captured and not yet refunded
}

// BankAccount is what a bank needs to know of the account that money goes to.
// It prints as a mask, as [Card] does.
type BankAccount struct {
	Country  string      // ISO 3166-1 alpha-2
	Routing  string      // routing number, sort code, …; empty where the number has it
	Number   hidden.Text // account number or IBAN
	Holder   hidden.Text // whose it is; may be empty
	Currency money.Currency
}

// String implements [fmt.Stringer].
func (BankAccount) String() string { return "bank_account(redacted)" }

// GoString implements [fmt.GoStringer].
func (b BankAccount) GoString() string { return b.String() }

// Format implements [fmt.Formatter], for the verbs that pass String by.
func (b BankAccount) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }

// LogValue implements [slog.LogValuer].
func (b BankAccount) LogValue() slog.Value { return slog.StringValue(b.String()) }

// MarshalJSON implements json.Marshaler.
func (b BankAccount) MarshalJSON() ([]byte, error) { return []byte(`"bank_account(redacted)"`), nil }

// PayoutRequest asks for money to be paid out to a bank account, or, where
// Original is set, for a payout that arrived to be taken back whole. Pending: it
// was accepted and is on its way; Approved: it arrived; Declined: it came back,
// or was refused, and Outcome.Reason is Stripe's failure_code. What comes back
// after it was approved is told by a notice.
type PayoutRequest struct {
	Reference  string // ours, unique for ever: names this operation
	Mark       string // see [Operation.Mark]
	Original   string // our reference of the payout that is taken back
	Amount     money.Amount
	Account    BankAccount
	Instant    bool   // within minutes rather than days
	Descriptor string // what the account's holder reads on the statement
}

// ReverseRequest asks that the operation named Original be undone whole: an
// authorisation released, a sale, capture or refund undone before settlement.
type ReverseRequest struct {
	Reference string       // ours, names the reversal
	Mark      string       // see [Operation.Mark]
	Original  string       // our reference of what is undone
	Amount    money.Amount // the amount of what is undone
}

// OperationKind is what an operation that a provider tells of did.
type OperationKind string

// The kinds of operations that move money, or reserve it.
const (
	KindAuthorize OperationKind = "authorize"
	KindSale      OperationKind = "sale"
	KindIncrement OperationKind = "increment"
	KindCapture   OperationKind = "capture"
	KindRefund    OperationKind = "refund"
	KindReversal  OperationKind = "reversal"
	KindPayout    OperationKind = "payout"
	KindTakeBack  OperationKind = "take_back" // of a payout
)

// MaxMark is how many bytes a mark has at most.
const MaxMark = 160

// Operation is one operation as a provider has it in its own books.
type Operation struct {
	Kind      OperationKind
	Reference string       // ours
	Original  string       // our reference of what it builds on
	Amount    money.Amount // as it was asked for
	Status    Status       // as it stood when it was answered: Approved, Declined or Pending
	Reason    string       // Stripe's decline code, for Declined
	At        time.Time    // by the provider's clock
	// Mark is what we gave along with the request for our own later use; nobody
	// else reads it.
	Mark string
	// More: further captures are to follow.
	More bool
	// Brand and Last4 are of the card, as far as the provider tells.
	Brand, Last4 string
	Instant      bool // of a payout
}

// Answer is what an inquiry or a reversal found.
type Answer uint8

const (
	// NoAnswer: the question itself has an unknown outcome; ask again.
	NoAnswer Answer = iota
	// NotFound: the provider does not know the reference now. Only when it is
	// said again after [Traits.Horizon] does it mean that nothing happened.
	NotFound
	// Found: the provider knows the reference.
	Found
)

// Finding is the result of an inquiry or a reversal.
type Finding struct {
	Answer Answer
	// Outcome, for an inquiry that found it, is how the operation asked about
	// stands; for a reversal, how the reversal itself stands.
	Outcome Outcome
}

// Traits are the figures of a provider that are data rather than code.
type Traits struct {
	// Timeout bounds one call, connection to last byte.
	Timeout time.Duration
	// Horizon is how long after a request was sent the provider may still come
	// to process it.
	Horizon time.Duration
	// ReplayWindow is how long the provider recognises a reference it has seen
	// and answers as it did the first time. Zero: it does not.
	ReplayWindow time.Duration
}

// Provider is a connection to one provider, as a value. Nil fields are
// operations that it does not have.
type Provider struct {
	Name   string
	Traits Traits
	// Methods are the types of payment methods besides cards that Authorize takes,
	// by Stripe's names.
	Methods []string

	Authorize func(context.Context, AuthorizeRequest) Outcome
	Capture   func(context.Context, CaptureRequest) Outcome
	Refund    func(context.Context, RefundRequest) Outcome
	// Authenticate has the payer prove to be the card's holder. Inquire tells how
	// it stands.
	Authenticate func(context.Context, AuthenticateRequest) Outcome
	// Increment raises an authorisation.
	Increment func(context.Context, IncrementRequest) Outcome
	// PayOut sends money to a bank account. Inquire tells how it stands.
	PayOut func(context.Context, PayoutRequest) Outcome
	// Contest answers a dispute. What comes of it is told by a notice.
	Contest func(context.Context, ContestRequest) Outcome
	// Notices gives what was told after the notice with that number, oldest
	// first, at most limit of them.
	Notices func(ctx context.Context, after int64, limit int) ([]Notice, error)
	// Parse reads a message that came unasked. Its error is [ErrUnsigned] and
	// nothing else: what is signed and can't be understood is a Pushed that says so.
	// What is told that way is told by Notices and Inquire too, so a message may be
	// lost, come late, twice or in another order.
	Parse func(Push) (Pushed, error)
	// Activity hands over the operations that the provider has had since a time,
	// by its own clock, those that it declined too; each after what it builds on.
	// An error, each's too, ends it: then it is not known what there is besides.
	Activity func(ctx context.Context, since time.Time, each func(Operation) error) error
	// Inquire asks how the operation named by our reference stands.
	Inquire func(ctx context.Context, reference string) Finding
	// Settle has a pending payment end now, as it would in time, and tells how it
	// stands. Only simulators have it.
	Settle func(ctx context.Context, reference string) Finding
	// Reverse undoes an operation, and is also how an authorisation is voided.
	// Its Outcome is Declined where the operation can't be undone any more.
	Reverse func(context.Context, ReverseRequest) Finding
	// Reports is how it tells, in files, what it has settled; nil: it does not.
	Reports *Reports
}
