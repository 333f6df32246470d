package setup

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/fsm"
)

// IntentID and AttemptID are row keys of their objects.
type (
	IntentID  int64
	AttemptID int64
)

// Status is where an intent stands; the values are Stripe's
// (https://docs.stripe.com/payments/intents#intent-statuses).
type Status string

const (
	// RequiresPaymentMethod: nothing to set up yet, or the last try failed. Left
	// by giving a method, by confirming with one, or by cancelling.
	RequiresPaymentMethod Status = "requires_payment_method"
	// RequiresConfirmation: has a method. Left by confirming or cancelling.
	RequiresConfirmation Status = "requires_confirmation"
	// RequiresAction: the holder has to authenticate. Left when that has happened,
	// or by confirming anew or cancelling.
	RequiresAction Status = "requires_action"
	// Processing: an attempt is in flight or its outcome is not known. Left by the
	// outcome alone.
	Processing Status = "processing"
	// Succeeded: the method is set up. Final.
	Succeeded Status = "succeeded"
	// Canceled: nothing will be set up. Final.
	Canceled Status = "canceled"
)

// Trigger is what moves an intent.
type Trigger string

const (
	giveMethod  Trigger = "give method"
	takeMethod  Trigger = "take method away"
	confirm     Trigger = "confirm"
	needsAction Trigger = "holder asked to authenticate"
	done        Trigger = "set up"
	failed      Trigger = "attempt failed"
	cancel      Trigger = "cancel"
)

// intentMachine is the intent's whole life.
var intentMachine = fsm.New("setup_intent",
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresPaymentMethod, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresConfirmation, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: giveMethod, To: RequiresConfirmation},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: takeMethod, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: confirm, To: Processing},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: done, To: Succeeded},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: failed, To: RequiresPaymentMethod},
	fsm.Row[Status, Trigger]{From: RequiresAction, On: cancel, To: Canceled},
	fsm.Row[Status, Trigger]{From: Processing, On: needsAction, To: RequiresAction},
	fsm.Row[Status, Trigger]{From: Processing, On: done, To: Succeeded},
	fsm.Row[Status, Trigger]{From: Processing, On: failed, To: RequiresPaymentMethod},
)

// Intent is the body of a SetupIntent.
type Intent struct {
	Status         Status              `json:"status"`
	Customer       int64               `json:"customer,omitempty"`
	Method         int64               `json:"method,omitempty"`
	MethodTypes    []string            `json:"types,omitempty"`
	Excluded       []string            `json:"excluded,omitempty"`   // excluded_payment_method_types
	Automatic      string              `json:"automatic,omitempty"`  // allow_redirects of automatic_payment_methods; empty: off
	Directions     []string            `json:"directions,omitempty"` // flow_directions
	Description    string              `json:"description,omitempty"`
	Metadata       map[string]string   `json:"metadata,omitempty"`
	Usage          string              `json:"usage"`              // on_session, off_session
	ThreeDSecure   string              `json:"three_ds,omitempty"` // request_three_d_secure; empty: as the issuer wants it
	Network        string              `json:"network,omitempty"`  // payment_method_options[card][network]
	Options        payment.TypeOptions `json:"options,omitempty"`  // those of other types
	Action         *payment.Action     `json:"action,omitempty"`   // in RequiresAction
	LatestAttempt  AttemptID           `json:"latest,omitempty"`   // whatever became of it
	Mandate        int64               `json:"mandate,omitempty"`
	LastError      *Failure            `json:"error,omitempty"`
	CanceledReason string              `json:"reason,omitempty"`
	CanceledAt     time.Time           `json:"canceled,omitzero"`
}

// Failure is why the last attempt failed.
type Failure struct {
	fault.Error
	Method object.Ref `json:"method"`
}

type intentColumns struct {
	Status           Status
	Customer, Method int64
}

// Intents are the SetupIntents.
var Intents = object.Define(object.Spec[Intent, intentColumns]{
	Name: "setup_intent", Prefix: "seti", Schema: 1, Fades: true, Table: "setup_intent", Columns: "status, customer, method",
	Fields: func(c *intentColumns, f *db.Fields) {
		db.Text(f, &c.Status)
		db.Int(f, &c.Customer)
		db.Int(f, &c.Method)
	},
	Derive:  func(i *Intent) intentColumns { return intentColumns{i.Status, i.Customer, i.Method} },
	Filters: []string{"customer", "method"},
})

// unexpected is Stripe's refusal of an operation in a state that has none.
func unexpected(operation string, st Status) *fault.Error {
	return fault.New(fault.Invalid, "setup_intent_unexpected_state",
		"You cannot %s this SetupIntent because it has a status of %s.", operation, st)
}
