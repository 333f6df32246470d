package ledger

import (
	"fmt"

	"github.com/florinpay/florin/internal/kit/money"
)

// Kind is what an account is for. Every scope has at most one account of each
// kind in each currency. Net is credits − debits, so that what we hold of
// others is negative and what we owe is positive.
type Kind int64

// The kinds of accounts. Numbers are stored and never change.
const (
	// ProviderClearing is what providers owe for payments taken: debited by a
	// capture, credited by refunds and by what they settle.
	ProviderClearing Kind = 1
	// Pending is the merchant's money that is not available yet; it leaves when
	// its day comes.
	Pending Kind = 2
	// Available is the merchant's money that can be paid out or refunded from.
	Available Kind = 3
	// Fees is what the platform has charged the merchant.
	Fees Kind = 4
	// PayoutInTransit is what was taken from Available for a payout that has
	// not reached the merchant's bank.
	PayoutInTransit Kind = 5
	// Bank is the platform's own bank account: debited by settlements, credited
	// by payouts.
	Bank Kind = 6
	// Disputes is passed by what disputes take from the merchant or return. The
	// provider moves the money at once, so nothing stays in it.
	Disputes Kind = 7
	// ProviderCost is what providers kept of settlements.
	ProviderCost Kind = 8
	// CustomerCash is money that customers have sent ahead: credited when it comes
	// to Bank. It is theirs, and not the merchant's, until a payment takes it.
	CustomerCash Kind = 9
	// AppliedCash is what of it is set aside for payments that are not whole yet.
	AppliedCash Kind = 10
	// DueTo is what was taken from Available for other scopes, credited when it
	// sets out; DueFrom is what came from others, debited when it arrives. Over all
	// scopes they cancel out but for what is under way. See [Remittance].
	DueTo   Kind = 11
	DueFrom Kind = 12
)

var kindNames = [...]string{ProviderClearing: "provider_clearing", Pending: "pending", Available: "available", Fees: "fees",
	PayoutInTransit: "payout_in_transit", Bank: "bank", Disputes: "disputes", ProviderCost: "provider_cost", CustomerCash: "customer_cash", AppliedCash: "applied_cash", DueTo: "due_to", DueFrom: "due_from"}

// Known reports whether k is one of the kinds.
func (k Kind) Known() bool { return k >= ProviderClearing && k <= DueFrom }

// String gives the kind's name: "available".
func (k Kind) String() string {
	if k.Known() {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", int64(k))
}

// merchant reports whether the account's balance is one that the merchant sees
// as theirs.
func (k Kind) merchant() bool { return k == Pending || k == Available }

// Account is an account within a scope, as the number that its rows are
// stored under: its kind times 1000 plus its currency's ISO 4217 numeric code.
type Account int64

// perKind is one more than the largest ISO 4217 numeric code.
const perKind = 1000

// AccountOf is the account of a kind in a currency.
func AccountOf(k Kind, c money.Currency) Account {
	return Account(int64(k)*perKind + int64(c.Numeric()))
}

// Kind is what the account is for.
func (a Account) Kind() Kind { return Kind(a / perKind) }

// Currency is the account's currency, empty if the number names none.
func (a Account) Currency() money.Currency {
	c, _ := money.CurrencyByNumeric(int(a % perKind))
	return c
}

// String is the form for people: "available:usd".
func (a Account) String() string { return a.Kind().String() + ":" + string(a.Currency()) }

// known reports whether the number names an account that there can be.
func (a Account) known() bool { return a.Kind().Known() && a.Currency() != "" }

// Balance is the state of one account, in ISO 4217 minor units. None of the
// three is ever negative.
type Balance struct {
	Account         Account
	Debits, Credits int64 // sums of the postings on either side
	Held            int64 // sum of the holds
}

// Net is credits − debits.
func (b Balance) Net() int64 { return b.Credits - b.Debits }

// Amount is Net as money.
func (b Balance) Amount() money.Amount { return money.New(b.Net(), b.Account.Currency()) }

// free is what of the balance is not held, below 0 when more is held than
// there is. A net of nothing or less has nothing free, whatever is held.
func (b Balance) free() int64 {
	net := b.Net()
	if net <= 0 {
		return 0
	}
	return net - b.Held
}
