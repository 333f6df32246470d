package mutants

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is the repository, seen from this folder.
const root = "../.."

var planted = regexp.MustCompile(`\bprobe\.Mutant\("([^"]+)"\)`)

// TestEveryMutantHasAKiller: the mutants in the code are those of the table.
func TestEveryMutantHasAKiller(t *testing.T) {
	var inCode, inTable []string
	for _, folder := range []string{"internal", "cmd"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, found := range planted.FindAllSubmatch(source, -1) {
				inCode = append(inCode, string(found[1]))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range table {
		inTable = append(inTable, m.name)
		if m.breaks == "" || len(m.killers) == 0 {
			t.Errorf("%s: the table does not say what it breaks and which test kills it", m.name)
		}
	}
	slices.Sort(inCode)
	slices.Sort(inTable)
	if diff := cmp.Diff(slices.Compact(inCode), inTable); diff != "" {
		t.Errorf("-planted +in the table:\n%s", diff)
	}
}

// TestKillersAreThere: the tests that the table names exist, and one that
// switches a mutant on itself names it.
func TestKillersAreThere(t *testing.T) {
	sources := map[string]string{} // of a folder's tests
	for _, m := range table {
		for _, k := range m.killers {
			if sources[k.in] == "" {
				sources[k.in] = tests(t, k.in)
			}
			name, _, _ := strings.Cut(k.run, "/")
			_, after, found := strings.Cut(sources[k.in], "\nfunc "+name+"(t *testing.T) {\n")
			body, _, _ := strings.Cut(after, "\n}\n")
			if !found || k.itself && !strings.Contains(body, `"`+m.name+`"`) {
				t.Errorf("%s: there is no %s in %s, or it does not name the mutant", m.name, name, k.in)
			}
		}
	}
}

// tests is the source of a folder's tests.
func tests(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	var all strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(source)
	}
	return all.String()
}

// row is a mutant's line in docs/reliability.md.
func (m mutant) row() string {
	killers := make([]string, len(m.killers))
	for i, k := range m.killers {
		killers[i] = fmt.Sprintf("`%s` in `%s`", k.run, k.in)
	}
	breaks := m.breaks
	if m.postgres {
		breaks += " (PostgreSQL)"
	}
	return fmt.Sprintf("| `%s` | %s | %s |", m.name, breaks, strings.Join(killers, ", "))
}

// TestDocumentation: docs/reliability.md shows the table.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/reliability.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Mutants\n")
	if !found {
		t.Fatal("docs/reliability.md has no section Mutants")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var have, want []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| `") {
			have = append(have, strings.TrimSuffix(line, "\n"))
		}
	}
	for _, m := range table {
		want = append(want, m.row())
	}
	if diff := cmp.Diff(have, want); diff != "" {
		t.Errorf("-documented +in the table:\n%s\nThe table would be:\n%s", diff, strings.Join(want, "\n"))
	}
}
