package schema_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/schema"
)

var indexed = regexp.MustCompile(`^UNIQUE ON (\w+) \(([^)]*)\)`)

// unscoped lists the keys and unique indexes of tenants' tables that a database which
// is spread by scope could not hold.
func unscoped(d ddl) (list []string) {
	for table, columns := range d.Tables {
		_, apart := schema.Directory[table]
		within := func(c string) bool {
			return strings.HasPrefix(c, "PRIMARY KEY (scope, ") || strings.HasPrefix(c, "UNIQUE (scope, ")
		}
		for _, c := range columns {
			if unique := strings.Contains(c, "PRIMARY KEY") || strings.HasPrefix(c, "UNIQUE"); unique && !within(c) && !apart {
				list = append(list, table+": "+c)
			}
		}
		if !slices.ContainsFunc(columns, within) && !apart {
			list = append(list, table+": no key within a scope")
		}
	}
	for name, text := range d.Indexes {
		m := indexed.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if _, apart := schema.Directory[m[1]]; !apart && !slices.Contains(strings.Split(m[2], ", "), "scope") {
			list = append(list, name+": "+text)
		}
	}
	slices.Sort(list)
	return list
}

// What is unique is so within a scope: over several machines nobody could tell
// otherwise.
func TestKeysAreWithinScopes(t *testing.T) {
	d := declared(t, "postgres", schema.Files)
	for _, problem := range unscoped(d) {
		t.Error(problem)
	}
	for table, apart := range schema.Directory {
		if d.Tables[table] == nil && table != "migration" {
			t.Errorf("%s is listed, and there is no such table", table)
		}
		if apart.Why == "" || apart.Goes == "" {
			t.Errorf("%s is listed without a reason", table)
		}
	}
	for table, why := range schema.Ownerless {
		if _, apart := schema.Directory[table]; apart || d.Tables[table] == nil || why == "" {
			t.Errorf("%s is listed as a tenants' table with rows of nobody", table)
		}
	}
	planted := ddl{
		Tables:  map[string][]string{"a": {"scope int", "key int PRIMARY KEY"}, "b": {"PRIMARY KEY (scope, key)", "UNIQUE (key)"}, "c": {"PRIMARY KEY (key, scope)"}, "meta": {"key int PRIMARY KEY"}},
		Indexes: map[string]string{"b_key": "UNIQUE ON b (key)", "b_all": "UNIQUE ON b (key, scope)", "b_at": "ON b (at)", "meta_key": "UNIQUE ON meta (key)"},
	}
	want := []string{"a: key int PRIMARY KEY", "a: no key within a scope", "b: UNIQUE (key)", "b_key: UNIQUE ON b (key)", "c: PRIMARY KEY (key, scope)", "c: no key within a scope"}
	if got := unscoped(planted); !slices.Equal(got, want) {
		t.Errorf("planted: %q", got)
	}
}
