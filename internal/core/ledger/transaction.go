package ledger

import (
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/money"
)

// Transaction is what a merchant sees of a movement of their money. Amounts
// are ISO 4217 minor units, signed as the merchant's balance moves: a charge
// is positive, a refund negative.
type Transaction struct {
	// Type is the API's name of what happened: "charge", "refund", …
	Type string `json:"type"`
	// ReportingCategory groups types for reports.
	ReportingCategory string `json:"category,omitempty"`
	// SourceKind and Source name the object it came from.
	SourceKind string `json:"source_kind,omitempty"`
	Source     int64  `json:"source,omitempty"`

	Currency money.Currency `json:"currency"`
	Amount   int64          `json:"amount"`        // before fees
	Fee      int64          `json:"fee,omitempty"` // positive when charged
	Net      int64          `json:"net"`           // Amount − Fee: what the balance moves by
	// FeeDetails add up to Fee.
	FeeDetails []FeeDetail `json:"fees,omitempty"`

	// AvailableOn is when what it adds can be used. [Book.Post] moves it to the
	// day on which it really will be, should the day asked for be over.
	AvailableOn time.Time `json:"available_on"`
	Description string    `json:"description,omitempty"`
	// Provider moved the money, and names it by Reference in its reports; both empty
	// where none did.
	Provider  string `json:"provider,omitempty"`
	Reference string `json:"ref,omitempty"`
}

// FeeDetail is one part of a transaction's fee.
type FeeDetail struct {
	Type        string `json:"type"`
	Amount      int64  `json:"amount"`
	Description string `json:"description,omitempty"`
}

// ProcessingFee is the type of the fee that the platform charges for a
// payment. Doors translate it to what their API calls it.
const ProcessingFee = "processing_fee"

// Types and reporting categories of transactions that go another way than a
// charge or a refund.
const (
	TypeAdjustment          = "adjustment"
	CategoryDispute         = "dispute"          // taken back by a dispute
	CategoryDisputeReversal = "dispute_reversal" // and returned
	CategoryCustomerCash    = "customer_cash"    // money held for a customer; moves nothing of the merchant's
	TypeRefundFailure       = "refund_failure"   // a refund that came back
)

type narrowTransaction struct {
	Source         int64
	Type, Currency string
	AvailableOn    time.Time
}

// Transactions are the balance transactions.
var Transactions = object.Define(object.Spec[Transaction, narrowTransaction]{
	Name: "balance_transaction", Prefix: "txn", Schema: 1, Fades: true,
	Table: "balance_transaction", Columns: "source, type, currency, available_on",
	Fields: func(n *narrowTransaction, f *db.Fields) {
		db.Int(f, &n.Source)
		db.Text(f, &n.Type)
		db.Text(f, &n.Currency)
		db.Time(f, &n.AvailableOn)
	},
	Derive: func(t *Transaction) narrowTransaction {
		return narrowTransaction{t.Source, t.Type, string(t.Currency), t.AvailableOn}
	},
	Filters: []string{"source", "type", "currency"},
})

// agrees checks that a transaction says what its postings do. A fee that is
// part of the transaction goes to [Fees] as its Fee; a transaction that is
// itself a fee has no Fee, and all of its net goes there.
func (t *Transaction) agrees(m movement) error {
	net, err := minus(t.Amount, t.Fee)
	if err != nil {
		return err
	}
	var details int64
	for _, f := range t.FeeDetails {
		if details, err = plus(details, f.Amount); err != nil {
			return err
		}
	}
	all, err := plus(m.fees, t.Net)
	switch {
	case err != nil:
		return err
	case net != t.Net:
		return fmt.Errorf("net %d is not amount %d less fee %d", t.Net, t.Amount, t.Fee)
	case m.net != t.Net:
		return fmt.Errorf("net is %d and its postings move the merchant's balance by %d", t.Net, m.net)
	case m.fees != t.Fee && (t.Fee != 0 || all != 0):
		return fmt.Errorf("fee is %d and its postings move fees by %d", t.Fee, m.fees)
	case details != t.Fee:
		return fmt.Errorf("fee is %d and its details add up to %d", t.Fee, details)
	}
	return nil
}
