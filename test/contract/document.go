package contract

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is what one of Stripe's documents says of answers.
type Document struct {
	// Version of the API: "2026-08-26.dahlia".
	Version string

	objects openapi3.Schemas
	answers map[string]*openapi3.Schema // by "GET /v1/charges/{charge}"
	paths   []string                    // the same, those with fewer parameters first
}

// Read reads the text of a document.
func Read(text []byte) (*Document, error) {
	var whole struct {
		Info       struct{ Version string }
		Components struct{ Schemas map[string]any }
		Paths      map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema any }
			}
		}
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	// The loader is not to see the paths, which are most of the work, but the
	// schemas of their answers stand in them.
	const answer = "answer:"
	schemas := whole.Components.Schemas
	for path, methods := range whole.Paths {
		for method, op := range methods {
			if content, ok := op.Responses["200"].Content["application/json"]; ok {
				schemas[answer+strings.ToUpper(method)+" "+path] = content.Schema
			}
		}
	}
	small, err := json.Marshal(map[string]any{
		"openapi": "3.0.0", "info": map[string]any{"title": "Stripe API", "version": whole.Info.Version}, "paths": map[string]any{},
		"components": map[string]any{"schemas": schemas},
	})
	if err != nil {
		return nil, err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(small)
	if err != nil {
		return nil, err
	}
	d := &Document{Version: whole.Info.Version, objects: openapi3.Schemas{}, answers: map[string]*openapi3.Schema{}}
	for name, s := range loaded.Components.Schemas {
		if of, is := strings.CutPrefix(name, answer); is {
			d.answers[of], d.paths = s.Value, append(d.paths, of)
		} else {
			d.objects[name] = s
		}
	}
	slices.SortFunc(d.paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	return d, nil
}

// Object is the schema of an object; nil if there is none of that name.
func (d *Document) Object(name string) *openapi3.Schema {
	if s := d.objects[name]; s != nil {
		return s.Value
	}
	return nil
}

// Answer is the schema of an operation's answer when it succeeds. The path is one
// that was asked for, or as the document writes it. Nil: the document does not have
// the operation.
func (d *Document) Answer(method, path string) *openapi3.Schema {
	asked := strings.Split(method+" "+path, "/")
	for _, of := range d.paths {
		if fits(strings.Split(of, "/"), asked) {
			return d.answers[of]
		}
	}
	return nil
}

func fits(pattern, asked []string) bool {
	return slices.EqualFunc(pattern, asked, func(p, a string) bool { return p == a || strings.HasPrefix(p, "{") && a != "" })
}

// Violations lists how an answer goes against the document. An answer that the
// document has no schema of violates nothing.
func (d *Document) Violations(method, path string, status int, text []byte) []string {
	schema := d.Object("error")
	if status == 200 {
		schema = d.Answer(method, path)
	}
	if schema == nil {
		return nil
	}
	return Violations(schema, text)
}

// Violations lists how JSON goes against a schema.
func Violations(schema *openapi3.Schema, text []byte) []string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return []string{err.Error()}
	}
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return []string{err.Error()}
	}
	return nil
}

// Told is what an event tells of.
type Told struct {
	Type string // of the event
	Name string // of the schema that the object has
	JSON json.RawMessage
}

// Tells reads what an event, or each event of a list, tells of.
func Tells(text []byte) ([]Told, error) {
	type event struct {
		Object, Type string
		Data         json.RawMessage
	}
	var whole event
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, err
	}
	events := []event{whole}
	if whole.Object == "list" {
		if err := json.Unmarshal(whole.Data, &events); err != nil {
			return nil, err
		}
	}
	out := make([]Told, len(events))
	for i, e := range events {
		var data struct{ Object json.RawMessage }
		var of struct{ Object string }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data.Object, &of); err != nil {
			return nil, err
		}
		out[i] = Told{e.Type, strings.ReplaceAll(of.Object, ".", "_"), data.Object}
	}
	return out, nil
}
