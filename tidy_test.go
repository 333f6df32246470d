// Package florin_test holds the house rules: what a reader may rely on in every
// file of this repository and the compiler does not check. Each rule is a
// function over the source tree; tidy_planted_test.go shows for each that it
// notices a violation.
package florin_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule is one house rule: check lists the places that break it.
type rule struct {
	name  string
	why   string
	check func(*tree) []string
}

var rules = []rule{
	{"imports", "the layers (app -> door -> core -> {provider, base} -> kit) let a part be understood, tested and replaced without what stands on it", checkImports},
	{"floats", "a float cannot hold most amounts; money is int64 minor units and rates are decimals", checkFloats},
	{"clock", "what asks the machine for the time can't be tested or simulated; take a clock.Clock", checkClock},
	{"package docs", "a reader meets a package by what it says it is", checkPackageDocs},
	{"sql", "who looks for what touches a table must find it in store*.go and internal/base", checkSQL},
	{"package names", "one name means one thing in the whole house, and a name that says nothing collects everything", checkPackageNames},
	{"leftovers", "what is not done is in the tracker where it is seen, not in a comment", checkLeftovers},
	{"init", "what runs by being imported can't be seen where it is used nor left out by a test; app lists what it wires", checkInit},
	{"gofmt", "one format, so that a change shows only what it changes", checkFormat},
	{"stands alone", "a clone must build and test anywhere: no path of one machine, no address of one package registry", checkStandsAlone},
	{"dependencies", "each dependency is a liability, so docs/dependencies.md says why it is there, in which version and under which licence", checkDependencies},
	{"links", "a link to a file that is not there sends the reader away", checkLinks},
	{"named tests", "a promise whose test is gone or has another name is a promise that nobody checks", checkNamedTests},
	{"lessons", "what went wrong elsewhere goes wrong here too where no test would notice", checkLessons},
	{"readme", "both languages must tell the same: a heading or an example missing in one is a promise half the readers don't get", checkReadmes},
}

func TestHouseRules(t *testing.T) {
	house, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(house.goFiles) == 0 {
		t.Fatal("no Go files found: the rules checked nothing")
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, place := range r.check(house) {
				t.Errorf("%s\n\twhy: %s", place, r.why)
			}
		})
	}
}

// TestLengths reports long files; they are a hint, not a fault.
func TestLengths(t *testing.T) {
	const long = 600
	house, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range house.goFiles {
		if lines := bytes.Count(f.source, []byte("\n")); lines > long {
			t.Logf("%s has %d lines; a file of a package reads well up to 300", f.name, lines)
		}
	}
}

// floatFree are the packages in which no float may appear.
var floatFree = []string{
	"internal/kit/money", "internal/core/ledger", "internal/core/payment", "internal/core/merchant", "internal/provider",
}

func checkFloats(t *tree) (bad []string) {
	names := []string{"float32", "float64", "Float32", "Float64", "ParseFloat", "FormatFloat"}
	for _, f := range t.goFiles {
		if f.test || !slices.Contains(floatFree, f.dir) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if slices.Contains(names, n.Name) {
					bad = append(bad, fmt.Sprintf("%s: %s", f.at(n), n.Name))
				}
			case *ast.BasicLit:
				if n.Kind == token.FLOAT {
					bad = append(bad, fmt.Sprintf("%s: %s is a float", f.at(n), n.Value))
				}
			}
			return true
		})
	}
	return bad
}

func checkClock(t *tree) (bad []string) {
	names := []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}
	for _, f := range t.goFiles {
		if !f.product() || f.dir == "internal/kit/clock" {
			continue
		}
		alias := f.importName("time")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == alias && slices.Contains(names, sel.Sel.Name) {
					bad = append(bad, fmt.Sprintf("%s: time.%s outside internal/kit/clock", f.at(n), sel.Sel.Name))
				}
			}
			return true
		})
	}
	return bad
}

func checkPackageDocs(t *tree) (bad []string) {
	product := map[string]bool{} // folders with files that aren't tests; there, a test's comment doesn't count
	for _, f := range t.goFiles {
		product[f.dir] = product[f.dir] || !strings.HasSuffix(f.name, "_test.go")
	}
	documented := map[string]bool{}
	for _, f := range t.goFiles {
		if f.ignored || product[f.dir] && strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != ""
	}
	for _, dir := range sortedKeys(documented) {
		if !documented[dir] {
			bad = append(bad, dir+": no file of the package has a package comment")
		}
	}
	return bad
}

