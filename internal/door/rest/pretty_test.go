package rest

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzPretty: what is encoded looks as the standard library would have it.
func FuzzPretty(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `"a"`, `-1.5e3`, `{"a":{},"b":[]}`, `{"a":[1,2,{"b":null}],"c":"d,e:{[\"\\"}`,
		`{"\u003c":"\u0026","":"","deep":[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]}`, `[true,false,{"x":[{}]},[[]]]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		if json.Unmarshal(text, &v) != nil {
			return
		}
		want, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return
		}
		if got, err := pretty(v); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s\nwant\n%s\n%v", got, want, err)
		}
	})
}
