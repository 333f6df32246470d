// Package bank is a bank to try payouts with: a connector, and a simulator that
// speaks its protocol on a real socket and keeps its own book of truth.
//
// # The protocol
//
// HTTP/1.1 with JSON bodies, one request a connection.
//
//	POST /v1/transfers              send money, or take it back: the request below
//	GET  /v1/transfers/{reference}  how does it stand: 200 with the transfer, 404 not_found
//	GET  /v1/notices?after=N&limit=M  what came back after it had arrived, numbered, oldest first
//	GET  /v1/statements?zone=Z&after=DAY  statements of days that are over in a time zone
//	GET  /v1/statement?name=NAME          one of them, a camt.053.001 message
//	POST /v1/deposits               what another pays in: {reference, amount, currency, at, note}
//
// A request:
//
//	reference   1 to 64 of A-Z a-z 0-9 _ : -   the sender's own name for the transfer, unique for ever
//	original    the transfer that is taken back; absent where money is sent
//	amount      1 or more, in minor units
//	currency    three lower-case letters
//	account     {country, routing, number, holder}; absent where money is taken back
//	instant     arrives at once rather than the next day
//	descriptor  at most 64 bytes
//
// What was judged is answered with 200 and the [Transfer]. What was not judged is
// answered with {"error":{"code":…,"message":…}}:
//
//	400 invalid_json, invalid_field; 404 no_such_path; 413 too_large   nothing was done
//	409 reference_conflict   the reference names another transfer
//	500 internal             nobody knows
//
// # The life of a transfer
//
//	accepted   on its way; arrives, or comes back, when its time has come
//	arrived    in the account; may still come back
//	returned   came back: the code is why. Final
//	refused    was not taken on: the code is why. Final
//
// A transfer arrives [Transit] after it was accepted, or at once where it is
// instant. Time is the simulator's clock: what is due has happened when anybody
// looks. Arrived money is taken back by a transfer that names it as its
// original, once.
//
// # Test accounts
//
// The last four digits of the account decide. They are those of Stripe's test
// accounts (000111111116 and so on, at routing number 110000000):
//
//	1116  comes back: no_account
//	1113  comes back: account_closed
//	2227  comes back: insufficient_funds
//	3335  comes back: debit_not_authorized
//	4440  comes back: invalid_currency
//	0009  is on its way for ever
//	5559  arrives, and comes back a day later: could_not_process
//	any other arrives
//
// They are all that the book keeps of the number.
//
// # The simulator's own ways in
//
//	GET  /healthz  200 "ok"
//	GET  /book     every transfer, oldest first, one JSON object a line
//	POST /faults/statements  {"fault": FAULT, "day": DAY} makes the statements of a day go wrong: see [StatementFault]
//	POST /faults   {"fault": MODE, "count": N, "delay_ms": D} makes the next requests go wrong: see [Mode]
package bank
