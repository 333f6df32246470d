package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stripe/stripe-mock/embedded"
)

// The tables in the repository must be what the document gives today.
func TestTablesAreCurrent(t *testing.T) {
	want, err := generate(embedded.OpenAPISpec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../tables.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("tables.bin has %d bytes, the document gives %d others: run go generate ./internal/door/rest/spec", len(got), len(want))
	}
}

func TestNewsIsAnError(t *testing.T) {
	tests := []struct{ name, schema, want string }{
		{"type", `{"type":"tuple"}`, `unknown type "tuple"`},
		{"format of a string", `{"type":"string","format":"date"}`, `unknown format "date"`},
		{"format of an integer", `{"type":"integer","format":"int128"}`, `unknown format "int128"`},
		{"numbers to choose from", `{"type":"string","enum":[1]}`, "is no text"},
		{"two kinds of elements", `{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"array","items":{"type":"integer"}}]}`, "two alternatives"},
		{"choice or anything", `{"anyOf":[{"type":"string","enum":["a"]},{"type":"string"}]}`, "beside any text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := generate([]byte(`{"paths":{"/v1/x":{"post":{"operationId":"PostX","parameters":[{"name":"p","in":"query","schema":` + tt.schema + `}]}}}}`))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "PostX") {
				t.Errorf("error %v, want %q of PostX", err, tt.want)
			}
		})
	}
	if _, err := generate([]byte("{")); err == nil {
		t.Error("half a document is taken")
	}
}
