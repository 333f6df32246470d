// Package spec knows every operation of Stripe's REST API: its route, the
// parameters it takes and the fields of its answer that can be expanded.
//
// What it knows is data, tables.bin, which package gen next to it makes from
// Stripe's OpenAPI document: names, types, enumerations and limits, no prose.
// The tables are read on first use, within a millisecond or two. What the
// document doesn't say, or says too late, is in overlay.go.
package spec

//go:generate go run ./gen

import (
	_ "embed"
	"iter"
	"sync"
)

// packed is the tables as package gen writes them; layout.go says how.
//
//go:embed tables.bin
var packed string

// Operation is one method of one path. Operations are shared: they are not to
// be changed.
type Operation struct {
	ID         string // "PostPaymentIntentsIntentConfirm"
	Method     string // "GET", "POST" or "DELETE"
	Path       string // "/v1/payment_intents/{intent}/confirm"
	Params     *Param // the hash of all parameters of query and body
	Multipart  bool   // the body is multipart/form-data, not a form
	Deprecated bool

	extension bool // the document does not have it

	names  []string // of the parameters in Path, in order
	answer *shape   // nil when the answer isn't JSON
}

// Type is what a parameter may be: one or several of the flags below.
type Type uint16

// The types. A parameter with an enumeration is a Text too.
const (
	Text      Type = 1 << iota // any text, or one of Enum
	Integer                    // decimal, 64 bits
	Boolean                    // true or false
	Decimal                    // a number with a fraction, as text
	Hash                       // the hash of Fields
	List                       // of Element each
	Map                        // any names, each an Element
	Clearable                  // the empty text unsets it
	Metadata                   // a Map under the rules of metadata
	Open                       // Enum isn't complete: other texts are valid as well
	Timestamp                  // the Integer is in seconds since 1970
	Currency                   // the Text is an ISO 4217 code, of any case
	File                       // the contents of a file, for Multipart operations
)

// Param says what one parameter may be. Params are shared between operations:
// they are not to be changed.
type Param struct {
	Type      Type
	MaxLength int      // of a Text in characters; 0 is no limit
	Enum      []string // what a Text may be; empty when it may be anything
	Fields    []Field  // of a Hash, sorted by name
	Element   *Param   // of a List or Map
}

// Field is one named parameter of a hash.
type Field struct {
	Name     string
	Required bool
	Param    *Param
}

// Field is the field of the hash called name, or nil.
func (p *Param) Field(name string) *Field {
	low, high := 0, len(p.Fields)
	for low < high {
		middle := int(uint(low+high) >> 1)
		switch at := &p.Fields[middle]; {
		case at.Name == name:
			return at
		case at.Name < name:
			low = middle + 1
		default:
			high = middle
		}
	}
	return nil
}

// tables is all that packed says, once read.
type tables struct {
	operations []Operation
	byID       map[string]*Operation
	routes     *route
}

var loaded = sync.OnceValue(func() *tables {
	operations, params, shapes := unpack(packed)
	t := &tables{operations: operations, byID: make(map[string]*Operation, len(operations)), routes: &route{}}
	for i := range operations {
		op := &operations[i]
		t.byID[op.ID] = op
		t.routes.add(op)
	}
	addNames(t.byID)
	addCounts(t.byID)
	allowClearing(t.byID, params)
	addRetired(shapes)
	t.addExtensions()
	return t
})

// ByID finds an operation by the document's name for it, or gives nil.
func ByID(id string) *Operation { return loaded().byID[id] }

// All goes through every operation, by path and then method.
func All() iter.Seq[*Operation] {
	return func(yield func(*Operation) bool) {
		operations := loaded().operations
		for i := range operations {
			if !yield(&operations[i]) {
				return
			}
		}
	}
}
