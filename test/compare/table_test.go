//go:build unix

package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	samples := [][]sample{{{rate: 300, p50: 2.26}, {rate: 100, p50: 2.34}, {rate: 250, p50: 9}}, {{rate: 10}, {rate: 20}}, nil}
	if err := table(&out, []cell{{name: "a"}, {name: "b"}, {name: "c"}}, samples); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| | a | b | c |\n|---|---|---|---|\n", "| payments/s | 250 (100–300) | 15 (10–20) | – |\n", "| latency p50, ms | 2.3 (2.3–9.0) | – | – |\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
}
