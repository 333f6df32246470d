package apiversion

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A value of JSON is a *record, a []any of values, or a json.RawMessage, which
// is a text, a number, true, false or null as it is written. The order of
// fields is kept, so that an answer reads alike in every shape.

// record is an object of JSON.
type record struct{ fields []field }

// field is one of its fields. The name is as written, in quotes.
type field struct {
	name  string
	value any
}

func quoted(name string) string { return `"` + name + `"` }

// get gives a field, nil when it is not there.
func (r *record) get(name string) any {
	name = quoted(name)
	for i := range r.fields {
		if r.fields[i].name == name {
			return r.fields[i].value
		}
	}
	return nil
}

// text is a field that holds a text without escapes, or empty.
func (r *record) text(name string) string {
	raw, ok := r.get(name).(json.RawMessage)
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}

// set gives a field a value. A new one goes where the alphabet wants it; id and
// object stay in front.
func (r *record) set(name string, value any) {
	name = quoted(name)
	at := len(r.fields)
	for i := range r.fields {
		switch have := r.fields[i].name; {
		case have == name:
			r.fields[i].value = value
			return
		case have > name && at == len(r.fields) && have != `"id"` && have != `"object"`:
			at = i
		}
	}
	r.fields = append(r.fields, field{})
	copy(r.fields[at+1:], r.fields[at:])
	r.fields[at] = field{name, value}
}

// parse reads a value of JSON that encoding/json has written, without spaces.
func parse(text []byte) (any, error) {
	p := parser{text}
	v, err := p.value()
	if err == nil && len(p.rest) > 0 {
		err = p.unexpected()
	}
	return v, err
}

type parser struct{ rest []byte }

func (p *parser) unexpected() error {
	return fmt.Errorf("apiversion: unexpected %.20q", p.rest)
}

// take takes a byte if it comes next.
func (p *parser) take(c byte) bool {
	if len(p.rest) == 0 || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *parser) value() (any, error) {
	switch {
	case p.take('{'):
		return p.record()
	case p.take('['):
		return p.list()
	}
	return p.scalar()
}

func (p *parser) record() (any, error) {
	r := &record{}
	for !p.take('}') {
		if len(r.fields) > 0 && !p.take(',') {
			return nil, p.unexpected()
		}
		name, err := p.scalar()
		if err != nil || !p.take(':') {
			return nil, p.unexpected()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		r.fields = append(r.fields, field{string(name), v})
	}
	return r, nil
}

func (p *parser) list() (any, error) {
	out := []any{}
	for !p.take(']') {
		if len(out) > 0 && !p.take(',') {
			return nil, p.unexpected()
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// scalar takes a text with its quotes, or all up to what ends a value.
func (p *parser) scalar() (json.RawMessage, error) {
	end := 0
	if len(p.rest) > 0 && p.rest[0] == '"' {
		for end = 1; end < len(p.rest) && p.rest[end] != '"'; end++ {
			if p.rest[end] == '\\' {
				end++
			}
		}
		end++
	} else {
		for end < len(p.rest) && !strings.ContainsRune(",]}", rune(p.rest[end])) {
			end++
		}
	}
	if end == 0 || end > len(p.rest) {
		return nil, p.unexpected()
	}
	raw := p.rest[:end]
	p.rest = p.rest[end:]
	return raw, nil
}

// write appends a value's JSON.
func write(out []byte, v any) []byte {
	switch v := v.(type) {
	case *record:
		out = append(out, '{')
		for i := range v.fields {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, v.fields[i].name...), ':')
			out = write(out, v.fields[i].value)
		}
		return append(out, '}')
	case []any:
		out = append(out, '[')
		for i := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = write(out, v[i])
		}
		return append(out, ']')
	case json.RawMessage:
		return append(out, v...)
	}
	return append(out, "null"...)
}
