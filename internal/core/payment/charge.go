package payment

import (
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// ChargeStatus is Stripe's charge status.
type ChargeStatus string

const (
	// ChargeSucceeded: authorised, and perhaps captured. Stays.
	ChargeSucceeded ChargeStatus = "succeeded"
	// ChargePending: accepted, and it is not known yet what came of it. Left when
	// that is known.
	ChargePending ChargeStatus = "pending"
	// ChargeFailed: declined. Stays.
	ChargeFailed ChargeStatus = "failed"
)

// Charge is the body of a Charge: one attempt to pay that a provider judged.
type Charge struct {
	Status             ChargeStatus   `json:"status"`
	Amount             int64          `json:"amount"` // authorised, ISO minor units
	Captured           int64          `json:"captured,omitempty"`
	Refunded           int64          `json:"refunded,omitempty"`
	Currency           money.Currency `json:"currency"`
	Intent             IntentID       `json:"intent"`
	Attempt            AttemptID      `json:"attempt"` // zero: it was paid from the cash balance
	Customer           int64          `json:"customer,omitempty"`
	Method             object.Ref     `json:"method"` // as it was when it paid
	BalanceTransaction int64          `json:"txn,omitempty"`
	Voided             bool           `json:"voided,omitempty"`
	// Authorized: it is taken by captures of its own, MaxCapture in all: more than
	// Amount where that was granted, and Captured once no more can be captured.
	Authorized bool  `json:"authorized,omitempty"`
	MaxCapture int64 `json:"max,omitempty"`
	// Captures are those of a charge that is captured in parts.
	Captures []Capture `json:"captures,omitempty"`
	// CaptureBefore is when an authorisation is given up, on its customer's line
	// of time; zero for a sale.
	CaptureBefore     time.Time         `json:"capture_before,omitzero"`
	Failure           *fault.Error      `json:"failure,omitempty"`
	NetworkCode       string            `json:"code,omitempty"`
	AuthorizationCode string            `json:"auth,omitempty"`
	CVCCheck          string            `json:"cvc,omitempty"`
	Mandate           int64             `json:"mandate,omitempty"`
	ThreeDS           *provider.ThreeDS `json:"three_ds,omitempty"` // what the payer's authentication came to
	Line1Check        string            `json:"line1,omitempty"`
	PostalCheck       string            `json:"postal,omitempty"`
	Description       string            `json:"description,omitempty"`
	Descriptor        string            `json:"descriptor,omitempty"`
	DescriptorSuffix  string            `json:"suffix,omitempty"`
	TransferGroup     string            `json:"group,omitempty"`
	RadarSession      string            `json:"radar,omitempty"`
	Network           string            `json:"network,omitempty"` // gone over; empty: the method's own
	Metadata          map[string]string `json:"metadata,omitempty"`
	// Contact is where the receipt and the goods go.
	Contact vault.SealedContact `json:"contact,omitzero"`
	// Statement is what the payer reads on the statement.
	Statement string `json:"statement,omitempty"`
	// Features are those that were asked for, and Granted what was approved; nil:
	// to capture the amount once.
	Features provider.Features `json:"features,omitzero"`
	Granted  *provider.Granted `json:"granted,omitempty"`
	// Contradicted are operations that succeeded after they were called failed, for
	// as long as others have their place, in the order in which that was learned.
	Contradicted []AttemptID `json:"contradictions,omitempty"`
	// Risk is how risky it was found; nil: not.
	Risk *Risk `json:"risk,omitempty"`
	// Review is the key of its review; 0: there is none.
	Review int64 `json:"review,omitempty"`
	// UserReport is what the merchant says of it: fraudulent or safe.
	UserReport string `json:"report,omitempty"`
	// Complaints are the disputes and inquiries about it, in the order in which
	// they came. Disputed is what disputes have taken back and not returned, ISO
	// minor units; Warned is the key of its early fraud warning.
	Complaints []Complaint `json:"complaints,omitempty"`
	Disputed   int64       `json:"disputed,omitempty"`
	Warned     int64       `json:"warned,omitempty"`
	// GivenBack tells that the money came when it was no longer wanted, and
	// Bounced how often a refund of it did not reach the payer.
	GivenBack string `json:"given_back,omitempty"`
	Bounced   int    `json:"bounced,omitempty"`
}

// Capture is a part of a charge that was taken.
type Capture struct {
	Amount             int64 `json:"amount"`
	BalanceTransaction int64 `json:"txn"`
}

// taken are the parts in which a charge was taken.
func (c *Charge) taken() []Capture {
	if len(c.Captures) > 0 || c.Captured == 0 {
		return c.Captures
	}
	return []Capture{{c.Captured, c.BalanceTransaction}}
}

// held is how much of an authorisation is neither captured nor released.
func (c *Charge) held() int64 {
	if !c.Authorized || c.MaxCapture <= c.Captured {
		return 0
	}
	return max(0, c.Amount-c.Captured)
}

func (c *Charge) money(minor int64) money.Amount { return money.New(minor, c.Currency) }

type chargeColumns struct {
	Customer      int64
	Intent        IntentID
	Status        ChargeStatus
	Amount        int64 // as the API counts
	Currency      money.Currency
	TransferGroup string
}

// Charges are the charges.
var Charges = object.Define(object.Spec[Charge, chargeColumns]{
	Name: "charge", Prefix: "ch", Schema: 1, Fades: true, Table: "charge", Columns: "customer, intent, status, amount, currency, transfer_group",
	Fields: func(c *chargeColumns, f *db.Fields) {
		db.Int(f, &c.Customer)
		db.Int(f, &c.Intent)
		db.Text(f, &c.Status)
		db.Int(f, &c.Amount)
		db.Text(f, &c.Currency)
		db.Text(f, &c.TransferGroup)
	},
	Derive: func(c *Charge) chargeColumns {
		return chargeColumns{c.Customer, c.Intent, c.Status, apiAmount(c.money(c.Amount)), c.Currency, c.TransferGroup}
	},
	Filters: []string{"customer", "intent", "transfer_group"},
	// Of its card and its payer's address, which the payment method has.
	Index: func(c *Charge) int64 {
		return digestOf(c.Metadata, strconv.FormatInt(c.Method.Key, 36), strconv.FormatInt(c.Method.Version, 36))
	},
})

// RefundStatus is Stripe's refund status.
type RefundStatus string

const (
	// RefundPending: in flight, or its outcome is not known. Left by the outcome.
	RefundPending RefundStatus = "pending"
	// RefundSucceeded: the money is on its way back. Left only by the provider's
	// word that it did not arrive.
	RefundSucceeded RefundStatus = "succeeded"
	// RefundFailed: nothing was given back. Left only by a late success.
	RefundFailed RefundStatus = "failed"
)

// Refund is the body of a Refund.
type Refund struct {
	Status             RefundStatus      `json:"status"`
	Amount             int64             `json:"amount"` // ISO minor units
	Currency           money.Currency    `json:"currency"`
	Charge             ChargeID          `json:"charge"`
	Intent             IntentID          `json:"intent"`
	Reason             string            `json:"reason,omitempty"` // duplicate, fraudulent, requested_by_customer
	Metadata           map[string]string `json:"metadata,omitempty"`
	BalanceTransaction int64             `json:"txn,omitempty"`
	FailureReason      string            `json:"failure,omitempty"` // Stripe's failure_reason
	// Type is that of the method that was paid with, where it is no card.
	Type string `json:"type,omitempty"`
	// Contact is where the payer is told how the money comes back.
	Contact vault.SealedContact `json:"contact,omitzero"`
	// ToCash: it went to the customer's cash balance.
	ToCash bool `json:"cash,omitempty"`
	// FailureTransaction is by which the money came back, where it had gone.
	FailureTransaction int64 `json:"failure_txn,omitempty"`
}

type refundColumns struct {
	Charge ChargeID
	Intent IntentID
}

// Refunds are the refunds.
var Refunds = object.Define(object.Spec[Refund, refundColumns]{
	Name: "refund", Prefix: "re", Schema: 1, Fades: true, Table: "refund", Columns: "charge, intent",
	Fields: func(c *refundColumns, f *db.Fields) {
		db.Int(f, &c.Charge)
		db.Int(f, &c.Intent)
	},
	Derive:  func(r *Refund) refundColumns { return refundColumns{r.Charge, r.Intent} },
	Filters: []string{"charge", "intent"},
})
