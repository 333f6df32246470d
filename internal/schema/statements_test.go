// Package schema_test checks the tables against each other and against
// everything that is said to them. It imports every package that has tables.
package schema_test

import (
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"

	_ "github.com/florinpay/florin/internal/base/event"
	_ "github.com/florinpay/florin/internal/base/idem"
	_ "github.com/florinpay/florin/internal/base/job"
	_ "github.com/florinpay/florin/internal/base/object"
	_ "github.com/florinpay/florin/internal/core/ledger"
	_ "github.com/florinpay/florin/internal/core/merchant"
	_ "github.com/florinpay/florin/internal/core/payment"
	_ "github.com/florinpay/florin/internal/core/vault"
	_ "github.com/florinpay/florin/internal/core/webhook"
)

// Every statement of every registered table and query can be prepared on a
// migrated database: on SQLite always, on PostgreSQL where one is at hand.
func TestEveryStatementFitsTheSchema(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { checkStatements(t, dbtest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) {
		if !dbtest.Postgres() {
			t.Skip("FLORIN_TEST_DB names no server")
		}
		checkStatements(t, dbtest.Address(t))
	})
}

func checkStatements(t *testing.T, address string) {
	if err := dbtest.OpenAt(t, address, db.Options{}).CheckStatements(t.Context()); err != nil {
		t.Error(err)
	}
}

// The check itself notices a statement that does not fit. Registering is for
// the whole process, so this test comes last.
func TestStatementsThatDoNotFitAreNoticed(t *testing.T) {
	d := dbtest.Open(t)
	none := func(*int64, *db.Fields) {}
	one := func(n *int64, f *db.Fields) { db.Int(f, n) }
	db.NewTable("no_such_table", "scope, key", "number", one)
	db.NewTable("meta", "scope, key", "no_such_column", one)
	db.NewQuery("planted: no table", "SELECT 1 FROM no_table_either", none)
	db.NewQuery("planted: like", "SELECT number FROM meta WHERE text LIKE ?", one)
	err := d.CheckStatements(t.Context())
	if err == nil {
		t.Fatal("nothing noticed")
	}
	for _, want := range []string{"table no_such_table", "no_such_column", "planted: no table", "do not agree on LIKE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not noticed in: %v", want, err)
		}
	}
}
