package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

// documented is Stripe's document: the schemas of objects by name, and those of
// each operation's answers by its id.
var documented = sync.OnceValues(func() (*struct{ objects, answers openapi3.Schemas }, error) {
	var document map[string]any
	if err := json.Unmarshal(embedded.OpenAPISpec, &document); err != nil {
		return nil, err
	}
	// The loader is not to see the paths, which are most of the work, but the
	// schemas of their answers stand in them.
	objects := follow(document, "components.schemas").(map[string]any)
	const answer = "answer:"
	for op := range spec.All() {
		at := follow(document["paths"].(map[string]any)[op.Path], strings.ToLower(op.Method)+".responses.200.content")
		content, ok := at.(map[string]any)["application/json"].(map[string]any)
		if ok {
			objects[answer+op.ID] = content["schema"]
		}
	}
	document["paths"] = map[string]any{}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	out := &struct{ objects, answers openapi3.Schemas }{openapi3.Schemas{}, openapi3.Schemas{}}
	for name, s := range loaded.Components.Schemas {
		if id, is := strings.CutPrefix(name, answer); is {
			out.answers[id] = s
		} else {
			out.objects[name] = s
		}
	}
	return out, nil
})

// violations lists how the answer of an operation goes against the document:
// what its schema says of it, and fields at any depth that the schema has not.
func violations(t testing.TB, op *spec.Operation, status int, text []byte) []string {
	t.Helper()
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	schema := all.objects["error"]
	if status == 200 {
		if schema = all.answers[op.ID]; !op.Documented() {
			return nil // nothing is promised of it there
		}
	}
	if schema == nil {
		t.Fatalf("%s has no answer in the document", op.ID)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return []string{err.Error()}
	}
	var out []string
	if err := schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		out = append(out, err.Error())
	}
	return append(out, strangers(schema.Value, value, "")...)
}

// strangers names the fields of a value, at any depth, that are not among the
// properties of its schema.
func strangers(schema *openapi3.Schema, value any, path string) (out []string) {
	switch value := value.(type) {
	case []any:
		if schema.Items != nil {
			for i, element := range value {
				out = append(out, strangers(schema.Items.Value, element, fmt.Sprintf("%s.%d", path, i))...)
			}
			return out
		}
	case map[string]any:
		if len(schema.AnyOf) == 0 {
			for _, name := range slices.Sorted(maps.Keys(value)) {
				at := strings.TrimPrefix(path+"."+name, ".")
				switch p := schema.Properties[name]; {
				case p != nil:
					out = append(out, strangers(p.Value, value[name], at)...)
				case schema.AdditionalProperties.Schema != nil:
					out = append(out, strangers(schema.AdditionalProperties.Schema.Value, value[name], at)...)
				case len(schema.Properties) > 0 || schema.AdditionalProperties.Has != nil && !*schema.AdditionalProperties.Has:
					out = append(out, at+" is not in the schema")
				}
			}
			return out
		}
	default:
		return nil
	}
	return ofAlternatives(schema, value, path)
}

// ofAlternatives tries each alternative that takes the value; the one that has
// the fewest complaints is meant.
func ofAlternatives(schema *openapi3.Schema, value any, path string) (fewest []string) {
	found := false
	for _, s := range schema.AnyOf {
		if s.Value.VisitJSON(value) != nil {
			continue
		}
		if got := strangers(s.Value, value, path); !found || len(got) < len(fewest) {
			found, fewest = true, got
		}
	}
	return fewest // a value that no alternative takes was complained of before
}

func TestStrangersAreFound(t *testing.T) {
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]any{"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "metadata": map[string]any{"own": "x"}, "destination_details": map[string]any{"type": "card", "card": map[string]any{"type": "refund"}}}
	for path, bad := range map[string]any{
		"": nil, "colour": "red", "destination_details.colour": "red", "destination_details.card.colour": "red",
	} {
		value := normal(t, good).(map[string]any)
		at, parts := value, strings.Split(path, ".")
		for _, part := range parts[:len(parts)-1] {
			at = at[part].(map[string]any)
		}
		if path != "" {
			at[parts[len(parts)-1]] = bad
		}
		if got := strangers(all.objects["refund"].Value, value, ""); (path == "") != (len(got) == 0) {
			t.Errorf("%q: %v", path, got)
		}
	}
}
