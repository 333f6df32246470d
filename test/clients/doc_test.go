// Package clients holds tests that use the real binary from outside, as its
// users do: by curl's requests here, by Stripe's official clients in node and
// golang.
package clients
