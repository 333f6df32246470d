package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// wholeTables are the queries that go over all rows of a table, or all that an
// account has in it, whatever there is, each with the reason why it may. All others find what they want by an index, so
// that what a server does when it starts, or at a payment, takes as long with
// a million payments stored as with none.
var wholeTables = map[string]string{
	"api keys":                       "florin key list",
	"accounts of a shard":            "as many rows as accounts; asked for news that name a shard alone",
	"how many accounts are sealed":   "florin verify",
	"security codes that are kept":   "florin verify; a code is kept until its payment's outcome is known",
	"scope of an attempt":            "a report's line that names an attempt of which nothing else is known",
	"scope of a break":               "florin break",
	"some accounts":                  "the first two of them",
	"scope of an endpoint":           "florin webhook; as many rows as endpoints",
	"sums of items":                  "once a day, after reconciliation",
	"what of all money is explained": "a row for each account, provider and currency",
	"how many breaks are open":       "metrics; as many rows as breaks there ever were",

	"balances of a scope":                  "an account has a few, for each currency",
	"chains of seals":                      "one for each shard",
	"payment.stored":                       "florin bench",
	"what remains of items, by account":    "florin verify",
	"what of a scope's money is explained": "a row for each provider and currency",
}

// indexesWithin are the indexes that hold some rows of their table only: to go
// over all of one is to look at what is open.
var indexesWithin = db.NewQuery("test: partial indexes", "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL", func(i *textOfIndex, f *db.Fields) {
	db.Text(f, &i.Name)
	db.Text(f, &i.SQL)
})

type textOfIndex struct{ Name, SQL string }

// scans tells what of a plan goes over a whole table.
func scans(p db.Plan, partial []string) (list []string) {
	for _, step := range p.Steps {
		// "SCAN charge USING INDEX charge_stale"
		words := strings.Fields(step)
		whole := words[0] == "SCAN" && !slices.Contains(partial, words[len(words)-1]) && words[1] != "CONSTANT"
		if within := strings.HasSuffix(step, " (scope=?)"); whole || within && !slices.Contains(partial, words[len(words)-2]) { // all that an account has
			list = append(list, step)
		}
	}
	return list
}

// TestNothingScans: no query that a server runs goes over a table that grows
// with the payments. Plans go by the indexes, so that this says the same on an
// empty database as on a full one, and on a busy machine as on a quiet one.
func TestNothingScans(t *testing.T) {
	d := dbtest.OpenAt(t, dbtest.SQLite(t), db.Options{})
	var partial []string
	err := indexesWithin.Each(t.Context(), d, func(i textOfIndex) error {
		if strings.Contains(i.SQL, " WHERE ") {
			partial = append(partial, i.Name)
		}
		return nil
	})
	if err != nil || len(partial) < 10 {
		t.Fatalf("partial indexes: %v, %v", partial, err)
	}
	planted := db.NewQuery("test: planted", "SELECT count(*) FROM attempt WHERE state = 'x'", func(n *int64, f *db.Fields) { db.Int(f, n) })
	plans, err := d.Plans(t.Context())
	if err != nil || len(plans) < 100 {
		t.Fatalf("%d plans, %v", len(plans), err)
	}
	seen := map[string]bool{}
	for _, p := range plans {
		list := scans(p, partial)
		switch {
		case len(list) == 0:
		case strings.HasPrefix(p.Name, "test: "):
			seen[p.Name] = true
		case wholeTables[p.Name] == "":
			t.Errorf("%q goes over a whole table: %q in %s", p.Name, list, p.SQL)
		}
		seen[p.Name] = seen[p.Name] || len(list) > 0
	}
	if _ = planted; !seen["test: planted"] {
		t.Error("a query without an index is not noticed")
	}
	for name := range wholeTables {
		if !seen[name] {
			t.Errorf("%q is said to go over a whole table, and does not", name)
		}
	}
}
