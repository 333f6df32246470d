// Package rest speaks Stripe's REST API: it turns forms into calls of the core
// and the core's objects into Stripe's JSON, and decides nothing itself.
//
// A request goes through: its id, the key, the operation (package spec), the
// form (package form), validation against the operation's parameters, the
// handler of the operation, rendering. A handler is one function; the table of
// all of them is routes.go. What an object looks like is one function per
// kind of object, in the file of its noun; whatever is shown inside another
// object goes through a [view], which knows what the caller wants expanded and
// at which versions.
package rest
