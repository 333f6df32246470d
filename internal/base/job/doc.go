// Package job does work later, durably.
//
// A job is a row, written by [Enqueue] in the step that makes the work
// necessary, so that there is no moment at which the one is there without the
// other. [Runner]s, any number of them on one database, claim jobs that are due
// and hand them to the handler of their [Kind].
//
// # States
//
//	waiting  claimed by a runner when due
//	running  deleted when done; waiting again after an error, with a back-off,
//	         or dead after the last try; claimed by another runner when its
//	         lease has ended
//	dead     nothing happens until [Retry] makes it wait again, or [Discard] or
//	         [Remove] deletes it
//
// # At least once, and exactly once
//
// A handler may run more than once for one job: its process can die after the
// effect and before the job is deleted, and a handler that outlives its lease
// runs beside its successor. A handler whose effect is a step calls [Done] in
// that step: effect and end of the job are then one change, and a handler that
// has lost its lease is refused with [ErrLeaseLost]. Effects outside the
// database need a key of their own that the other side recognises.
//
// Every claim has an owner number of its own, so that a lease is told from a
// later one of the same process. Leases are compared with the clocks of all
// processes on the database: what a [Kind]'s lease exceeds its timeout by must be more
// than those clocks differ.
//
// # Waiting
//
// A runner sleeps until the next job is due, is woken by what its own process
// enqueues, and looks for what others enqueued at least every [Options].Poll.
//
// Work that may be lost with its process, because the next run does the same,
// is a schedule: see [Runner.Every].
package job
