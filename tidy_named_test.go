package florin_test

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

var (
	// namedTest is a test in a text, `TestX/part` or `TestX*`, and the package that it is said to be in.
	namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Z][0-9A-Za-z_]*)(\\*)?(?:/[^`]*)?`(?: in `([a-z][^`]*)`)?")
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[0-9A-Za-z_]+)\(`)
)

// checkNamedTests lists the tests that a text names and that are not where it says, or, where
// it does not say, nowhere.
func checkNamedTests(t *tree) (bad []string) {
	at := map[string][]string{} // by name: folders
	for _, f := range t.goFiles {
		if !strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		for _, m := range testFunc.FindAllSubmatch(f.source, -1) {
			at[string(m[1])] = append(at[string(m[1])], path.Dir(f.name))
		}
	}
	for _, f := range t.texts {
		if path.Ext(f.name) != ".md" {
			continue
		}
		for n, line := range f.lines() {
			for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
				if !isTest(at, m[1], m[2] != "", m[3]) {
					bad = append(bad, fmt.Sprintf("%s:%d: %s is not there, or not where it is said to be", f.name, n+1, m[1]))
				}
			}
		}
	}
	return bad
}

func isTest(at map[string][]string, name string, begins bool, folder string) bool {
	for test, folders := range at {
		if test != name && !(begins && strings.HasPrefix(test, name)) {
			continue
		}
		for _, dir := range folders {
			if folder == "" || dir == folder {
				return true
			}
		}
	}
	return false
}

// checkLessons lists the rows of the table of what went wrong elsewhere that name no test.
func checkLessons(t *tree) (bad []string) {
	for _, f := range t.texts {
		if f.name != "docs/reliability.md" {
			continue
		}
		_, section, _ := strings.Cut(string(f.source), "\n## Seen elsewhere\n")
		section, _, _ = strings.Cut(section, "\n## ")
		rows := 0
		for line := range strings.Lines(section) {
			if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| seen") {
				continue
			}
			rows++
			cells := strings.Split(strings.TrimSpace(line), " | ")
			if len(cells) != 3 || !namedTest.MatchString(cells[2]) {
				bad = append(bad, fmt.Sprintf("%s: no test is named for %.60s", f.name, line))
			}
		}
		if rows == 0 {
			bad = append(bad, f.name+": the table of what was seen elsewhere is empty")
		}
	}
	return bad
}
