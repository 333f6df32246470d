// Package cash keeps the money that customers have sent ahead: Stripe's cash
// balance.
//
// A customer has at most one [Balance], with an amount in each currency, made
// by the first money that comes. Every change is a [Transaction] and a posting
// in the ledger: the money is held for the customer and is none of the
// merchant's, so that it is in no balance that the merchant sees. A balance is
// the sum of its transactions, never below zero, and all balances of a currency
// are together what customer_cash has.
//
// A payment that is to be made by bank transfer takes what there is, and waits
// for the rest: it is in the balance's list, and what it has got is set aside in
// applied_cash until it is whole. Everything that takes of a balance holds its
// row, so that nothing is taken twice. [Service.Check] compares all of these.
package cash
