package dispute

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/money"
)

// Dispute is the body of a dispute or an inquiry.
type Dispute struct {
	Status   Status           `json:"status"`
	Reason   string           `json:"reason"`            // Stripe's
	Network  string           `json:"network,omitempty"` // the card network's code of the reason
	Case     string           `json:"case"`              // Stripe's case_type: chargeback, inquiry, compliance
	Amount   int64            `json:"amount"`            // ISO minor units
	Currency money.Currency   `json:"currency"`
	Charge   payment.ChargeID `json:"charge"`
	Intent   payment.IntentID `json:"intent"`
	Method   object.Ref       `json:"method"` // paid with, as it was
	// ProviderID is the provider's name of it, Notice the number of the last notice
	// that was applied, and Heard that notice's time.
	ProviderID string    `json:"pid"`
	Notice     int64     `json:"notice"`
	Heard      time.Time `json:"heard,omitzero"`
	// Enhanced are the programmes of the networks under which evidence may be
	// given: Stripe's enhanced_eligibility_types.
	Enhanced []string `json:"enhanced,omitempty"`
	// Due is by when evidence must be there; zero: none is wanted. It is a time on
	// the payer's Line, a test clock or the system's.
	Due  time.Time `json:"due,omitzero"`
	Line int64     `json:"line,omitempty"`
	// Promised is Due as the provider said it, in its own time.
	Promised time.Time `json:"promised,omitzero"`

	// Evidence is sealed under the key of Subject; see [Evidence].
	Subject  int64  `json:"subject"`
	Evidence []byte `json:"evidence,omitempty"`
	// Submissions counts how often evidence was given; PastDue tells that the
	// last came too late.
	Submissions int  `json:"submissions,omitempty"`
	PastDue     bool `json:"past_due,omitempty"`
	// Answer is the attempt to answer that is under way; zero: none. Asked is
	// Notice as it was when it began.
	Answer payment.AttemptID `json:"answer,omitempty"`
	Asked  int64             `json:"asked,omitempty"`

	// Refundable tells that the charge can still be refunded, in part at least.
	Refundable bool `json:"refundable,omitempty"`
	// Transactions are those by which money was taken and returned, in turn.
	Transactions []int64           `json:"txns,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
}

func (d *Dispute) money() money.Amount { return money.New(d.Amount, d.Currency) }

// taken reports whether the disputed amount is with the payer: what was taken is
// returned in turn.
func (d *Dispute) taken() bool { return len(d.Transactions)%2 == 1 }

type columns struct {
	Status Status
	Charge payment.ChargeID
	Intent payment.IntentID
}

// Disputes are the disputes and inquiries.
var Disputes = object.Define(object.Spec[Dispute, columns]{
	Name: "dispute", Prefix: "dp", Schema: 1, Fades: true, Table: "dispute", Columns: "status, charge, intent",
	Fields: func(c *columns, f *db.Fields) {
		db.Text(f, &c.Status)
		db.Int(f, &c.Charge)
		db.Int(f, &c.Intent)
	},
	Derive:  func(d *Dispute) columns { return columns{d.Status, d.Charge, d.Intent} },
	Filters: []string{"charge", "intent"},
})

// Warning is the body of an early fraud warning: the issuer takes a payment for
// fraud, before or instead of a dispute.
type Warning struct {
	Type   string           `json:"type"` // Stripe's fraud_type
	Charge payment.ChargeID `json:"charge"`
	Intent payment.IntentID `json:"intent"`
	// Actionable: refunding the charge may yet prevent a dispute.
	Actionable bool `json:"actionable,omitempty"`
}

type warningColumns struct {
	Charge payment.ChargeID
	Intent payment.IntentID
}

// Warnings are the early fraud warnings.
var Warnings = object.Define(object.Spec[Warning, warningColumns]{
	Name: "radar.early_fraud_warning", Prefix: "issfr", Schema: 1, Fades: true, Table: "fraud_warning", Columns: "charge, intent",
	Fields: func(c *warningColumns, f *db.Fields) {
		db.Int(f, &c.Charge)
		db.Int(f, &c.Intent)
	},
	Derive:  func(w *Warning) warningColumns { return warningColumns{w.Charge, w.Intent} },
	Filters: []string{"charge", "intent"},
})
