package payment

import (
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/money"
)

// IntentID, ChargeID, RefundID and AttemptID are row keys of their objects.
type (
	IntentID  int64
	ChargeID  int64
	RefundID  int64
	AttemptID int64
)

// Status is where an intent stands; the values are Stripe's
// (https://docs.stripe.com/payments/paymentintents/lifecycle).
type Status string

const (
	// RequiresPaymentMethod: nothing to pay with yet, or the last try failed.
	// Left by giving a method, by confirming with one, or by cancelling.
	RequiresPaymentMethod Status = "requires_payment_method"
	// RequiresConfirmation: has a method. Left by confirming or cancelling.
	RequiresConfirmation Status = "requires_confirmation"
	// Processing: an attempt to authorise is in flight or its outcome is not
	// known. Left by the outcome alone.
	Processing Status = "processing"
	// RequiresAction: the payer has to authenticate, or to send money. Left when
	// the payer has, or by confirming anew or cancelling.
	RequiresAction Status = "requires_action"
	// RequiresCapture: the amount is reserved. Left by capturing or voiding.
	RequiresCapture Status = "requires_capture"
	// Succeeded: the money is taken. Final.
	Succeeded Status = "succeeded"
	// Canceled: nothing will be taken. Final.
	Canceled Status = "canceled"
)

// Trigger is what moves an intent.
type Trigger string

const (
	giveMethod     Trigger = "give method"
	takeMethod     Trigger = "take method"
	confirm        Trigger = "confirm"
	saleApproved   Trigger = "sale approved"
	authApproved   Trigger = "authorisation approved"
	attemptFailed  Trigger = "attempt declined or failed"
	captureSettled Trigger = "capture approved"
	cancel         Trigger = "cancel"
	voidSettled    Trigger = "void approved"
	needsAction    Trigger = "payer asked to authenticate"
	actionDone     Trigger = "payer authenticated"
	actionKept     Trigger = "payer authenticated, to be confirmed again"
	lateSale       Trigger = "late sale"
	lateAuth       Trigger = "late authorisation"
	fundsCame      Trigger = "all of a bank transfer came"
)

// intentMachine is the intent's whole life.
var intentMachine = fsm.New("payment_intent",
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: lateSale, To: Succeeded},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: lateAuth, To: RequiresCapture},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: lateSale, To: Succeeded},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: lateAuth, To: RequiresCapture},
	fsm.Row[Status, Trigger]{From: Processing, On: saleApproved, To: Succeeded},
	fsm.Row[Status, Trigger]{From: Processing, On: authApproved, To: RequiresCapture},
	fsm.Row[Status, Trigger]{From: Processing, On: attemptFailed, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: Processing, On: needsAction, To: RequiresAction},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: actionDone, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: actionKept, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: attemptFailed, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: fundsCame, To: Succeeded},
	fsm.Row[Status, Trigger]{From: RequiresCapture, On: captureSettled, To: Succeeded},
	fsm.Row[Status, Trigger]{From: RequiresCapture, On: voidSettled, To: Canceled},
)

