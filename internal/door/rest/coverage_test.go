package rest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/door/rest/spec"
)

const coverageFile = "../../../docs/api-coverage.md"

// partial are operations that are there but for a part, and what is missing.
var partial = map[string]string{
	"PostPaymentIntents":              "cards, bank debits and bank transfers; no money for others (Connect)",
	"PostPaymentIntentsIntentConfirm": "cards, bank debits and bank transfers; no money for others (Connect)",
	"PostPaymentMethods":              "cards, bank debits and bank transfers",
	"PostTokens":                      "none of accounts, persons and identity numbers (Connect)",
}

// docs/api-coverage.md says of every operation of the document whether it is
// there. FLORIN_UPDATE=1 writes it.
func TestCoverageIsWrittenDown(t *testing.T) {
	want := coverage(t)
	have, err := os.ReadFile(coverageFile)
	if os.Getenv("FLORIN_UPDATE") != "" {
		if err := os.WriteFile(coverageFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(have), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s is not what is implemented (FLORIN_UPDATE=1 go test ./internal/door/rest -run TestCoverage writes it): −it +is\n%s", coverageFile, diff)
	}
	for id := range partial {
		if _, there := routes[id]; !there {
			t.Errorf("%s is called partial, and is absent", id)
		}
	}
}

func coverage(t *testing.T) string {
	t.Helper()
	ignored := readIgnored(t)
	counts := map[string]int{}
	all, parameters := 0, 0
	var rows strings.Builder
	for op := range spec.All() {
		state, nothing, kind := "absent", "", "absent"
		if _, there := routes[op.ID]; there {
			state, kind = "implemented", "implemented"
			missing := partial[op.ID]
			if why := scenarios[op.ID].never; why != "" {
				missing = why
			}
			if missing != "" {
				state, kind = "partial: "+missing, "partial"
			}
			nothing = fmt.Sprint(len(ignored[op.ID]))
			parameters += len(ignored[op.ID])
		}
		counts[kind]++
		all++
		fmt.Fprintf(&rows, "| %s | `%s` | %s | %s |\n", op.Method, op.Path, state, nothing)
	}
	return fmt.Sprintf(`# Coverage of the API

Each of the %d operations of Stripe's OpenAPI document (version %s), whether Florin has it, and how many of its parameters
it takes without their changing anything. %d are implemented, %d in part, %d absent; %d parameters change nothing, which are
listed in [testdata/ignored.txt](../internal/door/rest/testdata/ignored.txt). An absent operation answers 404 and says so.

A test writes this page (`+"`FLORIN_UPDATE=1 go test ./internal/door/rest -run TestCoverage`"+`) and fails when it is not true.
[api.md](api.md) tells how Florin's API differs from Stripe's.

| method | path | state | parameters without effect |
|---|---|---|---|
%s`, all, Version, counts["implemented"], counts["partial"], counts["absent"], parameters, rows.String())
}
