package florin_test

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/florinpay/florin"

// The written list of what may import what. A file of tests may import
// anything; these rules are for what becomes the binary.

// layer is a set of packages with the same rights.
type layer struct {
	name string
	// holds reports whether a folder belongs to the layer.
	holds func(dir string) bool
	// uses reports whether a package in dir may import the one in target.
	uses func(dir, target string) bool
}

var layers = []layer{
	{"kit", under("internal/kit"), func(_, target string) bool {
		return within(target, "internal/kit")
	}},
	{"schema", exactly("internal/schema"), func(_, _ string) bool {
		return false
	}},
	{"base", under("internal/base"), func(_, target string) bool {
		return within(target, "internal/kit") || within(target, "internal/base")
	}},
	{"provider seam", exactly("internal/provider"), func(_, target string) bool {
		return within(target, "internal/kit")
	}},
	{"list of providers", exactly("internal/provider/all"), func(_, target string) bool {
		return within(target, "internal/provider") || within(target, "internal/kit")
	}},
	{"provider", under("internal/provider"), func(dir, target string) bool {
		return target == "internal/provider" || within(target, "internal/kit") || within(target, "internal/base") ||
			sameChild(dir, target, "internal/provider")
	}},
	{"core", under("internal/core"), func(dir, target string) bool {
		return target == "internal/provider" || within(target, "internal/kit") || within(target, "internal/base") ||
			within(target, "internal/core") && coreMay(child(dir, "internal/core"), child(target, "internal/core"))
	}},
	// What carries messages to the outside; core declares what it wants of it.
	{"medium", under("internal/medium"), func(dir, target string) bool {
		return within(target, "internal/core") || within(target, "internal/base") || within(target, "internal/kit") ||
			sameChild(dir, target, "internal/medium")
	}},
	{"door", under("internal/door"), func(dir, target string) bool {
		return within(target, "internal/core") || within(target, "internal/base") || within(target, "internal/kit") ||
			sameChild(dir, target, "internal/door")
	}},
	{"app", under("internal/app"), func(_, target string) bool {
		return within(target, "internal")
	}},
	{"cmd", under("cmd"), func(_, target string) bool {
		return within(target, "internal/app") || within(target, "internal/kit")
	}},
}

// coreFoundation are the core packages that know no other core package.
// payment stands on them, and everything else in core on payment and them.
var coreFoundation = []string{"ledger", "merchant", "vault", "routing", "risk", "fx"}

// coreEdges are the arrows inside core beyond that: package -> what it may
// import besides the foundation and payment. An entry here is a decision; prefer
// an event, or an interface that the inner package declares and app fills.
var coreEdges = map[string][]string{}

func coreMay(from, to string) bool {
	switch {
	case from == to:
		return true
	case slices.Contains(coreFoundation, from):
		return false
	case slices.Contains(coreFoundation, to):
		return true
	case from == "payment":
		return false
	}
	return to == "payment" || slices.Contains(coreEdges[from], to)
}

// outside are the modules that a folder's packages may import. Who needs
// another adds it here and to docs/dependencies.md.
var outside = map[string][]string{
	"internal/kit":         {"github.com/cockroachdb/apd/v3"},
	"internal/base/db":     {"github.com/ncruces/go-sqlite3", "github.com/jackc/pgx/v5"},
	"internal/base/object": {"github.com/fxamacker/cbor/v2"},
	"internal/base/secret": {"github.com/tink-crypto/tink-go/v2"},
	"internal/app/welcome": {"golang.org/x/text"},
	"internal/door/web":    {"golang.org/x/text"},
	"internal/app":         {"github.com/prometheus/client_golang"},
	"internal/door/rest":   {"github.com/coder/websocket", "golang.org/x/time"},
	"cmd":                  {"github.com/alecthomas/kong", "go.yaml.in/yaml/v3"},
}

// forbiddenStd are packages of the standard library that a layer must not know.
var forbiddenStd = map[string][]string{
	"internal/core": {"net/http", "net", "database/sql"},
}

func checkImports(t *tree) (bad []string) {
	for _, f := range t.goFiles {
		if !f.product() {
			continue
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return l.holds(f.dir) })
		if i < 0 {
			bad = append(bad, fmt.Sprintf("%s: %s is in no layer; give it one in tidy_imports_test.go", f.name, f.dir))
			continue
		}
		for _, imported := range f.imports() {
			if fault := layers[i].judge(f.dir, imported); fault != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", f.name, imported, fault))
			}
		}
	}
	return bad
}

// judge says what is wrong with an import, or "".
func (l layer) judge(dir, imported string) string {
	target, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case ours && madeForTests(target):
		return "that package is made for tests"
	case ours && dir != target && !l.uses(dir, target):
		return l.name + " may not know it"
	case ours:
		return ""
	case !strings.Contains(strings.Split(imported, "/")[0], "."):
		for _, parent := range sortedKeys(forbiddenStd) {
			if within(dir, parent) && slices.Contains(forbiddenStd[parent], imported) {
				return parent + " may not know it"
			}
		}
		return ""
	}
	for parent, modules := range outside {
		if within(dir, parent) && slices.ContainsFunc(modules, func(m string) bool { return within(imported, m) }) {
			return ""
		}
	}
	return "the module is not listed for " + dir + " in tidy_imports_test.go"
}

func under(parent string) func(string) bool {
	return func(dir string) bool { return within(dir, parent) }
}

func exactly(name string) func(string) bool {
	return func(dir string) bool { return dir == name }
}

// child is the name of dir's ancestor directly below parent: "rest" for
// internal/door/rest/form below internal/door.
func child(dir, parent string) string {
	rest, ok := strings.CutPrefix(dir, parent+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func sameChild(a, b, parent string) bool {
	name := child(a, parent)
	return name != "" && name == child(b, parent)
}
