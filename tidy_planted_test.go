package florin_test

import (
	"strings"
	"testing"
	"testing/fstest"
)

// clean is a small house that keeps all rules.
func clean() map[string]string {
	return map[string]string{
		"go.mod":               "module " + module + "\n\ngo 1.26.0\n\nrequire (\n\tgithub.com/a/b v1.2.3\n\tgithub.com/c/d/v2 v2.0.1 // indirect\n)\n",
		"docs/dependencies.md": "| `github.com/a/b` | v1.2.3 | MIT |\n",
		"README.md":            "# Florin\n\n[licence](LICENSE#top), [out](https://example.com/x), [here](#top), `[no](link)`\n\n```sh\n# no heading\n[no](link)\n```\n",
		"README.zh-CN.md":      "# Florin\n\n```sh\n# no heading\n```\n",
		"LICENSE":              "free\n",
		"cmd/florin/main.go":   "// Command florin is all.\npackage main\n\nimport _ \"" + module + "/internal/app\"\n\nfunc main() {}\n",
		"internal/app/app.go": "// Package app wires.\npackage app\n\nimport (\n\t_ \"" + module + "/internal/door/rest\"\n\t_ \"" + module +
			"/internal/provider/all\"\n\t_ \"" + module + "/internal/schema\"\n)\n",
		"internal/schema/schema.go":       "// Package schema is the DDL.\npackage schema\n\nconst first = `INSERT INTO t (a) VALUES (1)`\n",
		"internal/door/rest/rest.go":      "// Package rest is a door.\npackage rest\n\nimport (\n\t_ \"net/http\"\n\n\t_ \"" + module + "/internal/core/payment\"\n)\n",
		"internal/core/ledger/doc.go":     "// Package ledger is the books.\npackage ledger\n",
		"internal/core/payment/doc.go":    "// Package payment pays.\npackage payment\n\nimport (\n\t_ \"" + module + "/internal/base/db\"\n\t_ \"" + module + "/internal/core/ledger\"\n\t_ \"" + module + "/internal/provider\"\n)\n\nconst prose = \"select a card from the list\"\n",
		"internal/core/payment/store.go":  "package payment\n\nconst q = `SELECT a FROM t`\n",
		"internal/core/payment/x_test.go": "package payment\n\nimport (\n\t\"testing\"\n\n\t_ \"" + module + "/internal/base/db/dbtest\"\n)\n\nfunc TestPays(t *testing.T) {}\n",
		"internal/core/refunds/doc.go":    "// Package refunds refunds.\npackage refunds\n\nimport _ \"" + module + "/internal/core/payment\"\n",
		"internal/base/db/db.go":          "// Package db is storage.\npackage db\n\nimport (\n\t_ \"github.com/jackc/pgx/v5/pgconn\"\n\n\t_ \"" + module + "/internal/kit/clock\"\n)\n\nconst q = `DELETE FROM t`\n",
		"internal/base/db/dbtest/d.go":    "// Package dbtest is for tests.\npackage dbtest\n\nimport _ \"" + module + "/internal/schema\"\n",
		"internal/kit/clock/clock.go":     "// Package clock tells the time.\npackage clock\n\nimport \"time\"\n\nfunc now() time.Time { return time.Now() }\n",
		"internal/kit/money/money.go":     "// Package money is money.\npackage money\n\nimport _ \"github.com/cockroachdb/apd/v3\"\n\ntype minor int64\n",
		"internal/provider/provider.go":   "// Package provider is the seam.\npackage provider\n\nimport _ \"" + module + "/internal/kit/money\"\n",
		"internal/provider/all/all.go":    "// Package all lists.\npackage all\n\nimport _ \"" + module + "/internal/provider/acme\"\n",
		"internal/provider/acme/doc.go":   "// Package acme is a provider.\npackage acme\n\nimport (\n\t_ \"" + module + "/internal/provider\"\n\t_ \"" + module + "/internal/provider/acme/iso\"\n)\n",
		"internal/provider/acme/iso/i.go": "// Package iso is acme's format.\npackage iso\n",
		"test/bench/go.mod":               "module " + module + "/test/bench\n",
		"test/bench/main.go":              "// Command bench measures.\npackage main\n\nimport _ \"github.com/e/f\"\n\nfunc main() {}\n",
		"internal/kit/money/gen.go":       "//go:build ignore\n\n// Command gen generates.\npackage main\n\nimport _ \"github.com/e/f\"\n\nfunc main() {}\n",
		"internal/door/rest/gen/main.go":  "// Command gen generates.\npackage main\n\nimport _ \"github.com/e/f\"\n\nfunc main() {}\n",
		"testdata/odd.go":                 "package   odd\n",
	}
}

