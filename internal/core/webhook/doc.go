// Package webhook tells merchants' servers what happened.
//
// # From event to delivery
//
// An event is written in the step that makes it true, and that step notes in
// the row of the event's lane that there is something to hand on (base/event).
// [Service.Spread] takes what is noted and writes, in one step, a delivery for
// each enabled endpoint that wants an event of its type; it may run in any
// number of processes. Where an account has no endpoint, nothing is noted.
//
// A process that serves an endpoint holds its queue's row under a lease, so an
// endpoint is served by one process at a time, with [Parallel] requests at most,
// whatever becomes of the others. Before each request the process looks whether
// it still holds the lease, which it renews while the request is under way. A
// process that takes over a lease that was not let go of, because its holder
// died or stands still, serves in doubt for as long as a request of the other may
// be under way: it sends nothing before it has seen under lock that the other
// has not recorded it as acknowledged.
//
// # Order
//
// Of each lane (a payment, or the object itself) an endpoint gets one event at a
// time, in the order of their numbers. An event that fails is parked: it is
// tried again after longer and longer times for three days. Later events of its
// lane wait for [Patience]; then they go past it, and name those that they have
// passed in the header Florin-Skipped. Other lanes never wait.
//
// # States of a delivery
//
//	pending    to be sent when due; left by a 2xx in time, by three days of
//	           failure, or when it comes due at an endpoint that is disabled
//	delivered  acknowledged: never sent again unless somebody replays it
//	failed     given up after three days; left by a replay
//	stopped    its endpoint was disabled or deleted when it was to be sent; left
//	           by a replay
//
// An endpoint where every request has failed for [DisableAfter] is disabled, and
// the merchant is told.
//
// # Invariants
//
//   - Each event is spread once: an enabled endpoint gets a delivery of each
//     event of its types that was written after the endpoint was made.
//   - A delivery that is recorded as delivered is not sent again.
//   - Secrets are sealed; they are shown when they are made, and never again.
package webhook
