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
// # From scope to scope
//
// All accounts of a step are in one scope, since another one may be in another
// database. Money goes from scope to scope as a [Remittance], in two steps: the
// payer owes it in [DueTo], and the receiver has it from [DueFrom].
//
// [Check] recomputes everything that is said here from the postings.
//
// # Numbers and seals
//
// The postings that debit an account are numbered from 1 without gaps, in the
// order of their commits. A [Sealer] covers them, behind those who post, with
// [Seal]s: a chain of hashes for each shard. A posting is sealed once. Who
// keeps the last seal's head elsewhere notices whatever is changed, removed or
// inserted up to there; [CheckSeals] recomputes it.
package ledger
