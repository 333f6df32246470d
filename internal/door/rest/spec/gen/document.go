package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// document is what gen reads of an OpenAPI document.
type document struct {
	Paths      map[string]map[string]*operationDoc
	Components struct{ Schemas map[string]*schema }
}

type operationDoc struct {
	ID          string `json:"operationId"`
	Deprecated  bool
	Parameters  []parameterDoc
	RequestBody struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
}

type parameterDoc struct {
	Name     string
	In       string
	Required bool
	Schema   *schema
}

type media struct{ Schema *schema }

type schema struct {
	Ref        string `json:"$ref"`
	Type       string
	Format     string
	Enum       []any
	MaxLength  int
	Properties map[string]*schema
	Required   []string
	Items      *schema
	AnyOf      []*schema
	Additional additional `json:"additionalProperties"`
	Resource   string     `json:"x-resourceId"`
	Expandable []string   `json:"x-expandableFields"`
	Expansion  struct {
		OneOf []*schema `json:"oneOf"`
	} `json:"x-expansionResources"`
	// Bypass marks an enumeration that the API doesn't hold callers to.
	Bypass bool `json:"x-stripeBypassValidation"`
}

// additional is a schema, or a boolean that gen has no use for: all hashes of
// the API are closed.
type additional struct{ *schema }

func (a *additional) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("false")) || bytes.Equal(data, []byte("true")) {
		return nil
	}
	return json.Unmarshal(data, &a.schema)
}

func parse(data []byte) (*document, error) {
	doc := &document{}
	if err := json.Unmarshal(data, doc); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	return doc, nil
}

// routed is an operation with its route.
type routed struct {
	path, method string
	op           *operationDoc
}

// routes lists the operations by path and method.
func (d *document) routes() []routed {
	var all []routed
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			all = append(all, routed{path, method, d.Paths[path][method]})
		}
	}
	return all
}

// params joins an operation's query parameters and its body into one hash.
func (op *operationDoc) params() (root *schema, multipart bool, err error) {
	root = &schema{Type: "object", Properties: map[string]*schema{}}
	for kind, body := range op.RequestBody.Content {
		switch kind {
		case "application/x-www-form-urlencoded":
		case "multipart/form-data":
			multipart = true
		default:
			return nil, false, fmt.Errorf("unknown kind of body %q", kind)
		}
		maps.Copy(root.Properties, body.Schema.Properties)
		root.Required = append(root.Required, body.Schema.Required...)
	}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path":
		case p.In != "query":
			return nil, false, fmt.Errorf("parameter %s in %s", p.Name, p.In)
		case root.Properties[p.Name] != nil:
			return nil, false, fmt.Errorf("parameter %s in both query and body", p.Name)
		default:
			root.Properties[p.Name] = p.Schema
			if p.Required {
				root.Required = append(root.Required, p.Name)
			}
		}
	}
	return root, multipart, nil
}
