package schema_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/florinpay/florin/internal/schema"
)

// removals are the migrations that may take away what an older Florin used:
// file name -> the release since which no Florin uses it, at least one before
// that of the file. Without such an entry a migration only adds, since servers
// of the release before go on while it is applied and after.
var removals = map[string]string{}

// What a migration may do while servers of the release before are running: what
// they write and read stays as it was.
var (
	newTable  = regexp.MustCompile(`^CREATE TABLE (\w+) \(`)
	newIndex  = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX \w+ ON (\w+) `)
	newColumn = regexp.MustCompile(`^ALTER TABLE \w+ ADD COLUMN \w+ (?:BIGINT|INTEGER|TEXT COLLATE "C"|TEXT|BYTEA|BLOB) NOT NULL DEFAULT (?:-?\d+|'[^']*'|x'[^']*')$`)
)

// addsOnly says which statements of a migration do more than to add.
func addsOnly(sql string) (bad []string) {
	var made []string
	for statement := range strings.SplitSeq(comment.ReplaceAllString(sql, ""), ";") {
		statement = strings.TrimSpace(spaces.ReplaceAllString(statement, " "))
		table, index := newTable.FindStringSubmatch(statement), newIndex.FindStringSubmatch(statement)
		switch {
		case statement == "" || newColumn.MatchString(statement):
		case table != nil:
			made = append(made, table[1])
		case index != nil && index[1] == "":
		case index != nil && slices.Contains(made, index[2]):
		case index != nil:
			bad = append(bad, statement+": a unique index refuses what an older Florin may write; only a table that the same file makes can have one")
		default:
			bad = append(bad, statement+": an older Florin that is running could not go on; add beside it, and remove once nobody uses it (CONTRIBUTING.md, \"a migration\")")
		}
	}
	return bad
}

func migrationsThatTakeAway(files fs.FS) (bad []string, err error) {
	for _, engine := range []string{"sqlite", "postgres"} {
		names, err := fs.Glob(files, engine+"/*.sql")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasPrefix(path.Base(name), "0001_") || removals[path.Base(name)] != "" {
				continue
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			for _, what := range addsOnly(string(text)) {
				bad = append(bad, name+": "+what)
			}
		}
	}
	return bad, nil
}

func TestMigrationsOnlyAdd(t *testing.T) {
	bad, err := migrationsThatTakeAway(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range bad {
		t.Error(what)
	}
}

// The check notices what takes away, and lets through what adds.
func TestMigrationsThatTakeAwayAreNoticed(t *testing.T) {
	for sql, want := range map[string]bool{
		"-- DROP TABLE job;\nCREATE TABLE a (\n x BIGINT NOT NULL\n);\nCREATE UNIQUE INDEX a_x ON a (x);":         true,
		"ALTER TABLE job ADD COLUMN note TEXT COLLATE \"C\" NOT NULL DEFAULT '';":                                 true,
		"ALTER TABLE job\n  ADD COLUMN n BIGINT NOT NULL DEFAULT -1;\nCREATE INDEX job_n ON job (n) WHERE n > 0;": true,

		"DROP TABLE job;":                                                   false,
		"drop index job_due;":                                               false,
		"ALTER TABLE job DROP COLUMN kind;":                                 false,
		"ALTER TABLE job RENAME TO task;":                                   false,
		"ALTER TABLE job RENAME COLUMN kind TO sort;":                       false,
		"ALTER TABLE job ALTER COLUMN tries TYPE INTEGER;":                  false,
		"ALTER TABLE job ALTER COLUMN kind SET NOT NULL;":                   false,
		"ALTER TABLE job ADD COLUMN note TEXT NOT NULL;":                    false, // an older Florin writes none
		"ALTER TABLE job ADD COLUMN note TEXT NOT NULL DEFAULT '', DROP x;": false,
		"ALTER TABLE job ADD CONSTRAINT c CHECK (tries < 9);":               false,
		"CREATE UNIQUE INDEX job_once ON job (scope, kind);":                false,
		"UPDATE job SET tries = 0;":                                         false, // holds every row locked
		"CREATE TABLE a (x BIGINT); TRUNCATE job;":                          false,
	} {
		files := fstest.MapFS{"postgres/0001_first.sql": {Data: []byte("DROP TABLE anything;")}, "postgres/0002_next.sql": {Data: []byte(sql)}}
		bad, err := migrationsThatTakeAway(files)
		if err != nil {
			t.Fatal(err)
		}
		if (len(bad) == 0) != want {
			t.Errorf("%s: %s", sql, fmt.Sprint(bad))
		}
	}
}
