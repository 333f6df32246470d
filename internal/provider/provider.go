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
	// CVCCheck is "pass", "fail", "unavailable", "unchecked" or empty.
	CVCCheck string
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

// AuthorizeRequest asks for an amount to be reserved on a card, or taken at
// once.
type AuthorizeRequest struct {
	Reference  string       // ours, unique for ever: names this operation
	Amount     money.Amount // to authorise
	Card       Card
	Capture    bool   // take it at once (a sale) instead of reserving it
	Descriptor string // what the payer reads on the statement
}

// CaptureRequest asks for an authorised amount, or part of it, to be taken.
// The rest is released.
type CaptureRequest struct {
	Reference string       // ours, names the capture
	Original  string       // our reference of the authorisation
	Amount    money.Amount // ≤ the authorised amount
}

// RefundRequest asks for a captured amount, or part of it, to be given back.
type RefundRequest struct {
	Reference string       // ours, names the refund
	Original  string       // our reference of the sale or the authorisation that was captured
	Amount    money.Amount // ≤ what is captured and not yet refunded
}

// ReverseRequest asks that the operation named Original be undone whole: an
// authorisation released, a sale, capture or refund undone before settlement.
type ReverseRequest struct {
	Reference string       // ours, names the reversal
	Original  string       // our reference of what is undone
	Amount    money.Amount // the amount of what is undone
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

	Authorize func(context.Context, AuthorizeRequest) Outcome
	Capture   func(context.Context, CaptureRequest) Outcome
	Refund    func(context.Context, RefundRequest) Outcome
	// Inquire asks how the operation named by our reference stands.
	Inquire func(ctx context.Context, reference string) Finding
	// Reverse undoes an operation, and is also how an authorisation is voided.
	// Its Outcome is Declined where the operation can't be undone any more.
	Reverse func(context.Context, ReverseRequest) Finding
}
