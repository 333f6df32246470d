// Package ledger keeps the books.
//
// # Postings and balances
//
// A [Posting] moves an amount from one account to another of the same scope
// and currency: it is one row that debits the one and credits the other, so it
// can't be out of balance. Postings are never changed; a correction is another
// posting. Those that show in a merchant's history belong to a [Transaction],
// which [Book.Post] writes together with them. A [Balance] is a stored row,
// the sums of an account's postings.
//
// # From pending to available
//
// What a transaction leaves in [Pending] is added to the maturity of its
// currency and the UTC day on which it becomes available. A maturity has two
// states:
//
//	open     transactions add to it; its day's arrival makes it due
//	posted   [Book.Mature] has moved its sum with one posting; final. What
//	         comes too late for it goes to the next day.
//
// # Guards and holds
//
// A guard bounds what may be done to a subject in all: captured of what was
// authorised, refunded of what was captured. Amounts are reserved before a
// provider is called, and then settled or released when it is known for
// certain what came of it:
//
//	0 ≤ reserved, 0 ≤ done, reserved + done ≤ ceiling
//
// A hold sets a part of a balance aside in the same way; it ends once, when it
// is released.
//
// [Check] recomputes everything that is said here from the postings.
package ledger
