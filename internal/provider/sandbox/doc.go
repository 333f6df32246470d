// Package sandbox is a card acquirer to try Florin with: a connector, and a
// simulator that speaks its protocol on a real socket and keeps its own book
// of truth.
//
// # The protocol
//
// HTTP/1.1 with JSON bodies (docs/sandbox.md has transcripts; a test binds
// this package to them).
//
//	POST /v1/operations              do something: the request below
//	GET  /v1/operations/{reference}  how does it stand: 200 with the operation, 404 not_found
//	POST /v1/operations/{reference}/settle  likewise, once a pending sale on an account has ended, whatever the time
//	GET  /v1/notices?after=N&limit=N what is told unasked, numbered
//	GET  /v1/reports?zone=Z&after=DAY  settlement reports of days that are over in a time zone
//	GET  /v1/report?name=NAME        one of them, as CSV: see wire_report.go
//	GET, POST /pages/3ds/{reference} the page where a payer ends an authentication, and the answer
//
// A request:
//
//	reference       1 to 64 of A-Z a-z 0-9 _ : -   the sender's own name for the operation, unique for ever
//	kind            authenticate | authorize | sale | increment | capture | refund | reversal | contest
//	original        increment, capture, refund: the authorisation or sale; reversal: whatever is undone; contest: what is disputed
//	amount          all but contest: 1 or more, in minor units; authenticate, authorize: 0 or more
//	currency        all but contest: three lower-case letters
//	card            authenticate, authorize, sale: {number, exp_month 1-12, exp_year 2000-2099, cvc (optional, 3 or 4 digits)}
//	method, account sale: rather than a card, the type of its payment method and {country, routing, number} of a bank account
//	mandate         sale on an account: optional reference of its holder's permission
//	hold            sale on an account: optional, it is pending until it is settled
//	descriptor      authorize, sale: optional, at most 64 bytes
//	billing         authorize, sale: optional {line1, postal_code}
//	features        authorize, sale: optional list of increment, multicapture, overcapture, extended, partial
//	authentication  authorize, sale: optional reference of an authentication
//	off_session     authorize, sale: optional, the payer is away
//	set_up          authenticate, authorize, sale: optional, for use while the payer is away
//	challenge       authenticate: optional, ask the payer
//	return_url      authenticate: optional, where the payer goes in the end
//	more            capture: optional, the rest stays reserved
//	dispute         contest: the dispute's id
//	evidence        contest: up to 64 texts by name; absent to give in
//
// A field that is not listed, or that the kind does not take, is refused.
// What was judged is answered with 200 and the [Operation], approved (code 00)
// or declined (any other code), or pending (09) until an inquiry or a notice
// says otherwise. An approved operation happened; a declined one did not. What was not judged is answered with
//
//	{"error":{"code":…,"field":…,"message":…,"processed":false}}
//
//	400 invalid_json, invalid_field; 404 no_such_path; 413 too_large   nothing was done
//	409 reference_conflict   the reference names another operation; this request did nothing, that one may have
//	500 internal             nobody knows
//
// # Rules
//
//   - The same reference with the same content (kind, original, amount,
//     currency, the card's brand and last four digits) gets the first answer
//     again and has one effect. A reference is remembered for ever.
//   - An authorisation is captured once, for at most its amount, and the rest
//     released, unless granted says more. Refunds together are at most what was
//     captured.
//   - A card that wants its holder authenticated is declined with 1A, unless an
//     authentication of it, for as much at least, was the holder's own.
//   - A reversal undoes an operation whole, as though it had not been: an
//     authorisation that is not captured or was so in parts (the rest is
//     released), an increment, a sale or capture that is not refunded, a refund. Otherwise it is declined with 12. A capture undone
//     leaves its authorisation as it was, and a new capture may follow.
//   - A reversal that finds nothing approved to undo is answered with 25 and
//     not recorded, so that asking again later looks again. A reversal of what
//     is undone already gets the answer of the reversal that undid it.
//   - A dispute is in the book before the answer to the sale or capture that it is
//     about. Notices are numbered from 1 in the order in which they happened.
//   - An operation is durable in the [Book] (a file of one process, or a
//     database that several share) before the first byte of its answer is
//     written. A request is processed at once, or at the latest within
//     [Horizon] of its being sent, also when its sender has gone.
//
// # The simulator's own ways in
//
//	GET    /healthz  200 "ok"
//	GET    /book     every recorded operation, oldest first, one JSON object a line
//	POST   /faults/reports  makes the report of a day go wrong: a [ReportFault]; DELETE heals all
//	POST   /faults   adds a [Fault]; GET lists what is left of them; DELETE removes them
package sandbox
