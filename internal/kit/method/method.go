// Package method knows facts about the types of payment methods: how a payment
// by each goes, where and in which currencies it is taken, and what it can do
// afterwards. It says nothing of whether there is somebody who moves the money;
// that is for a provider to say.
//
// # Sources
//
// The names are those of payment_method.type in Stripe's OpenAPI document of
// 2026-08-26.dahlia, with the two that the train 2026-10-28.endive adds. Classes,
// currencies, countries and what a type can do are facts of
// https://docs.stripe.com/payments/payment-methods/payment-method-support and of
// the page of each type below it; how accounts are written is ISO 13616 for IBANs
// and the national clearing systems' for others. Figures that a provider may have
// otherwise, such as how long a voucher is good for, are what holds where nothing
// else is said.
package method

import (
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/kit/money"
)

// Class is how a payment by a type goes. One engine serves all types of a class.
type Class string

// The classes.
const (
	// Sync: whoever is asked answers at once.
	Sync Class = "sync"
	// Redirect: the payer goes to a page of the provider and comes back.
	Redirect Class = "redirect"
	// QR: the payer scans a code.
	QR Class = "qr"
	// Push: the payer approves in an application of their bank.
	Push Class = "push"
	// Voucher: the payer takes a number to a shop or a machine and pays there.
	Voucher Class = "voucher"
	// Delayed: the payment is accepted, and what became of it is known days later.
	Delayed Class = "delayed"
	// Transfer: the payer sends money, which may be less or more than was asked.
	Transfer Class = "transfer"
	// Reader: the payment method is present at a reader.
	Reader Class = "reader"
	// External: somebody else moves the money, and only the record is here.
	External Class = "external"
)

// Refund is what can be given back of a payment.
type Refund string

// What can be given back.
const (
	NoRefund Refund = "none"
	Whole    Refund = "whole" // the whole payment or nothing
	Partial  Refund = "partial"
)

// Limit is the range of amounts, in ISO 4217 minor units; zero bounds nothing.
type Limit struct{ Least, Most int64 }

// Type is one type of payment methods.
type Type struct {
	Name  string
	Class Class
	// Action is Stripe's next_action.type where the payer has to do something;
	// empty: nothing.
	Action string
	// Currencies that it takes; nil: every one.
	Currencies []money.Currency
	// Countries of payers, ISO 3166-1 alpha-2; nil: every one, or too many.
	Countries []string
	// Expires is how long the payer has for the action; zero: as the provider
	// says, or there is none.
	Expires time.Duration
	// Days is how many business days a payment of class Delayed takes until it is
	// known whether it succeeded.
	Days   int
	Refund Refund
	// Reusable: it can be set up for payments while its holder is away.
	Reusable bool
	// Manual: money can be reserved first and captured later.
	Manual bool
	// Mandate: each payment rests on a mandate of the account's holder.
	Mandate bool
	// Customer: a payment needs a customer.
	Customer bool
	// Limits by currency; nil: those of the currency.
	Limits map[money.Currency]Limit
	// Required are the fields of billing_details that a payment needs, and the
	// parameters within the type's own hash that a payment method needs.
	Required, Fields []string
	// Account is what kind of bank account it is about; empty: none.
	Account Account
}

// Account is a kind of bank account: how it is written.
type Account string

// The kinds of accounts that are debited.
const (
	IBAN Account = "iban"
	ABA  Account = "aba"  // a routing number of nine digits and an account number
	Sort Account = "sort" // a sort code of six digits and an account number of eight
	CPA  Account = "cpa"  // an institution number, a transit number and an account number
	BSB  Account = "bsb"  // a BSB number of six digits and an account number
	NZ   Account = "nz"   // a bank code, a branch code, an account number and a suffix
)

// Of finds a type by its name.
func Of(name string) (Type, bool) {
	t, ok := types[name]
	return t, ok
}

// Names lists the types in alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(types)) }

// TakesCurrency reports whether a payment in c can be made by it.
func (t *Type) TakesCurrency(c money.Currency) bool {
	return t.Currencies == nil || slices.Contains(t.Currencies, c)
}

// Within reports whether the amount is within the type's limits.
func (t *Type) Within(a money.Amount) bool {
	l := t.Limits[a.Currency()]
	return a.Minor() >= l.Least && (l.Most == 0 || a.Minor() <= l.Most)
}