func house(t *testing.T, files map[string]string) *tree {
	t.Helper()
	mem := fstest.MapFS{}
	for name, text := range files {
		mem[name] = &fstest.MapFile{Data: []byte(text)}
	}
	built, err := load(mem)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func TestCleanHouseKeepsTheRules(t *testing.T) {
	built := house(t, clean())
	for _, r := range rules {
		for _, place := range r.check(built) {
			t.Errorf("%s: %s", r.name, place)
		}
	}
}

// importing is a file whose package, the name of its folder, imports one other.
func importing(pkg, imported string) string {
	return "// Package " + pkg + " is.\npackage " + pkg + "\n\nimport _ \"" + imported + "\"\n"
}

// planted are violations, one change to the clean house each.
var planted = []struct {
	rule, file, text string
	want             string // what the one finding says
}{
	{"imports", "internal/kit/id/id.go", importing("id", module+"/internal/base/db"), "kit may not know it"},
	{"imports", "internal/kit/id/id.go", importing("id", "github.com/a/b"), "not listed for internal/kit/id"},
	{"imports", "internal/core/payment/doc.go", importing("payment", "github.com/jackc/pgx/v5"), "not listed"},
	{"imports", "internal/core/latest/doc.go", importing("latest", "net/http"), "internal/core may not know it"},
	{"imports", "internal/schema/schema.go", importing("schema", module+"/internal/kit/money"), "schema may not know it"},
	{"imports", "internal/base/job/job.go", importing("job", module+"/internal/schema"), "base may not know it"},
	{"imports", "internal/base/job/job.go", importing("job", module+"/internal/core/payment"), "base may not know it"},
	{"imports", "internal/base/job/job.go", importing("job", "github.com/jackc/pgx/v5"), "not listed"},
	{"imports", "internal/base/job/job.go", importing("job", module+"/internal/base/db/dbtest"), "made for tests"},
	{"imports", "internal/provider/provider.go", importing("provider", module+"/internal/base/db"), "provider seam may not know it"},
	{"imports", "internal/provider/beta/b.go", importing("beta", module+"/internal/core/ledger"), "provider may not know it"},
	{"imports", "internal/provider/beta/b.go", importing("beta", module+"/internal/provider/acme/iso"), "provider may not know it"},
	{"imports", "internal/provider/beta/b.go", importing("beta", module+"/internal/provider/all"), "provider may not know it"},
	{"imports", "internal/core/payment/doc.go", importing("payment", "net/http"), "internal/core may not know it"},
	{"imports", "internal/core/payment/doc.go", importing("payment", module+"/internal/door/rest"), "core may not know it"},
	{"imports", "internal/core/payment/doc.go", importing("payment", module+"/internal/provider/acme"), "core may not know it"},
	{"imports", "internal/core/payment/doc.go", importing("payment", module+"/internal/core/refunds"), "core may not know it"},
	{"imports", "internal/core/ledger/doc.go", importing("ledger", module+"/internal/core/payment"), "core may not know it"},
	{"imports", "internal/core/ledger/doc.go", importing("ledger", module+"/internal/core/vault"), "core may not know it"},
	{"imports", "internal/core/checkout/doc.go", importing("checkout", module+"/internal/core/refunds"), "core may not know it"},
	{"imports", "internal/door/web/web.go", importing("web", module+"/internal/provider/acme"), "door may not know it"},
	{"imports", "internal/door/web/web.go", importing("web", module+"/internal/door/rest"), "door may not know it"},
	{"imports", "internal/app/more.go", importing("app", module+"/cmd/florin"), "app may not know it"},
	{"imports", "cmd/florin/more.go", importing("main", module+"/internal/core/payment"), "cmd may not know it"},
	{"imports", "internal/attic/a.go", importing("attic", "fmt"), "in no layer"},

	{"floats", "internal/kit/money/rate.go", "package money\n\nvar rate float64\n", "rate.go:3: float64"},
	{"floats", "internal/core/ledger/a.go", "package ledger\n\nvar half = 0.5\n", "0.5 is a float"},
	{"floats", "internal/provider/a.go", "package provider\n\nimport \"strconv\"\n\nvar parse = strconv.ParseFloat\n", "ParseFloat"},

	{"clock", "internal/core/ledger/a.go", "package ledger\n\nimport \"time\"\n\nvar now = time.Now\n", "a.go:5: time.Now"},
	{"clock", "cmd/florin/a.go", "package main\n\nimport clock \"time\"\n\nvar wait = clock.AfterFunc\n", "time.AfterFunc"},

	{"package docs", "internal/core/ledger/doc.go", "package ledger\n", "internal/core/ledger: no file"},
	{"package docs", "internal/kit/money/money.go", "package money\n", "internal/kit/money: no file"},
	{"package docs", "test/world/world_test.go", "package world\n", "test/world: no file"},

	{"sql", "internal/core/payment/service.go", "package payment\n\nconst q = `SELECT a,\n\tb FROM t`\n", "service.go:3: SQL"},
	{"sql", "internal/core/payment/service.go", "package payment\n\nconst q = \"INSERT \" + \"INTO t VALUES (1)\"\n", "service.go:3: SQL"},
	{"sql", "internal/core/payment/service.go", "package payment\n\nfunc q(t string) string { return \"UPDATE \" + t + \" SET a = 1\" }\n", "service.go:3: SQL"},
	{"sql", "internal/door/rest/a.go", "package rest\n\nconst q = \"delete from t where a = 1\"\n", "a.go:3: SQL"},

	{"package names", "internal/core/common/doc.go", "// Package common is.\npackage common\n", `"common" says nothing`},
	{"package names", "internal/core/util/doc.go", "// Package ok is.\npackage ok\n", `"util" says nothing`},
	{"package names", "internal/core/money/doc.go", "// Package money is.\npackage money\n", "internal/core/money and internal/kit/money"},

	{"leftovers", "internal/core/ledger/a.go", "package ledger\n\n// TO" + "DO: all\n", "a.go:3: TO" + "DO"},
	{"leftovers", "docs/a.md", "FIX" + "ME later\n", "a.md:1: FIX" + "ME"},

	{"init", "internal/core/ledger/a.go", "package ledger\n\nfunc init() {}\n", "a.go:3: func init"},
	{"gofmt", "internal/core/ledger/a.go", "package ledger\n\nvar  a = 1\n", "a.go: not as gofmt"},

	{"stands alone", "docs/a.md", "see .." + "/shared/x\n", "a.md:1: holds"},
	{"stands alone", "test/clients/node/package-lock.json", "\n\"resolved\": \"https://registry.npmjs" + ".org/x\"\n", "package-lock.json:2: holds"},

	{"dependencies", "go.mod", "module " + module + "\n\nrequire github.com/x/y v0.1.0\n\nrequire github.com/a/b v1.2.3\n", "`github.com/x/y` and v0.1.0"},
	{"dependencies", "docs/dependencies.md", "| `github.com/a/b` | v1.2.2 |\n", "`github.com/a/b` and v1.2.3"},
	{"dependencies", "docs/dependencies.md", "`github.com/a/b/v2` v1.2.3\n", "`github.com/a/b` and v1.2.3"},

	{"dependencies", "docs/dependencies.md", "| `github.com/a/b` | v1.2.3 |\n| `github.com/gone/x` | v1.0.0 |\n", "does not require `github.com/gone/x`"},

	{"links", "docs/a.md", "[x](../README.md)\n[y](gone.md#z)\n", "a.md:2: gone.md#z"},
	{"links", "docs/a.md", "[x]: gone/\n", "a.md:1: gone/"},
	{"links", "docs/a.md", "<img src=\"gone.svg\">\n", "a.md:1: gone.svg"},

	{"named tests", "docs/a.md", "checked by `TestGone`\n", "a.md:1: TestGone"},
	{"named tests", "docs/a.md", "`TestPays` in `internal/core/payment`, `TestP*` and `TestPays/twice`, and `TestPays` in `internal/core/ledger`\n", "a.md:1: TestPays"},
	{"lessons", "docs/reliability.md", "## Promises\n\n## Seen elsewhere\n\n| seen | Florin | test |\n|---|---|---|\n| lost | kept | surely |\n\n## End\n", "no test is named for | lost"},
	{"lessons", "docs/reliability.md", "## Promises\n", "is empty"},

	{"readme", "README.zh-CN.md", "# Florin\n\n## 更多\n\n```sh\n```\n", "the headings differ"},
	{"readme", "README.zh-CN.md", "# Florin\n", "0"},
}

func TestRulesCatchViolations(t *testing.T) {
	tried := map[string]bool{}
	for _, p := range planted {
		tried[p.rule] = true
		files := clean()
		files[p.file] = p.text
		built := house(t, files)
		for _, r := range rules {
			if r.name != p.rule {
				continue
			}
			found := r.check(built)
			if len(found) != 1 || !strings.Contains(found[0], p.want) {
				t.Errorf("%s: %s with %q:\n found %q\n want one with %q", p.rule, p.file, p.text, found, p.want)
			}
		}
	}
	for _, r := range rules {
		if !tried[r.name] {
			t.Errorf("no violation of rule %q is planted", r.name)
		}
	}
}

func TestMissingReadme(t *testing.T) {
	files := clean()
	delete(files, "README.zh-CN.md")
	if found := checkReadmes(house(t, files)); len(found) != 1 {
		t.Errorf("found %q", found)
	}
}
