package spec

import (
	"strings"

	"github.com/florinpay/florin/internal/kit/fault"
)

// MaxExpand is how many levels an expanded path may have, the "data" of a list
// among them (https://docs.stripe.com/api/expanding_objects).
const MaxExpand = 4

// shape is the expandable fields of one object of the answers.
type shape struct {
	name  string // of the resource, "payment_intent"; empty for a part of one
	edges []edge // sorted by name
}

// edge is an expandable field and the shapes its value may have, none when
// nothing below it can be expanded. The name "*" stands for any name.
type edge struct {
	name    string
	targets []*shape
}

// ValidateExpand checks paths, the texts of the parameter "expand", against
// what the operation's answer can expand. The error is of kind Invalid.
//
// A path is expandable when the document lists each of its fields among the
// expandable ones of the object it is in. These include lists and hashes that
// are parts of an object; to expand one that is always there changes nothing.
func (op *Operation) ValidateExpand(paths []string) *fault.Error {
	for _, path := range paths {
		if strings.Count(path, ".") >= MaxExpand {
			return fault.New(fault.Invalid, "property_expansion_max_depth",
				"You cannot expand more than %d levels of a property. Property: %s", MaxExpand, clip(path))
		}
		if op.answer.expands(path) {
			continue
		}
		if path == "total_count" || strings.HasSuffix(path, ".total_count") {
			// Taken from everybody who came after 2025-03-31.
			return fault.New(fault.Invalid, "property_forbidden", "The total_count of a list cannot be expanded. Use has_more to see whether there are more pages.")
		}
		hint := ""
		if op.answer.expands("data." + path) {
			hint = " You may want to try expanding 'data." + path + "' instead."
		}
		return fault.New(fault.Invalid, "", "This property cannot be expanded (%s).%s", clip(path), hint)
	}
	return nil
}

// expands tells whether path can be expanded from s. Paths are at most a few
// levels long, so that to try every target is cheap.
func (s *shape) expands(path string) bool {
	if s == nil {
		return false
	}
	name, rest, more := strings.Cut(path, ".")
	for i := range s.edges {
		e := &s.edges[i]
		if e.name != name && (e.name != "*" || name == "") {
			continue
		}
		if !more {
			return true
		}
		for _, target := range e.targets {
			if target.expands(rest) {
				return true
			}
		}
	}
	return false
}

// clip shortens a text of the caller's for a message. The form's decoder bounds
// names, but not values.
func clip(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
