package rest

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/test/contract"
)

func schemaOf(t testing.TB, name string) *openapi3.Schema {
	t.Helper()
	schema := contract.Newest(t).Object(name)
	if schema == nil {
		t.Fatalf("the document has no schema %q", name)
	}
	return schema
}

// violations lists how the answer of an operation goes against the document:
// what its schema says of it, and fields at any depth that the schema has not.
func violations(t testing.TB, op *spec.Operation, status int, text []byte) []string {
	t.Helper()
	schema := schemaOf(t, "error")
	if status == 200 {
		if schema = contract.Newest(t).Answer(op.Method, op.Path); !op.Documented() {
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
	return append(contract.Violations(schema, text), contract.Strangers(schema, value)...)
}

// validate checks text against a schema of Stripe's document, and that it has
// no field at its top that the schema does not have, which would be misspelt.
func validate(t testing.TB, schemaName string, text []byte) {
	t.Helper()
	schema := schemaOf(t, schemaName)
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: %v\n%s", schemaName, err, text)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("%s is no object: %s", schemaName, text)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if schema.Properties[name] == nil {
			t.Errorf("%s has a field %q, which its schema has not", schemaName, name)
		}
	}
}

// complete checks that text has every field of the schema that may be null:
// those are the ones that answers always have. but names the exceptions.
func complete(t testing.TB, schemaName string, text []byte, but ...string) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	properties := schemaOf(t, schemaName).Properties
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if _, there := fields[name]; !there && properties[name].Value.Nullable && !slices.Contains(but, name) {
			t.Errorf("%s lacks %q, which may be null but is always there", schemaName, name)
		}
	}
}
