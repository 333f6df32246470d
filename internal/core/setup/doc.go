// Package setup sets payment methods up for later use, without a payment:
// SetupIntents and the attempts made at them.
//
// An [Attempt] is one confirmation of an [Intent]: the card's holder is asked
// to authenticate, if the issuer wants it, and then the method is attached to
// the customer. No money moves, so what is unclear is simpler than with
// payments: an attempt whose outcome is not known is asked about and sent again
// under the same reference, and one that nobody ends is given up after a day.
//
// # Invariants
//
//   - An intent has at most one open attempt, which it names; the result of any
//     other changes nothing but that attempt.
//   - A method is attached in the step that makes its intent succeed.
package setup
