// Package dispute looks after what becomes of charges that somebody complains
// about: inquiries, disputes, and issuers' warnings of fraud.
//
// # How a dispute goes
//
// It begins with a provider's notice, and ends with one, or with the day by
// which evidence had to be there. Its states are Stripe's; see [Status]. An
// inquiry (the warning_ states) takes no money. A dispute takes the disputed
// amount, and a fee, the moment it opens, whatever is left of the charge; what is
// won comes back, without the fee.
//
// Evidence is kept sealed, since it is about a person. It is sent to the
// provider by an attempt of package payment, so that an answer whose outcome is
// not known is found out and never sent twice as another.
//
// # Invariants
//
//   - A dispute has taken its amount if and only if its status is
//     needs_response, under_review or lost, and each taking and return has its
//     balance transaction.
//   - A charge's Disputed is the sum of what its disputes have taken: what is
//     disputed can't be refunded, see payment.Withdraw.
//   - A notice older than the last one that was applied changes nothing.
package dispute
