package leak_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/test/leak"
)

// sources gives the text of every file that tests are made of, by path: Go
// tests, the Node client's, and the documents whose commands a test runs.
func sources(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && name != "." || name == "test/prototype" || name == "test/leak"):
			return fs.SkipDir
		case strings.HasSuffix(name, "_test.go"), path.Ext(name) == ".mjs", path.Ext(name) == ".txtar", path.Ext(name) == ".md",
			strings.HasPrefix(name, "test/") && path.Ext(name) == ".go":
			text, err := fs.ReadFile(root, name)
			texts[name] = string(text)
			return err
		}
		return nil
	})
	if err != nil || len(texts) < 50 {
		t.Fatalf("%d sources, %v", len(texts), err)
	}
	return texts
}

// typed finds what is written like a card number, in groups or not.
var typed = regexp.MustCompile(`[0-9](?:(?: |\+|-|%20)?[0-9]){12,}`)

var digits = strings.NewReplacer(" ", "", "+", "", "-", "", "%20", "")

// cardNumber reports whether digits are of a length, a range and a check digit
// that cards have.
func cardNumber(number string) bool {
	if len(number) < 13 || len(number) > 19 || !strings.Contains("3456", number[:1]) && (number[:4] < "2221" || number[:4] > "2720") {
		return false
	}
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

func TestEveryNumberIsKnown(t *testing.T) {
	numbers := leak.Numbers()
	for _, c := range vault.TestCards {
		if !slices.Contains(numbers, c.Number) {
			t.Errorf("%s, the number of %s, is not looked for", c.Number, c.Name)
		}
	}
	found := 0
	for name, text := range sources(t) {
		for _, match := range typed.FindAllString(text, -1) {
			if number := digits.Replace(match); cardNumber(number) {
				found++
				if !slices.Contains(numbers, number) {
					t.Errorf("%s uses %s, which is not looked for", name, number)
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d numbers were found in the sources", found)
	}
	if slices.Sort(numbers); len(slices.Compact(numbers)) != len(leak.Numbers()) {
		t.Error("a number is there twice")
	}
}

// evidence are the tests whose databases, logs, replies and books are searched
// and that type card numbers in.
var evidence = []string{
	"internal/core/vault/secrecy_test.go", "internal/door/rest/secrecy_test.go", "test/clients/refusals_test.go",
}

// TestEachFormIsCovered: what is left out is left out of packed numbers alone,
// and some whose packed form is looked for go through the tests.
func TestEachFormIsCovered(t *testing.T) {
	left := map[string]bool{}
	for _, o := range leak.Omissions() {
		if o.Form != leak.BCD || o.Reason == "" {
			t.Errorf("%+v is left out", o)
		}
		left[o.Number] = true
	}
	texts := sources(t)
	for _, name := range evidence {
		covered := map[string]bool{}
		for _, match := range typed.FindAllString(texts[name], -1) {
			if number := digits.Replace(match); cardNumber(number) && !left[number] {
				covered[number] = true
			}
		}
		t.Logf("%s types %d numbers that are looked for in every form", name, len(covered))
		if len(covered) == 0 {
			t.Errorf("%s types no number whose packed form is looked for", name)
		}
	}
	if kept := len(leak.Numbers()) - len(left); kept < 10 {
		t.Errorf("only %d numbers are looked for in every form", kept)
	} else {
		t.Logf("%d numbers are looked for in every form, %d in all but BCD", kept, len(left))
	}
}
