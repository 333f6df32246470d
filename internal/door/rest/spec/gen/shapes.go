package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shapeRow is the expandable fields of one object.
type shapeRow struct {
	name  string // of the resource, or empty
	edges []edgeRow
}

type edgeRow struct {
	name    string
	targets []int
}

// shaper numbers the objects of the answers as they are met, so that only what
// some answer can hold is kept.
type shaper struct {
	doc    *document
	byName map[string]int // of the document's named schemas
	rows   []shapeRow
	todo   []*schema // the object of each row; nil when its edges are known already
	done   int
}

// root numbers the object an operation answers with. Alternatives, such as a
// customer or a deleted customer, become one object with the fields of all.
func (s *shaper) root(answer *schema) (int, error) {
	targets, err := s.targets(answer)
	if err != nil || len(targets) == 1 {
		return first(targets), err
	}
	key := "one of " + fmt.Sprint(targets)
	if i, ok := s.byName[key]; ok {
		return i, nil
	}
	parts := make([]*schema, len(answer.AnyOf))
	copy(parts, answer.AnyOf)
	i := s.add(&schema{AnyOf: parts})
	s.byName[key] = i
	return i, nil
}

func first(numbers []int) int {
	if len(numbers) == 0 {
		return -1
	}
	return numbers[0]
}

func (s *shaper) add(object *schema) int {
	s.rows = append(s.rows, shapeRow{})
	s.todo = append(s.todo, object)
	return len(s.rows) - 1
}

// targets numbers the objects that a field of the schema f can hold.
func (s *shaper) targets(f *schema) ([]int, error) {
	switch {
	case f == nil:
		return nil, nil
	case f.Ref != "":
		return s.reference(f.Ref)
	case f.Items != nil:
		return s.targets(f.Items)
	case len(f.Properties) > 0:
		return []int{s.add(f)}, nil
	case f.Additional.schema != nil:
		return s.wildcard(f)
	}
	options := f.AnyOf
	if len(f.Expansion.OneOf) > 0 {
		options = f.Expansion.OneOf
	}
	var all []int
	for _, option := range options {
		targets, err := s.targets(option)
		if err != nil {
			return nil, err
		}
		all = append(all, targets...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// reference numbers a named schema, or those it is an alternative of.
func (s *shaper) reference(ref string) ([]int, error) {
	name := strings.TrimPrefix(ref, "#/components/schemas/")
	object := s.doc.Components.Schemas[name]
	if object == nil {
		return nil, fmt.Errorf("no schema %s", ref)
	}
	if len(object.AnyOf) > 0 {
		return s.targets(&schema{AnyOf: object.AnyOf})
	}
	i, ok := s.byName[name]
	if !ok {
		i = s.add(object)
		s.byName[name] = i
		s.rows[i].name = object.Resource
	}
	return []int{i}, nil
}

// wildcard numbers an object whose every field holds the same, unless that is
// no object.
func (s *shaper) wildcard(f *schema) ([]int, error) {
	targets, err := s.targets(f.Additional.schema)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	i := s.add(nil)
	s.rows[i].edges = []edgeRow{{"*", targets}}
	return []int{i}, nil
}

// finish fills in the fields of every object that was met, and of those met on
// the way.
func (s *shaper) finish() ([]shapeRow, error) {
	for ; s.done < len(s.todo); s.done++ {
		object := s.todo[s.done]
		if object == nil {
			continue
		}
		edges, err := s.edges(object)
		if err != nil {
			return nil, err
		}
		s.rows[s.done].edges = edges
	}
	return s.rows, nil
}

func (s *shaper) edges(object *schema) ([]edgeRow, error) {
	merged := map[string][]int{}
	parts := object.AnyOf
	if parts == nil {
		parts = []*schema{object}
	}
	for _, part := range parts {
		for part.Ref != "" {
			part = s.doc.Components.Schemas[strings.TrimPrefix(part.Ref, "#/components/schemas/")]
		}
		if len(part.AnyOf) > 0 {
			inner, err := s.edges(part)
			if err != nil {
				return nil, err
			}
			for _, e := range inner {
				merged[e.name] = append(merged[e.name], e.targets...)
			}
			continue
		}
		for _, name := range part.Expandable {
			targets, err := s.targets(part.Properties[name])
			if err != nil {
				return nil, err
			}
			merged[name] = append(merged[name], targets...)
		}
	}
	var edges []edgeRow
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		slices.Sort(merged[name])
		edges = append(edges, edgeRow{name, slices.Compact(merged[name])})
	}
	return edges, nil
}
