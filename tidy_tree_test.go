package florin_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// tree is the repository as the rules see it.
type tree struct {
	files   fs.FS
	fset    *token.FileSet
	goFiles []goFile
	texts   []textFile // all files that are text, the Go ones among them
}

// textFile is a file of text, named by its path from the root.
type textFile struct {
	name   string
	source []byte
}

// goFile is a Go file outside testdata.
type goFile struct {
	textFile
	dir  string // its package's folder from the root, "." for the root
	fset *token.FileSet
	ast  *ast.File
	// test: it is compiled for tests only, alone or with its whole package.
	test bool
	// nested: it belongs to another module inside the repository.
	nested bool
	// ignored: it has a build constraint "ignore": a program for go generate.
	ignored bool
}

// product reports whether the file becomes part of the binary. A main package
// below internal is a program for go generate.
func (f goFile) product() bool {
	tool := f.ignored || f.ast.Name.Name == "main" && !within(f.dir, "cmd")
	return !f.test && !f.nested && !tool && (within(f.dir, "internal") || within(f.dir, "cmd"))
}

func (f goFile) at(n ast.Node) string {
	p := f.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// imports gives the paths that the file imports.
func (f goFile) imports() (list []string) {
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// importName is the name under which the file knows a package of the standard
// library, or "" if it does not import it.
func (f goFile) importName(pkg string) string {
	for _, spec := range f.ast.Imports {
		if spec.Path.Value != strconv.Quote(pkg) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(pkg)
	}
	return ""
}

func (f textFile) lines() []string { return strings.Split(string(f.source), "\n") }

func (t *tree) text(name string) (textFile, bool) {
	i := slices.IndexFunc(t.texts, func(f textFile) bool { return f.name == name })
	if i < 0 {
		return textFile{}, false
	}
	return t.texts[i], true
}

// untracked are folders, and file name endings, that .gitignore keeps out.
var (
	untrackedDirs = []string{".git", "node_modules", ".cache", "bin", "tmp"}
	untrackedEnds = []string{".db", ".db-wal", ".db-shm", ".book", ".key"}
)

// load reads the tree. A Go file that doesn't parse is an error.
func load(files fs.FS) (*tree, error) {
	t := &tree{files: files, fset: token.NewFileSet()}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(untrackedDirs, d.Name()):
			return fs.SkipDir
		case !d.Type().IsRegular() || d.Name() == ".git" || slices.Contains(untrackedEnds, path.Ext(name)):
			return nil
		}
		return t.add(name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	t.markNested()
	return t, nil
}

func (t *tree) add(name string) error {
	source, err := fs.ReadFile(t.files, name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(source, 0) >= 0 {
		return nil // not text
	}
	text := textFile{name: name, source: source}
	t.texts = append(t.texts, text)
	if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
		return nil
	}
	file, err := parseGo(t.fset, name, source)
	if err != nil {
		return err
	}
	t.goFiles = append(t.goFiles, goFile{
		textFile: text, dir: path.Dir(name), fset: t.fset, ast: file,
		test:    strings.HasSuffix(name, "_test.go") || madeForTests(path.Dir(name)),
		ignored: isIgnored(file),
	})
	return nil
}

// madeForTests reports whether a package exists for the tests of others: dbtest
// below db, providertest below provider.
func madeForTests(dir string) bool { return path.Base(dir) == path.Base(path.Dir(dir))+"test" }

// isIgnored reports whether the file's build constraint asks for the tag
// "ignore", which nobody sets.
func isIgnored(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, c := range group.List {
			if c.Pos() > file.Package {
				return false
			}
			if expr, err := constraint.Parse(c.Text); err == nil {
				return !expr.Eval(func(tag string) bool { return tag != "ignore" })
			}
		}
	}
	return false
}

// markNested marks the Go files below a go.mod other than the root's.
func (t *tree) markNested() {
	var modules []string
	for _, f := range t.texts {
		if path.Base(f.name) == "go.mod" && f.name != "go.mod" {
			modules = append(modules, path.Dir(f.name))
		}
	}
	for i, f := range t.goFiles {
		t.goFiles[i].nested = slices.ContainsFunc(modules, func(m string) bool { return within(f.dir, m) })
	}
}

// within reports whether dir is parent or below it.
func within(dir, parent string) bool {
	return dir == parent || strings.HasPrefix(dir, parent+"/")
}

func isFence(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "```") }

// outsideCode blanks the lines of fenced code blocks, keeping the numbering.
func outsideCode(lines []string) []string {
	out := make([]string, len(lines))
	fenced := false
	for i, line := range lines {
		if isFence(line) {
			fenced = !fenced
		} else if !fenced {
			out[i] = line
		}
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
