package db_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/schema"
)

// A handle with a schema of its own neither sees nor touches the tables of a
// handle beside it, not even while it has none.
func TestSchemaOfItsOwn(t *testing.T) {
	if !dbtest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server")
	}
	address := dbtest.Address(t)
	main := dbtest.OpenAt(t, address, db.Options{})
	apart, err := db.Open(t.Context(), address, db.Options{Schema: `a "part"`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = apart.Close() })
	if n, err := apart.SchemaVersion(t.Context()); n != 0 || err != nil {
		t.Fatalf("before it is migrated: version %d, %v", n, err)
	}
	for range 2 { // the second time all is there
		if err := apart.Migrate(t.Context(), schema.Files); err != nil {
			t.Fatal(err)
		}
	}
	k := db.Key{Scope: 2, ID: 1}
	for _, d := range []*db.DB{main, apart} {
		if err := d.Run(t.Context(), increment(k, 1, 1)); err != nil { // a second on the same row would be refused
			t.Error(err)
		}
		if c, ok, err := counters.Read(t.Context(), d, k); !ok || c.State != 1 || err != nil {
			t.Errorf("%+v %t %v", c, ok, err)
		}
	}
}

func TestSQLiteHasNoSchemas(t *testing.T) {
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), db.Options{Schema: "apart"})
	if err == nil || !strings.Contains(err.Error(), "no schemas") {
		t.Errorf("%v", err)
	}
	if err == nil {
		_ = d.Close()
	}
}
