// Package contract holds answers against the documents in which Stripe describes
// its API: the newest, and older ones for clients that pin an older version.
//
//	d := contract.Older(t, "2023-10-16")
//	for _, v := range d.Violations("GET", "/v1/charges/ch_1", 200, body) { … }
//
// A document is the text that Stripe publishes in the Go module
// github.com/stripe/stripe-mock (MIT); nothing of it is kept here.
package contract
