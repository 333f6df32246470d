package payout

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fsm"
	"github.com/florinpay/florin/internal/kit/money"
)

// Status is where a payout stands, by the API's names.
type Status string

// The states of a payout.
const (
	Pending   Status = "pending"
	InTransit Status = "in_transit"
	Paid      Status = "paid"
	Failed    Status = "failed"
	Canceled  Status = "canceled"
)

type trigger string

const (
	submitted trigger = "submitted"
	arrived   trigger = "arrived"
	failed    trigger = "failed"
	calledOff trigger = "called off"
	cameLate  trigger = "late success"
)

var machine = fsm.New("payout",
	fsm.Row[Status, trigger]{From: Pending, On: submitted, To: InTransit},
	fsm.Row[Status, trigger]{From: Pending, On: arrived, To: Paid},
	fsm.Row[Status, trigger]{From: Pending, On: failed, To: Failed},
	fsm.Row[Status, trigger]{From: Pending, On: calledOff, To: Canceled},
	fsm.Row[Status, trigger]{From: InTransit, On: submitted, To: InTransit},
	fsm.Row[Status, trigger]{From: InTransit, On: arrived, To: Paid},
	fsm.Row[Status, trigger]{From: InTransit, On: failed, To: Failed},
	fsm.Row[Status, trigger]{From: Paid, On: failed, To: Failed},
	fsm.Row[Status, trigger]{From: Failed, On: cameLate, To: Paid},
)

// Payout is money on its way to a bank account of the merchant, or, with a
// negative amount, back from it.
type Payout struct {
	Status      Status            `json:"status"`
	Amount      int64             `json:"amount"` // ISO minor units; negative: taken back
	Currency    money.Currency    `json:"currency"`
	Destination int64             `json:"destination"` // key of the bank account
	Method      string            `json:"method"`      // standard, instant
	Automatic   bool              `json:"automatic,omitempty"`
	Arrival     time.Time         `json:"arrival"` // when it is expected
	Descriptor  string            `json:"descriptor,omitempty"`
	Description string            `json:"description,omitempty"`
	SourceType  string            `json:"source_type"` // card
	Metadata    map[string]string `json:"metadata,omitempty"`
	Attempt     int64             `json:"attempt"`

	// BalanceTransaction took the money, FailureTransaction gave it back, and
	// Movement is by which it reached the bank; 0 where there is none.
	BalanceTransaction int64  `json:"txn,omitempty"`
	FailureTransaction int64  `json:"failure_txn,omitempty"`
	Movement           int64  `json:"movement,omitempty"`
	FailureCode        string `json:"failure_code,omitempty"`
	FailureMessage     string `json:"failure_message,omitempty"`
	Original           int64  `json:"original,omitempty"`    // the payout that this one takes back
	ReversedBy         int64  `json:"reversed_by,omitempty"` // the one that takes this back
	Trace              string `json:"trace,omitempty"`       // the banks' number
	// After and Until bound what an automatic payout pays out: the transactions
	// whose money became available after the one and until the other.
	After time.Time `json:"after,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

func (p *Payout) money() money.Amount { return money.New(max(p.Amount, -p.Amount), p.Currency) }

type payoutColumns struct {
	Status      Status
	Destination int64
	Arrival     int64
}

// Payouts are the payouts.
var Payouts = object.Define(object.Spec[Payout, payoutColumns]{
	Name: "payout", Prefix: "po", Schema: 1, Fades: true, Table: "payout", Columns: "status, destination, arrival",
	Fields: func(c *payoutColumns, f *db.Fields) {
		db.Text(f, &c.Status)
		db.Int(f, &c.Destination)
		db.Int(f, &c.Arrival)
	},
	Derive:  func(p *Payout) payoutColumns { return payoutColumns{p.Status, p.Destination, p.Arrival.Unix()} },
	Filters: []string{"status", "destination"},
})

// failures are what is said of a payout that failed, by Stripe's codes
// (https://docs.stripe.com/api/payouts/failures).
var failures = map[string]string{
	"account_closed":       "The bank account has been closed.",
	"account_frozen":       "The bank account has been frozen.",
	"could_not_process":    "The bank could not process this payout.",
	"debit_not_authorized": "Debit transactions are not approved on the bank account.",
	"declined":             "The bank has declined this payout. Please contact the bank before retrying.",
	"insufficient_funds":   "The account has insufficient funds to cover the payout.",
	"invalid_currency":     "The bank was unable to process this payout because of its currency. This is probably because the bank account cannot accept payments in that currency.",
	"no_account":           "The bank account details on file are probably incorrect. No bank account could be located with those details.",
}

// failure gives a code that clients know, and its words.
func failure(code string) (string, string) {
	if failures[code] == "" {
		code = "could_not_process"
	}
	return code, failures[code]
}
