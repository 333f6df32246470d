// Package payment takes payments: intents, the attempts made for them at
// providers, the charges that come of it, and refunds.
//
// # The life of an operation
//
// Every operation that needs a provider (authorise, sale, capture, void,
// refund) is an [Attempt] and goes the same way:
//
//  1. begin: one step checks the state, takes the guards and holds, and writes
//     the attempt in state sending, with our own reference for the provider
//     and a lease. Only when that is durable does anything go out.
//  2. send: the provider is called, outside any transaction.
//  3. settle: one step loads everything again, re-checks the state and applies
//     the outcome: states, postings, events, and the reply under the
//     idempotency key.
//
// An outcome that nobody knows is a state of its own, unknown. It is left by
// evidence only: inquiry, replay under the same reference, or reversal, in
// that order; see [Service.Resolve]. It is never called failed because time
// passed, and no second attempt is made for the intent while it is open. What
// a process that died left in sending is found by [Service.Sweep] once the
// lease is over, and treated the same.
//
// # Invariants
//
//   - An intent has at most one open attempt to authorise, capture or void it.
//   - Authorised once: the authorise guard of an intent has the intent's amount
//     as its ceiling; an increment raises it by what it asks for, and takes that
//     back when it is refused. Captured ≤ what the provider granted, refunded ≤
//     captured: guards of the charge, reserved before the provider is called,
//     released only on a definite outcome, and raised only on an approval. The
//     last capture, a void and an expiry lower the first to what was captured.
//   - Captured money has a balance transaction and postings, written in the
//     step that records the capture; so has refunded money.
//   - Every change that the outside may care about has an event in the lane of
//     its intent.
package payment
