package form

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Canonical encodes a tree so that two requests have equal bytes exactly if
// they say the same: the order of keys, the spelling of lists and the escaping
// do not show. It is meant for hashing; nothing reads it back.
//
// Before the tree is validated, a list with gaps in its indexes still counts as
// different from the same list without, since it might be a hash with numbers
// for names. Hash requests at one and the same stage, all before or all after.
func Canonical(tree *Value) []byte {
	return tree.canonical(make([]byte, 0, 512))
}

// canonical appends v: a byte for its kind, then lengths before all that can
// vary in length, so that no text can be taken for structure.
func (v *Value) canonical(out []byte) []byte {
	switch {
	case v.Kind() == Absent:
		return append(out, 'a')
	case v.kind == Scalar:
		return appendText(append(out, 's'), v.text)
	case v.kind == List && !v.gaps:
		out = binary.AppendUvarint(append(out, 'l'), uint64(len(v.fields)))
		for i := range v.fields {
			out = v.fields[i].value.canonical(out)
		}
		return out
	}
	sorted := slices.Clone(v.fields)
	slices.SortFunc(sorted, func(a, b field) int { return strings.Compare(a.name, b.name) })
	out = binary.AppendUvarint(append(out, 'h'), uint64(len(sorted)))
	for _, f := range sorted {
		out = f.value.canonical(appendText(out, f.name))
	}
	return out
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}
