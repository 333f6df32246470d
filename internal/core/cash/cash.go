package cash

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/money"
)

// Balance is the body of a customer's cash balance. What the API calls its
// settings is the customer's own.
type Balance struct {
	Customer int64 `json:"c"`
	// Available is what can be used, in ISO minor units by currency.
	Available map[money.Currency]int64 `json:"a"`
	// Waiting are the payment intents that wait for money, in the order in which
	// they began to.
	Waiting []int64 `json:"w,omitempty"`
	// Changes counts the transactions.
	Changes int64 `json:"n,omitempty"`
}

type balanceColumns struct{ Customer int64 }

// Balances are the API's cash balances. They have no ids of their own there.
var Balances = object.Define(object.Spec[Balance, balanceColumns]{
	Name: "cash_balance", Prefix: "cb", Schema: 1, Fades: true, Table: "cash_balance", Columns: "customer",
	Fields:  func(n *balanceColumns, f *db.Fields) { db.Int(f, &n.Customer) },
	Derive:  func(b *Balance) balanceColumns { return balanceColumns{b.Customer} },
	Filters: []string{"customer"},
})

// Transaction is the body of a change to a cash balance. Amounts are ISO minor
// units.
type Transaction struct {
	Customer int64 `json:"c"`
	// Number is which change of the customer's balance it is, from 1. Keys need not
	// be in that order.
	Number   int64          `json:"k"`
	Type     string         `json:"t"` // one of the types below
	Currency money.Currency `json:"y"`
	Net      int64          `json:"n"` // what the balance changes by
	Ending   int64          `json:"e"` // what it is afterwards
	// Bank is the way that the money came by, "eu_bank_transfer", and Reference
	// what its sender wrote.
	Bank      string `json:"b,omitempty"`
	Reference string `json:"r,omitempty"`
	// Intent is what it was applied to or unapplied from, and Refund what it is.
	Intent int64 `json:"i,omitempty"`
	Refund int64 `json:"f,omitempty"`
	// Posted is the balance transaction, or the movement, that its posting belongs
	// to.
	Posted int64 `json:"p"`
}

// The types of transactions.
const (
	Funded    = "funded"                 // money came in
	Applied   = "applied_to_payment"     // it was taken for a payment
	Unapplied = "unapplied_from_payment" // which gave it back
	Refunded  = "refunded_from_payment"  // a payment was refunded
)

// Transactions are the API's customer cash balance transactions.
var Transactions = object.Define(object.Spec[Transaction, balanceColumns]{
	Name: "customer_cash_balance_transaction", Prefix: "ccsbtxn", Schema: 1, Fades: true, Table: "cash_transaction", Columns: "customer",
	Fields:  func(n *balanceColumns, f *db.Fields) { db.Int(f, &n.Customer) },
	Derive:  func(t *Transaction) balanceColumns { return balanceColumns{t.Customer} },
	Filters: []string{"customer"},
})
