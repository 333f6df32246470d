// Package form reads the bodies and query strings of Stripe's API: pairs of
// application/x-www-form-urlencoded whose keys nest with brackets, such as
// items[0][price]=p&metadata[order]=7&expand[]=customer.
//
// [Decode] makes a tree of [Value] out of every spelling the official clients
// use; getters such as [Value.Int64] read it, and [Canonical] gives equal bytes
// for equal requests. The package knows no parameter: what a request may
// contain is for package spec to say.
package form

import "iter"

// Kind is the shape of a value.
type Kind uint8

// The shapes. Absent is that of a nil *Value, so that a getter's answer can be
// asked without a look at nil.
const (
	Absent Kind = iota
	Scalar      // one text, possibly empty
	Hash        // named values, in the order in which the names first appeared
	List        // values in index order
)

var kindNames = [...]string{"absent", "scalar", "hash", "list"}

// String gives the kind's name.
func (k Kind) String() string { return kindNames[k] }

// Value is one node of a decoded request. A nil *Value is an absent one: every
// method may be called on it.
//
// A form cannot tell a list from a hash whose names are numbers:
// metadata[7]=x is a hash, items[7]=x a list. Such a node is a [List] until
// someone who knows better calls [Value.AsHash].
type Value struct {
	kind     Kind
	named    bool  // some name is not an index, so it is no list
	appended bool  // some element was spelled [], so it is no hash
	began    bool  // it was made by []: further keys may be added to it so
	gaps     bool  // a list whose indexes, as spelled, are not 0, 1, 2, …
	next     int32 // one more than the greatest index
	text     string
	fields   []field
	index    map[string]int32 // name to place in fields, once there are many
}

// field is one child: of a hash by its name, of a list by its index as spelled.
type field struct {
	name  string
	value *Value
}

// Kind tells the value's shape.
func (v *Value) Kind() Kind {
	if v == nil {
		return Absent
	}
	return v.kind
}

// Text is the text of a scalar, and empty for every other kind.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	return v.text
}

// Len is the number of children of a hash or list.
func (v *Value) Len() int {
	if v == nil {
		return 0
	}
	return len(v.fields)
}

// All goes through the children of a hash or list in order, with their names
// or, for a list, their indexes in decimal.
func (v *Value) All() iter.Seq2[string, *Value] {
	return func(yield func(string, *Value) bool) {
		if v == nil {
			return
		}
		for i := range v.fields {
			if !yield(v.fields[i].name, v.fields[i].value) {
				return
			}
		}
	}
}

// At is the i-th child of a hash or list, in the order of [Value.All], for
// loops that must not allocate. Its name is as in All. i must be below Len.
func (v *Value) At(i int) (string, *Value) {
	return v.fields[i].name, v.fields[i].value
}

// Field is the child called name, or nil.
func (v *Value) Field(name string) *Value {
	if v == nil {
		return nil
	}
	if i := v.find(name); i >= 0 {
		return v.fields[i].value
	}
	return nil
}

// Get follows path down from v and gives what is there, or nil. The elements of
// a list go by their index in decimal.
func (v *Value) Get(path ...string) *Value {
	for _, name := range path {
		v = v.Field(name)
	}
	return v
}

// indexFrom is how many children a value has before a map finds them faster
// than a walk.
const indexFrom = 16

func (v *Value) find(name string) int {
	if v.index != nil {
		if i, ok := v.index[name]; ok {
			return int(i)
		}
		return -1
	}
	for i := range v.fields {
		if v.fields[i].name == name {
			return i
		}
	}
	return -1
}

// AsHash settles that v is a hash: a list becomes one, under the indexes as
// they were spelled. It answers false, and changes nothing, for a scalar and for a list
// with an element spelled [], which cannot have been meant as a hash.
func (v *Value) AsHash() bool {
	switch {
	case v.Kind() == Hash:
		return true
	case v.Kind() != List || v.appended:
		return false
	}
	v.kind, v.named, v.gaps = Hash, true, false
	return true
}

// AsList settles that v is a list: from then on its elements go by their
// position, whatever their indexes were. It answers false, and changes nothing, for
// other kinds.
func (v *Value) AsList() bool {
	if v.Kind() != List {
		return false
	}
	if v.gaps {
		v.renumber()
	}
	return true
}
