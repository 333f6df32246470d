package bench

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembers(t *testing.T) {
	const body = `{ "id" : "pi_1", "list":[1,{"id":"no"},"]"], "nested": {"status":"no", "a":{"b":"}\\"}},
		"status":"succeeded","text":"a \"quoted\\", "amount_received":2000,"live":false,"none":null, "empty": {} }`
	got := map[string]string{}
	if err := members([]byte(body), func(name, value []byte) { got[string(name)] = string(value) }); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"id": "pi_1", "status": "succeeded", "text": `a \"quoted\\`, "amount_received": "2000", "live": "false", "none": "null"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "[]", "{", `{"a"}`, `{"a":}`, `{"a":"b"`, `{"a":[}`, `{"a":"\"}`, "<html>"} {
		if err := members([]byte(bad), func(_, _ []byte) {}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// What is JSON is read as encoding/json reads it; nothing panics.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":"x\\\"","c":{"d":[1,"]"]},"e":null}`, `{"a":"{\"b\":1}"}`, `[1]`, `{"a":"\u0022"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := map[string]string{}
		err := members(body, func(name, value []byte) { got[string(name)] = string(value) })
		var raw map[string]json.RawMessage
		if json.Unmarshal(body, &raw) != nil || raw == nil || bytes.ContainsAny(body, "\\") || !json.Valid(body) {
			return
		}
		if err != nil {
			t.Fatalf("%q is JSON: %v", body, err)
		}
		want := map[string]string{}
		for name, value := range raw {
			if c := value[0]; c != '{' && c != '[' {
				want[name] = string(bytes.Trim(value, `"`))
			}
		}
		for name, value := range want {
			if got[name] != value && bytes.Count(body, []byte(name)) == 1 {
				t.Errorf("%q: %q is %q, want %q", body, name, got[name], value)
			}
		}
	})
}
