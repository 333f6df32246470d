package schema_test

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/schema"
)

// ddl is what the files of one engine declare, in words common to both.
type ddl struct {
	Tables  map[string][]string // columns and the primary key
	Indexes map[string]string
}

var (
	createTable = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\)([^;]*);`)
	createIndex = regexp.MustCompile(`(?s)CREATE (UNIQUE )?INDEX (\w+) (ON [^;]*);`)
	addColumn   = regexp.MustCompile(`(?s)ALTER TABLE (\w+) ADD COLUMN ([^;]*);`)
	comment     = regexp.MustCompile(`--[^\n]*`)
	spaces      = regexp.MustCompile(`\s+`)
	column      = regexp.MustCompile(`^(\w+) (BIGINT|INTEGER|TEXT COLLATE "C"|TEXT|BYTEA|BLOB) NOT NULL( PRIMARY KEY)?( DEFAULT [^,]+)?$`)
)

// typeWords translates types; a type of the other engine is not in it.
var typeWords = map[string]map[string]string{
	"sqlite":   {"INTEGER": "int", "TEXT": "text", "BLOB": "bytes"},
	"postgres": {"BIGINT": "int", `TEXT COLLATE "C"`: "text", "BYTEA": "bytes"},
}

func declared(t *testing.T, engine string, files fs.FS) ddl {
	t.Helper()
	d := ddl{map[string][]string{}, map[string]string{}}
	names, err := fs.Glob(files, engine+"/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files of %s: %v", engine, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		bare := comment.ReplaceAllString(string(text), "")
		for _, m := range createTable.FindAllStringSubmatch(bare, -1) {
			d.Tables[m[1]] = columnsOf(t, engine, m[1], m[2])
			if strict := strings.Contains(m[3], "STRICT"); strict != (engine == "sqlite") {
				t.Errorf("%s: table %s ends with %q", name, m[1], m[3])
			}
		}
		for _, m := range createIndex.FindAllStringSubmatch(bare, -1) {
			d.Indexes[m[2]] = m[1] + spaces.ReplaceAllString(m[3], " ")
		}
		for _, m := range addColumn.FindAllStringSubmatch(bare, -1) {
			d.Tables[m[1]] = append(d.Tables[m[1]], columnsOf(t, engine, m[1], m[2])...)
		}
		rest := addColumn.ReplaceAllString(createIndex.ReplaceAllString(createTable.ReplaceAllString(bare, ""), ""), "")
		if rest = strings.TrimSpace(rest); rest != "" {
			t.Errorf("%s: what this test can't compare: %s", name, rest)
		}
	}
	return d
}

func columnsOf(t *testing.T, engine, table, body string) (columns []string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(body), "\n")
	for _, line := range lines {
		line = spaces.ReplaceAllString(strings.TrimSuffix(strings.TrimSpace(line), ","), " ")
		if strings.HasPrefix(line, "PRIMARY KEY (") || strings.HasPrefix(line, "UNIQUE (") {
			columns = append(columns, line)
			continue
		}
		m := column.FindStringSubmatch(line)
		if m == nil || typeWords[engine][m[2]] == "" {
			t.Errorf("%s: table %s: %q is not a column as this house declares them", engine, table, line)
			continue
		}
		columns = append(columns, m[1]+" "+typeWords[engine][m[2]]+m[3]+m[4])
	}
	return columns
}

// Both engines have the same tables, columns, keys and indexes, in types that
// hold the same values.
func TestBothEnginesDeclareTheSame(t *testing.T) {
	lite, server := declared(t, "sqlite", schema.Files), declared(t, "postgres", schema.Files)
	// SQLite needs no ids of transactions: COMMIT has no answer that gets lost
	// between a process and itself.
	delete(server.Tables, "train")
	if len(lite.Tables) < 7 {
		t.Errorf("only %d tables found: %v", len(lite.Tables), lite.Tables)
	}
	if diff := cmp.Diff(lite, server); diff != "" {
		t.Errorf("sqlite -, postgres +:\n%s", diff)
	}
	for table, columns := range lite.Tables {
		if !slices.ContainsFunc(columns, func(c string) bool { return strings.HasPrefix(c, "PRIMARY KEY (scope, ") }) {
			t.Errorf("table %s has no primary key that begins with the scope: %v", table, columns)
		}
	}
}

func TestBothEnginesHaveTheSameFiles(t *testing.T) {
	var names [2][]string
	for i, engine := range []string{"sqlite", "postgres"} {
		all, err := fs.Glob(schema.Files, engine+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all {
			names[i] = append(names[i], path.Base(name))
		}
	}
	if diff := cmp.Diff(names[0], names[1]); diff != "" {
		t.Error("sqlite -, postgres +:", diff)
	}
}
