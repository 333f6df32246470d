package form

import (
	"slices"
	"strconv"

	"github.com/florinpay/florin/internal/kit/fault"
)

// builder grows a tree pair by pair. While it grows every node with children
// is a hash; settle finds the lists among them at the end.
type builder struct {
	limits   Limits
	root     *Value
	pairs    int
	segments []string // of the key at hand
	slab     []Value  // nodes not handed out yet: one allocation for many
}

func newBuilder(limits Limits, pairs int) *builder {
	b := &builder{limits: limits, segments: make([]string, 0, 8)}
	b.slab = make([]Value, min(pairs+4, 64))
	b.root = b.node()
	b.root.kind = Hash
	b.root.fields = make([]field, 0, min(pairs, 64))
	return b
}

func (b *builder) node() *Value {
	if len(b.slab) == 0 {
		b.slab = make([]Value, 32)
	}
	v := &b.slab[0]
	b.slab = b.slab[1:]
	return v
}

// put sets the scalar that b.segments leads to.
func (b *builder) put(key, text string) *fault.Error {
	at := b.root
	for i, segment := range b.segments {
		var child *Value
		if segment == "" {
			child = b.element(at, b.segments[i+1:])
		} else {
			child = b.child(at, segment)
		}
		last := i == len(b.segments)-1
		switch {
		case child == nil, last && child.kind == Hash, !last && child.kind == Scalar:
			return fault.Param(key, "", "The parameter '%s' is used in two ways: as a value, a hash or an array.", key)
		case last:
			child.kind, child.text = Scalar, text
		default:
			child.kind, at = Hash, child
		}
	}
	return nil
}

// child is the one of at called name, made when there is none yet, or nil when
// at is a list of elements spelled [] and name is no index.
func (b *builder) child(at *Value, name string) *Value {
	if i := at.find(name); i >= 0 {
		return at.fields[i].value
	}
	if n, ok := listIndex(name); ok && at != b.root {
		at.next = max(at.next, n+1)
	} else if at.appended {
		return nil
	} else {
		at.named = true
	}
	return b.add(at, name)
}

// element is the one of at that [] means: the last one if it was begun by []
// and has nothing yet where rest leads, otherwise a new one. It is nil when at
// has names.
func (b *builder) element(at *Value, rest []string) *Value {
	if at.named {
		return nil
	}
	if at.appended && len(rest) > 0 {
		last := at.fields[len(at.fields)-1].value
		if last.began && last.kind == Hash && !last.has(rest) {
			return last
		}
	}
	at.appended = true
	at.next++
	child := b.add(at, strconv.Itoa(int(at.next-1)))
	child.began = true
	return child
}

// has tells whether path leads to something. A path through [] never does,
// since it would add another element.
func (v *Value) has(path []string) bool {
	if slices.Contains(path, "") {
		return false
	}
	return v.Get(path...) != nil
}

func (b *builder) add(at *Value, name string) *Value {
	child := b.node()
	if at.fields == nil {
		at.fields = make([]field, 0, 2)
	}
	at.fields = append(at.fields, field{name, child})
	if n := len(at.fields); at.index != nil {
		at.index[name] = int32(n - 1)
	} else if n == indexFrom {
		at.reindex()
	}
	return child
}

func (v *Value) reindex() {
	v.index = make(map[string]int32, 2*len(v.fields))
	for i := range v.fields {
		v.index[v.fields[i].name] = int32(i)
	}
}

// settle makes lists of the hashes under v whose names are all indexes, and
// sorts them.
func (v *Value) settle() {
	for i := range v.fields {
		v.fields[i].value.settle()
	}
	if v.kind != Hash || v.named {
		return
	}
	v.kind = List
	if !slices.IsSortedFunc(v.fields, byIndex) {
		slices.SortFunc(v.fields, byIndex)
		if v.index != nil {
			v.reindex()
		}
	}
	if v.gaps = int(v.next) > len(v.fields); v.gaps && v.appended {
		v.renumber()
	}
}

// renumber names the elements of a list by their positions.
func (v *Value) renumber() {
	for i := range v.fields {
		v.fields[i].name = strconv.Itoa(i)
	}
	v.next, v.gaps = int32(len(v.fields)), false
	if v.index != nil {
		v.reindex()
	}
}

// byIndex orders fields by their names as numbers. Indexes have no leading
// zeros, so the longer is the greater.
func byIndex(a, b field) int {
	if len(a.name) != len(b.name) {
		return len(a.name) - len(b.name)
	}
	if a.name < b.name {
		return -1
	}
	return 1
}

// listIndex reads name as an index of a list: decimal, without leading zeros,
// at most MaxIndex.
func listIndex(name string) (int32, bool) {
	if len(name) == 0 || len(name) > 4 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	n := int32(0)
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return 0, false
		}
		n = 10*n + int32(name[i]-'0')
	}
	return n, n <= MaxIndex
}