// sqlPattern matches statements as this house writes them, in capitals, and
// what in small letters can't be prose.
var sqlPattern = regexp.MustCompile(`(?s)\bSELECT\s.*\sFROM\s|\bINSERT\s+INTO\s|\bUPDATE\s+\S+\s+SET\s|\bDELETE\s+FROM\s|` +
	`(?i:\binsert\s+into\s+\w+\s*\(|\bupdate\s+\w+\s+set\s+\w+\s*=|\bdelete\s+from\s+\w+\s+where\s|^\s*select\s.*\sfrom\s+\w+\s+where\s)`)

func checkSQL(t *tree) (bad []string) {
	for _, f := range t.goFiles {
		if !f.product() || strings.HasPrefix(path.Base(f.name), "store") || within(f.dir, "internal/base") || f.dir == "internal/schema" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, ok := constantText(e)
			if !ok {
				return true
			}
			if sqlPattern.MatchString(text) {
				bad = append(bad, fmt.Sprintf("%s: SQL outside a store*.go file: %.60q", f.at(n), text))
			}
			return false
		})
	}
	return bad
}

// constantText is the text of a string literal, or of several joined by +;
// what is not literal in between counts as a name.
func constantText(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.ParenExpr:
		return constantText(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, okL := constantText(e.X)
		right, okR := constantText(e.Y)
		if !okL {
			left = "x"
		}
		if !okR {
			right = "x"
		}
		return left + right, okL || okR
	}
	return "", false
}

func checkPackageNames(t *tree) (bad []string) {
	empty := []string{"common", "util", "utils", "types", "models", "helpers", "helper", "misc"}
	dirs := map[string]map[string]bool{} // package name -> folders
	for _, f := range t.goFiles {
		name := strings.TrimSuffix(f.ast.Name.Name, "_test")
		if dirs[name] == nil {
			dirs[name] = map[string]bool{}
		}
		dirs[name][f.dir] = true
		if base := path.Base(f.dir); slices.Contains(empty, base) && name != base {
			name = base
		}
		if slices.Contains(empty, name) {
			bad = append(bad, fmt.Sprintf("%s: the name %q says nothing", f.name, name))
		}
	}
	for _, name := range sortedKeys(dirs) {
		if name != "main" && len(dirs[name]) > 1 {
			bad = append(bad, fmt.Sprintf("package name %s is used by %s", name, strings.Join(sortedKeys(dirs[name]), " and ")))
		}
	}
	return bad
}

var leftover = regexp.MustCompile(`\b(` + "TO" + "DO|FIX" + `ME)\b`)

func checkLeftovers(t *tree) (bad []string) {
	for _, f := range t.texts {
		if strings.Contains(f.name, "testdata/") || path.Base(f.name) == "package-lock.json" {
			continue
		}
		for n, line := range f.lines() {
			if word := leftover.FindString(line); word != "" {
				bad = append(bad, fmt.Sprintf("%s:%d: %s", f.name, n+1, word))
			}
		}
	}
	return bad
}

func checkInit(t *tree) (bad []string) {
	for _, f := range t.goFiles {
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				bad = append(bad, f.at(fn)+": func init")
			}
		}
	}
	return bad
}

func checkFormat(t *tree) (bad []string) {
	for _, f := range t.goFiles {
		want, err := format.Source(f.source)
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", f.name, err))
		} else if !bytes.Equal(want, f.source) {
			bad = append(bad, f.name+": not as gofmt writes it")
		}
	}
	return bad
}

// notAlone are texts that tie a file to one machine or one registry. They are
// put together here so that this file does not hold them. A package-lock.json
// is written without registry addresses by "omit-lockfile-registry-resolved=true"
// in the .npmrc beside it (CONTRIBUTING.md, "Node client").
var notAlone = []string{
	".." + "/shared", "/work" + "/", "proxy.golang" + ".org", "sum.golang" + ".org", "goproxy" + ".io",
	"registry.npmjs" + ".org", "registry.npmmirror" + ".com", "registry.yarnpkg" + ".com", "deb.debian" + ".org",
	"files.pythonhosted" + ".org",
}

