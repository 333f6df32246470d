// Package fsm holds state machines as data.
//
// A machine is a table of (state, event) → state. What is not in the table is
// refused. Effects are the caller's: it asks for the next state first, does
// its writes, and stores the state in the same step.
package fsm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Row is one transition.
type Row[S, E cmp.Ordered] struct {
	From S
	On   E
	To   S
}

// Table is a machine over states S and events E.
type Table[S, E cmp.Ordered] struct {
	name string
	rows []Row[S, E]
	next map[key[S, E]]S
}

type key[S, E comparable] struct {
	from S
	on   E
}

// New builds a machine. Two rows with the same state and event are a
// programming error and panic at start.
func New[S, E cmp.Ordered](name string, rows ...Row[S, E]) *Table[S, E] {
	t := &Table[S, E]{name: name, rows: slices.Clone(rows), next: make(map[key[S, E]]S, len(rows))}
	for _, r := range rows {
		k := key[S, E]{r.From, r.On}
		if _, twice := t.next[k]; twice {
			panic(fmt.Sprintf("fsm %s: two rows for %v on %v", name, r.From, r.On))
		}
		t.next[k] = r.To
	}
	return t
}

// Next gives the state after event on in state from, and whether there is one.
func (t *Table[S, E]) Next(from S, on E) (S, bool) {
	to, ok := t.next[key[S, E]{from, on}]
	return to, ok
}

// Can reports whether event on is allowed in state from.
func (t *Table[S, E]) Can(from S, on E) bool {
	_, ok := t.Next(from, on)
	return ok
}

// Final reports whether no event leaves state s.
func (t *Table[S, E]) Final(s S) bool {
	return !slices.ContainsFunc(t.rows, func(r Row[S, E]) bool { return r.From == s })
}

// Rows gives the transitions in the order they were written.
func (t *Table[S, E]) Rows() []Row[S, E] { return slices.Clone(t.rows) }

// Mermaid draws the machine as a Mermaid state diagram.
func (t *Table[S, E]) Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "    %v --> %v: %v\n", r.From, r.To, r.On)
	}
	return b.String()
}
