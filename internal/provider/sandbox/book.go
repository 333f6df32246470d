package sandbox

import (
	"context"
	"iter"
	"time"
)

// Book is the simulator's own truth: every operation that it judged, for ever.
// Several simulators may share one, so nothing is decided outside Apply.
type Book interface {
	// Apply records the operation that decide makes, once. If reference is in
	// the book, the operation under it is returned and decide is not called.
	// Otherwise decide may be called several times, must have no effect of its
	// own, and what its view showed still holds when its operation is recorded.
	// An operation under another reference, which the view showed, is returned
	// as it is, and an error of decide is passed on; neither records anything.
	// A book that must wait begins no record once ctx has ended.
	//
	// The operation is durable when Apply returns without an error. After an
	// error that is not decide's it may or may not be recorded. repeated tells
	// that the operation was there before.
	Apply(ctx context.Context, reference string, decide func(View) (Operation, error)) (op Operation, repeated bool, err error)
	// Find gives the operation under reference, durable as of its return.
	Find(ctx context.Context, reference string) (op Operation, found bool, err error)
	// Operations lists what is durable, oldest first. An error ends the list.
	Operations(ctx context.Context) iter.Seq2[Operation, error]
	// Notices lists what the operations gave to tell, after the notice with that
	// number and in the order of the numbers, at most limit. It is durable as of
	// the return.
	Notices(ctx context.Context, after int64, limit int) ([]Notice, error)
	// Due lists operations for which something is due at now and not recorded yet
	// as an [Event] that ends them, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Operation, error)
}

// View is what a decision may look at.
type View interface {
	// Find gives the operation under reference.
	Find(reference string) (op Operation, found bool, err error)
	// Following lists the operations, declined ones not, that name original as their
	// original, oldest first.
	Following(original string) ([]Operation, error)
	// Told gives the number of the newest notice. A decision that looks at it gives
	// its own notices the numbers that follow.
	Told() (int64, error)
}
