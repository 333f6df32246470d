package main

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// operationRow is one operation of the tables.
type operationRow struct {
	id, method, path      string
	multipart, deprecated bool
	params                int
	answer                int // -1 for none
}

// packer collects the tables and writes them as spec's layout.go says.
type packer struct {
	params     map[string]int // a param's bytes to its number: equal ones are stored once
	paramBytes []string
	fields     int // totals over the params that are stored
	enums      int

	shapes     []shapeRow
	operations []operationRow

	strings map[string]int // to their numbers, in the order of first use
}

// text numbers a string.
func (p *packer) text(s string) uint64 {
	i, ok := p.strings[s]
	if !ok {
		i = len(p.strings)
		p.strings[s] = i
	}
	return uint64(i)
}

// param numbers a param, and those below it first.
func (p *packer) param(q *spec.Param) int {
	out := number(nil, uint64(q.Type))
	if q.Type&spec.Text != 0 {
		out = number(out, uint64(q.MaxLength), uint64(len(q.Enum)))
		for _, value := range q.Enum {
			out = number(out, p.text(value))
		}
	}
	if q.Type&spec.Hash != 0 {
		out = number(out, uint64(len(q.Fields)))
		for _, f := range q.Fields {
			out = number(out, p.text(f.Name)<<1|bit(f.Required), uint64(p.param(f.Param)))
		}
	}
	if q.Type&(spec.List|spec.Map) != 0 {
		out = number(out, uint64(p.param(q.Element)))
	}
	i, ok := p.params[string(out)]
	if !ok {
		i = len(p.paramBytes)
		p.params[string(out)] = i
		p.paramBytes = append(p.paramBytes, string(out))
		p.fields += len(q.Fields)
		p.enums += len(q.Enum)
	}
	return i
}

// pack writes the tables.
func (p *packer) pack() []byte {
	shapes, edges, targets := p.packShapes()
	operations := p.packOperations()
	const layout = 0
	out := number(nil, layout, uint64(p.fields), uint64(p.enums), uint64(edges), uint64(targets))
	out = append(out, p.packStrings()...)
	out = number(out, uint64(len(p.paramBytes)))
	out = append(out, strings.Join(p.paramBytes, "")...)
	out = append(out, shapes...)
	return append(out, operations...)
}

func (p *packer) packStrings() []byte {
	ordered := slices.SortedFunc(maps.Keys(p.strings), func(a, b string) int { return p.strings[a] - p.strings[b] })
	out := number(nil, uint64(len(ordered)))
	for _, s := range ordered {
		out = number(out, uint64(len(s)))
	}
	return append(out, strings.Join(ordered, "")...)
}

func (p *packer) packShapes() (out []byte, edges, targets int) {
	out = number(nil, uint64(len(p.shapes)))
	for _, s := range p.shapes {
		name := uint64(0)
		if s.name != "" {
			name = p.text(s.name) + 1
		}
		out = number(out, name, uint64(len(s.edges)))
		edges += len(s.edges)
		for _, e := range s.edges {
			out = number(out, p.text(e.name), uint64(len(e.targets)))
			targets += len(e.targets)
			for _, t := range e.targets {
				out = number(out, uint64(t))
			}
		}
	}
	return out, edges, targets
}

func (p *packer) packOperations() []byte {
	out := number(nil, uint64(len(p.operations)))
	for _, op := range p.operations {
		method := slices.Index([]string{"get", "post", "delete"}, op.method)
		flags := bit(op.multipart) | bit(op.deprecated)<<1
		out = number(out, uint64(method), p.text(op.path), p.text(op.id), flags, uint64(op.params), uint64(op.answer+1))
	}
	return out
}

func number(out []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		out = binary.AppendUvarint(out, n)
	}
	return out
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
