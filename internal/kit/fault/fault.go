// Package fault is Florin's one error type for what callers are told.
//
// A [Error] has a kind for machines, a code for the API and a sentence for a
// person. Kinds are a closed set; each door maps kinds to its own answers in
// one table. An error that is not a [Error] is a bug or a broken dependency,
// and the person outside is told only that something went wrong.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what sort of refusal an error is.
type Kind uint8

// The kinds. The zero value is Internal, so that a forgotten kind is not
// mistaken for the caller's fault.
const (
	Internal        Kind = iota // our own failure; nothing is known to have happened
	Invalid                     // the request is wrong and will stay wrong (HTTP 400)
	Unauthenticated             // no key, or a key we do not know (401)
	Declined                    // understood and correct, but refused by an issuer or a rule (402)
	Forbidden                   // the key may not do this (403)
	NotFound                    // names nothing in the caller's world (404)
	KeyMismatch                 // an idempotency key used for another request (400)
	KeyInUse                    // an idempotency key whose first request is still under way (409)
	Locked                      // another operation on the object has an open outcome (429)
	Overloaded                  // the queue is full; nothing was begun; try again later (429)
	Unavailable                 // shutting down, or a dependency is not there (503)
	kinds
)

var kindNames = [kinds]string{"internal", "invalid", "unauthenticated", "declined", "forbidden", "not_found",
	"key_mismatch", "key_in_use", "locked", "overloaded", "unavailable"}

// String gives the kind's name.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}

// Kinds lists every kind, for tables that must be complete.
func Kinds() []Kind {
	all := make([]Kind, kinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Error is a refusal with all that a caller is told about it. Codes are
// Stripe's (https://docs.stripe.com/error-codes). Empty fields are left out of
// answers.
type Error struct {
	Kind        Kind   `json:"k"`
	Code        string `json:"c,omitempty"` // "parameter_missing", "card_declined", …
	DeclineCode string `json:"d,omitempty"` // the issuer's reason, for Declined
	AdviceCode  string `json:"a,omitempty"` // what to do next: "try_again_later", …
	Param       string `json:"p,omitempty"` // the parameter at fault, in bracket form
	Message     string `json:"m"`           // a sentence for a person
	NoRetry     bool   `json:"n,omitempty"` // tell clients that repeating will not help
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Kind.String() + ": " + e.Message
	}
	return e.Kind.String() + " (" + e.Code + "): " + e.Message
}

// New makes an error of kind with code and a formatted message.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Param makes an Invalid error about one parameter.
func Param(param, code, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Code: code, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Missing says that param names an object that is not there. Kind is NotFound
// when the id stood in the path, Invalid when it stood in a parameter, as
// Stripe answers 404 for the one and 400 for the other.
func Missing(kind Kind, param, noun, id string) *Error {
	return &Error{Kind: kind, Code: "resource_missing", Param: param, Message: fmt.Sprintf("No such %s: '%s'", noun, id)}
}

// As finds the [Error] in err's chain. A nil *Error in an error is a bug of
// whoever returned it, not an answer for the caller: it is not found.
func As(err error) (*Error, bool) {
	e, _ := errors.AsType[*Error](err)
	return e, e != nil
}

// KindOf is the kind of err: Internal for an error that is not a [Error].
func KindOf(err error) Kind {
	if e, ok := As(err); ok {
		return e.Kind
	}
	return Internal
}
