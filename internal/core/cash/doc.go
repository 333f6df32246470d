// Package cash keeps the money that customers have sent ahead: Stripe's cash
// balance.
//
// A customer has at most one [Balance], with an amount in each currency, made
// by the first money that comes. Every change is a [Transaction], and a posting
// between bank and customer_cash in the ledger: the money is held for the
// customer and is none of the merchant's, so that it is in no balance that the
// merchant sees. A balance is the sum of its transactions, never below zero, and
// all balances of a currency are together what customer_cash has; [Service.Check]
// compares the three.
package cash
