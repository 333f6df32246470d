package contract

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheContractIsChecked(t *testing.T) {
	for name, value := range map[string]map[string]any{
		"a required field is missing":  {"object": "refund", "amount": 1, "created": 1, "currency": "usd"},
		"a type is wrong":              {"id": "re_1", "object": "refund", "amount": "1", "created": 1, "currency": "usd"},
		"a value is not in the enum":   {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "reason": "boredom"},
		"null stands where it may not": {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "failure_reason": nil},
		"a part is wrong":              {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "destination_details": map[string]any{"card": map[string]any{}}},
	} {
		if Newest(t).Object("refund").VisitJSON(normal(t, value)) == nil {
			t.Errorf("%s, and nothing is said", name)
		}
	}
	good := map[string]any{"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd", "reason": nil, "charge": "ch_1"}
	if err := Newest(t).Object("refund").VisitJSON(normal(t, good)); err != nil {
		t.Error(err)
	}
}

func TestStrangersAreFound(t *testing.T) {
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
		if got := Strangers(Newest(t).Object("refund"), value); (path == "") != (len(got) == 0) {
			t.Errorf("%q: %v", path, got)
		}
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