func checkStandsAlone(t *tree) (bad []string) {
	for _, f := range t.texts {
		for n, line := range f.lines() {
			for _, needle := range notAlone {
				if strings.Contains(line, needle) {
					bad = append(bad, fmt.Sprintf("%s:%d: holds %q", f.name, n+1, needle))
				}
			}
		}
	}
	return bad
}

var requirement = regexp.MustCompile(`(?m)^(?:require)?\s+([\w.-]+\.[\w.-]+/[\w./-]+) (v[\w.+-]+)( // indirect)?$`)

// documented is a row of the tables in docs/dependencies.md.
var documented = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| v[0-9]")

func checkDependencies(t *tree) (bad []string) {
	mod, ok := t.text("go.mod")
	doc, _ := t.text("docs/dependencies.md")
	if !ok {
		return []string{"go.mod is missing"}
	}
	required := map[string]bool{}
	for _, m := range requirement.FindAllStringSubmatch(string(mod.source), -1) {
		module, version, indirect := m[1], m[2], m[3] != ""
		required[module] = true
		if indirect {
			continue
		}
		named := slices.ContainsFunc(doc.lines(), func(line string) bool {
			return strings.Contains(line, "`"+module+"`") && strings.Contains(line, version)
		})
		if !named {
			bad = append(bad, fmt.Sprintf("docs/dependencies.md: no line names `%s` and %s of go.mod", module, version))
		}
	}
	for _, m := range documented.FindAllStringSubmatch(string(doc.source), -1) {
		if !required[m[1]] {
			bad = append(bad, fmt.Sprintf("docs/dependencies.md: go.mod does not require `%s` (any more)", m[1]))
		}
	}
	return bad
}

var linkPatterns = []*regexp.Regexp{
	regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`),
	regexp.MustCompile(`^\s*\[[^\]^]+\]:\s+<?([^\s>]+)`),
	regexp.MustCompile(`(?:src|href)="([^"]+)"`),
}

var inlineCode = regexp.MustCompile("`[^`]*`")

func checkLinks(t *tree) (bad []string) {
	for _, f := range t.texts {
		if path.Ext(f.name) != ".md" {
			continue
		}
		for n, line := range outsideCode(f.lines()) {
			line = inlineCode.ReplaceAllString(line, "")
			for _, pattern := range linkPatterns {
				for _, m := range pattern.FindAllStringSubmatch(line, -1) {
					if !t.linkHolds(f.name, m[1]) {
						bad = append(bad, fmt.Sprintf("%s:%d: %s is not there", f.name, n+1, m[1]))
					}
				}
			}
		}
	}
	return bad
}

// linkHolds reports whether a link's target exists; what is outside the
// repository is believed.
func (t *tree) linkHolds(from, link string) bool {
	u, err := url.Parse(link)
	if err != nil {
		return false
	}
	if u.Scheme != "" || u.Host != "" || u.Path == "" {
		return true
	}
	target := path.Join(path.Dir(from), u.Path)
	if strings.HasPrefix(u.Path, "/") {
		target = path.Clean(strings.TrimPrefix(u.Path, "/"))
	}
	_, err = fs.Stat(t.files, target)
	return err == nil
}

// outline is what the two READMEs must have in common.
func outline(f textFile) (headings []string, blocks int) {
	fenced := false
	for _, line := range f.lines() {
		switch {
		case isFence(line):
			if !fenced {
				blocks++
			}
			fenced = !fenced
		case !fenced && strings.HasPrefix(line, "#"):
			level, _, _ := strings.Cut(line, " ")
			headings = append(headings, level)
		}
	}
	return headings, blocks
}

func checkReadmes(t *tree) (bad []string) {
	english, ok1 := t.text("README.md")
	chinese, ok2 := t.text("README.zh-CN.md")
	if !ok1 || !ok2 {
		return []string{"README.md and README.zh-CN.md must both be there"}
	}
	h1, b1 := outline(english)
	h2, b2 := outline(chinese)
	if !slices.Equal(h1, h2) {
		bad = append(bad, fmt.Sprintf("the headings differ: README.md has %d (%s), README.zh-CN.md has %d (%s)",
			len(h1), strings.Join(h1, " "), len(h2), strings.Join(h2, " ")))
	}
	if b1 != b2 {
		bad = append(bad, fmt.Sprintf("README.md has %d code blocks, README.zh-CN.md has %d", b1, b2))
	}
	return bad
}

func parseGo(fset *token.FileSet, name string, source []byte) (*ast.File, error) {
	return parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
}