// Intent is the body of a PaymentIntent. Amounts are in ISO 4217 minor units.
type Intent struct {
	Status             Status            `json:"status"`
	Amount             int64             `json:"amount"`
	Currency           money.Currency    `json:"currency"`
	Capturable         int64             `json:"capturable,omitempty"`
	Received           int64             `json:"received,omitempty"`
	CaptureMethod      string            `json:"capture"` // automatic, automatic_async, manual
	ConfirmationMethod string            `json:"confirmation,omitempty"`
	Customer           int64             `json:"customer,omitempty"`
	Method             int64             `json:"method,omitempty"`
	MethodTypes        []string          `json:"types,omitempty"`
	ExcludedTypes      []string          `json:"excluded,omitempty"`
	Automatic          string            `json:"automatic,omitempty"` // allow_redirects of automatic_payment_methods; empty: off
	Description        string            `json:"description,omitempty"`
	Descriptor         string            `json:"descriptor,omitempty"`
	DescriptorSuffix   string            `json:"suffix,omitempty"`
	SetupFutureUsage   string            `json:"future,omitempty"`
	TransferGroup      string            `json:"group,omitempty"`
	CustomerReference  string            `json:"customer_reference,omitempty"`
	OrderReference     string            `json:"order,omitempty"`
	RadarSession       string            `json:"radar,omitempty"`
	TaxCalculation     string            `json:"calculation,omitempty"`
	Configuration      string            `json:"configuration,omitempty"` // public id of the payment method configuration
	Metadata           map[string]string `json:"metadata,omitempty"`
	Details            AmountDetails     `json:"details,omitzero"`
	Card               CardOptions       `json:"card,omitzero"`
	Options            TypeOptions       `json:"options,omitempty"`
	Cash               CashOptions       `json:"cash,omitzero"`
	// Contact is where the receipt and the goods go.
	Contact      vault.SealedContact `json:"contact,omitzero"`
	LatestCharge ChargeID            `json:"charge,omitempty"`
	// Review is the key of the review of what paid it; 0: there is none.
	Review    int64    `json:"review,omitempty"`
	LastError *Failure `json:"error,omitempty"`
	// Attempt is the open attempt to authenticate, authorise, capture or void;
	// zero: none.
	Attempt AttemptID `json:"attempt,omitempty"`
	// ThreeDSecure is the wish for authentication (request_three_d_secure); empty:
	// as the issuer wants it.
	ThreeDSecure string `json:"three_ds,omitempty"`
	// Action is what the payer has to do, in RequiresAction.
	Action *Action `json:"action,omitempty"`
	// Proof is an authentication that succeeded, for the next confirmation to use.
	Proof AttemptID `json:"proof,omitempty"`
	// Funded is what of its customer's cash balance was taken for it.
	Funded int64 `json:"funded,omitempty"`
	// Increments counts the attempts to have more authorised.
	Increments         int       `json:"increments,omitempty"`
	CanceledAt         time.Time `json:"canceled,omitzero"`
	CancellationReason string    `json:"reason,omitempty"`
}

// Failure is why the last attempt to pay failed.
type Failure struct {
	fault.Error
	Charge ChargeID   `json:"charge,omitempty"`
	Method object.Ref `json:"method"`
}

// manual reports whether money is taken by a capture of its own.
func (i *Intent) manual() bool {
	return i.CaptureMethod == "manual" || i.Card.CaptureMethod == "manual"
}

// future is how the method is to be used later; empty: not at all.
func (i *Intent) future() string {
	switch i.Card.SetupFutureUsage {
	case "":
		return i.SetupFutureUsage
	case "none":
		return ""
	}
	return i.Card.SetupFutureUsage
}

func (i *Intent) money(minor int64) money.Amount { return money.New(minor, i.Currency) }

type intentColumns struct {
	Status   Status
	Customer int64
	Amount   int64 // as the API counts
	Currency money.Currency
}

// Intents are the PaymentIntents.
var Intents = object.Define(object.Spec[Intent, intentColumns]{
	Name: "payment_intent", Prefix: "pi", Schema: 1, Fades: true, Table: "payment_intent", Columns: "status, customer, amount, currency",
	Fields: func(c *intentColumns, f *db.Fields) {
		db.Text(f, &c.Status)
		db.Int(f, &c.Customer)
		db.Int(f, &c.Amount)
		db.Text(f, &c.Currency)
	},
	Derive: func(i *Intent) intentColumns {
		return intentColumns{i.Status, i.Customer, apiAmount(i.money(i.Amount)), i.Currency}
	},
	Filters: []string{"customer"},
	Index:   func(i *Intent) int64 { return digestOf(i.Metadata) },
})

// apiAmount is an amount as the API counts it, so that a search by the API's
// number finds it. What is beyond the API's range is never shown; it stays as it is.
func apiAmount(a money.Amount) int64 {
	n, err := a.ToAPI()
	if err != nil {
		return a.Minor()
	}
	return n
}

// digestOf is what the search index has of an object: its metadata, and
// whatever else parts tell.
func digestOf(metadata map[string]string, parts ...string) int64 {
	if len(metadata) == 0 && len(parts) == 0 {
		return 0
	}
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		parts = append(parts, k, metadata[k])
	}
	return object.Digest(parts...)
}

// unexpected is Stripe's refusal of an operation in a state that has none.
func unexpected(operation string, st Status) *fault.Error {
	hint := map[Status]string{
		RequiresPaymentMethod: " Provide a payment method and confirm it first.",
		RequiresConfirmation:  " Confirm it first.",
		Processing:            " Wait for its outcome.",
	}[st]
	return fault.New(fault.Invalid, "payment_intent_unexpected_state",
		"This PaymentIntent's status is %s, in which it can't be %s.%s", st, operation, hint)
}
