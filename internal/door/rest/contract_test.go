package rest

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func schemaOf(t testing.TB, name string) *openapi3.Schema {
	t.Helper()
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	if all.objects[name] == nil {
		t.Fatalf("the document has no schema %q", name)
	}
	return all.objects[name].Value
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

func TestTheContractIsChecked(t *testing.T) {
	for name, value := range map[string]map[string]any{
		"a required field is missing":  {"object": "refund", "amount": 1, "created": 1, "currency": "usd"},
		"a type is wrong":              {"id": "re_1", "object": "refund", "amount": "1", "created": 1, "currency": "usd"},
		"a value is not in the enum":   {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "reason": "boredom"},
		"null stands where it may not": {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "failure_reason": nil},
		"a part is wrong":              {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "destination_details": map[string]any{"card": map[string]any{}}},
	} {
		if schemaOf(t, "refund").VisitJSON(normal(t, value)) == nil {
			t.Errorf("%s, and nothing is said", name)
		}
	}
	good := map[string]any{"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "reason": nil, "charge": "ch_1"}
	if err := schemaOf(t, "refund").VisitJSON(normal(t, good)); err != nil {
		t.Error(err)
	}
}

// normal is a value as it comes from JSON.
func normal(t testing.TB, value any) (out any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
