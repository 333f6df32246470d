package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// convert makes a param of a request's schema called name. What it doesn't
// know is an error, so that news in the document is noticed.
func convert(name string, s *schema) (*spec.Param, error) {
	p := &spec.Param{}
	alternatives := s.AnyOf
	if alternatives == nil {
		alternatives = []*schema{s}
	}
	for _, alternative := range alternatives {
		q, err := single(name, alternative)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := merge(p, q); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.Bypass && len(p.Enum) > 0 {
		p.Type |= spec.Open
	}
	return p, nil
}

func single(name string, s *schema) (*spec.Param, error) {
	switch s.Type {
	case "object":
		return object(name, s)
	case "array":
		element, err := convert("[]", s.Items)
		return &spec.Param{Type: spec.List, Element: element}, err
	case "string":
		return text(s)
	case "integer", "number", "boolean":
		t, ok := map[string]spec.Type{
			"integer": spec.Integer, "integer unix-time": spec.Integer | spec.Timestamp,
			"number": spec.Decimal, "boolean": spec.Boolean,
		}[join(s.Type, s.Format)]
		if !ok {
			return nil, fmt.Errorf("unknown format %q of %s", s.Format, s.Type)
		}
		return &spec.Param{Type: t}, nil
	}
	return nil, fmt.Errorf("unknown type %q", s.Type)
}

func join(kind, format string) string {
	if format == "" {
		return kind
	}
	return kind + " " + format
}

// object makes a hash of named fields, or a map. Every map of texts called
// metadata is under metadata's rules, and can be cleared.
func object(name string, s *schema) (*spec.Param, error) {
	if s.Additional.schema != nil {
		element, err := convert("*", s.Additional.schema)
		p := &spec.Param{Type: spec.Map, Element: element}
		if name == "metadata" {
			p.Type |= spec.Metadata | spec.Clearable
		}
		return p, err
	}
	p := &spec.Param{Type: spec.Hash, Fields: []spec.Field{}}
	for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
		param, err := convert(field, s.Properties[field])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Fields = append(p.Fields, spec.Field{Name: field, Required: slices.Contains(s.Required, field), Param: param})
	}
	return p, nil
}

func text(s *schema) (*spec.Param, error) {
	p := &spec.Param{Type: spec.Text, MaxLength: s.MaxLength}
	switch s.Format {
	case "":
	case "currency":
		p.Type |= spec.Currency
	case "decimal":
		return &spec.Param{Type: spec.Decimal}, nil
	case "binary":
		p.Type |= spec.File
	default:
		return nil, fmt.Errorf("unknown format %q of string", s.Format)
	}
	for _, value := range s.Enum {
		switch value := value.(type) {
		case string:
			if value == "" {
				p.Type |= spec.Clearable
			} else {
				p.Enum = append(p.Enum, value)
			}
		default:
			return nil, fmt.Errorf("value %v of an enumeration is no text", value)
		}
	}
	if len(s.Enum) == 1 && p.Type&spec.Clearable != 0 {
		return &spec.Param{Type: spec.Clearable}, nil
	}
	if s.Bypass && len(p.Enum) > 0 {
		p.Type |= spec.Open
	}
	return p, nil
}

// merge adds the alternative q to p.
func merge(p, q *spec.Param) error {
	both := p.Type & q.Type
	if both&(spec.List|spec.Map) != 0 || p.Type&(spec.List|spec.Map) != 0 && q.Type&(spec.List|spec.Map|spec.Hash) != 0 {
		return fmt.Errorf("two alternatives with elements")
	}
	if both&spec.Text != 0 && (len(p.Enum) == 0) != (len(q.Enum) == 0) {
		return fmt.Errorf("an enumeration beside any text")
	}
	if both&spec.Hash != 0 {
		p.Fields = mergeFields(p.Fields, q.Fields)
	} else if q.Type&spec.Hash != 0 {
		p.Fields = q.Fields
	}
	p.Type |= q.Type
	p.Enum = append(p.Enum, q.Enum...)
	p.MaxLength = max(p.MaxLength, q.MaxLength)
	if q.Element != nil {
		p.Element = q.Element
	}
	return nil
}

// mergeFields joins the fields of two hashes of which a request has one. Only
// what both require is required; of a field of both the first one's param
// holds, as the document repeats it.
func mergeFields(a, b []spec.Field) []spec.Field {
	fields := map[string]spec.Field{}
	for _, f := range b {
		fields[f.Name] = spec.Field{Name: f.Name, Param: f.Param}
	}
	for _, f := range a {
		i := slices.IndexFunc(b, func(g spec.Field) bool { return g.Name == f.Name })
		fields[f.Name] = spec.Field{Name: f.Name, Required: f.Required && i >= 0 && b[i].Required, Param: f.Param}
	}
	var all []spec.Field
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, fields[name])
	}
	return all
}
