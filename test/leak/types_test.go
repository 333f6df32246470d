package leak_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cardField matches the names that a field with a card number or a security
// code would have.
var cardField = regexp.MustCompile(`(?i)^(pan|(card)?number|cvc|cvv2?|csc|securitycode|track[12]?(data)?)$`)

// clearFields are the fields of the product that are named so and are plain
// text or bytes, with the reason for each. Whatever else holds card data is a
// hidden.Text, which doesn't print; a test of each package shows that
// (TestCardsDoNotPrint and its like, by secrettest.Hides).
var clearFields = map[string]string{
	"internal/core/vault.TestCard.Number":          "public, and worth nothing",
	"internal/core/vault.clearNumber.Number":       "its JSON is what is sealed; it is never kept",
	"internal/core/vault.sealedBank.Number":        "a bank account's; its JSON is what is sealed, and it is never kept",
	"internal/provider/bank.clear.Number":          "a bank account's, in a body on its way to the wire, within one function",
	"internal/core/vault.clearAccount.Number":      "as sealedBank.Number",
	"internal/core/vault.TestAccount.Number":       "as TestCard.Number",
	"internal/core/vault.cardDraft.number":         "ciphertext",
	"internal/core/vault.cardDraft.cvc":            "ciphertext",
	"internal/core/vault.Checks.CVC":               `a result: "pass"`,
	"internal/provider/sandbox.wireCard.Number":    "a body on its way to the wire, within one function",
	"internal/provider/sandbox.wireCard.CVC":       "as its Number",
	"internal/provider/sandbox.wireAccount.Number": "as wireCard's",
}

// TestCardDataIsHidden: no struct of the product has card data in a field that
// prints.
func TestCardDataIsHidden(t *testing.T) {
	found := map[string]string{}
	hidden := 0
	root := os.DirFS("../..")
	for _, top := range []string{"internal", "cmd"} {
		err := fs.WalkDir(root, top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for field, kind := range cardFields(file) {
				switch kind {
				case "string", "[]byte", "*string":
					found[path.Dir(name)+"."+field] = fset.Position(file.Pos()).Filename
				case "hidden.Text", "secret.Text", "secret.Bytes":
					hidden++
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(found)) {
		if clearFields[field] == "" {
			t.Errorf("%s (%s) is named like card data and prints: make it a hidden.Text, or say here why it may", field, found[field])
		}
	}
	for field := range clearFields {
		if found[field] == "" {
			t.Errorf("there is no %s any more", field)
		}
	}
	if hidden < 6 {
		t.Errorf("only %d hidden fields were seen: the search sees too little", hidden)
	}
}

// cardFields gives the fields of a file's structs that are named like card
// data, "Type.Field", and their types.
func cardFields(file *ast.File) map[string]string {
	fields := map[string]string{}
	owner := ""
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			owner = n.Name.Name
		case *ast.TypeSpec:
			owner = n.Name.Name
		case *ast.StructType:
			for _, f := range n.Fields.List {
				for _, name := range f.Names {
					if cardField.MatchString(name.Name) {
						fields[owner+"."+name.Name] = typeText(f.Type)
					}
				}
			}
		}
		return true
	})
	return fields
}

func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return fmt.Sprint(typeText(e.X), ".", e.Sel.Name)
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.ArrayType:
		if e.Len == nil {
			return "[]" + typeText(e.Elt)
		}
	}
	return "another"
}

// TestCardFieldsAreSeen: the search above would see what it is for.
func TestCardFieldsAreSeen(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
type a struct { Number string; CVC []byte; pan, other string; CardNumber *string; Amount int64 }
func f() { type b struct { cvv2 string }; _ = struct{ Track2 string }{} }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(cardFields(file)))
	if want := []string{"a.CVC", "a.CardNumber", "a.Number", "a.pan", "b.Track2", "b.cvv2"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
