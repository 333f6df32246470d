package db_test

import (
	"testing"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/schema"
)

// A scratch schema holds books of its own beside those of the database, and is
// gone when it is dropped.
func TestScratch(t *testing.T) {
	needPostgres(t)
	address := dbtest.Address(t)
	main := dbtest.OpenAt(t, address, db.Options{})
	own, drop, err := db.Scratch(t.Context(), address, "florin_scratch_1")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.Scratch(t.Context(), address, "florin_scratch_1"); err == nil {
		t.Error("a schema that is there was taken for one's own")
	}
	process := 0
	before, err := db.MeasureServer(t.Context(), own, func(backend int) { process = backend })
	if err != nil || before.Bytes == 0 || before.Log == 0 || process == 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	apart, err := db.Open(t.Context(), own, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := apart.Migrate(t.Context(), schema.Files); err != nil {
		t.Fatal(err)
	}
	k := db.Key{Scope: 2, ID: 1}
	if err := apart.Run(t.Context(), increment(k, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := counters.Read(t.Context(), main, k); ok || err != nil {
		t.Errorf("the books beside it: found %t, %v", ok, err)
	}
	if after, err := db.MeasureServer(t.Context(), own, nil); err != nil || after.Log <= before.Log || after.Bytes <= before.Bytes {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	if err := apart.Close(); err != nil {
		t.Fatal(err)
	}
	if err := drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := drop(t.Context()); err == nil {
		t.Error("it was there to be dropped a second time")
	}
	if n, err := main.SchemaVersion(t.Context()); n == 0 || err != nil {
		t.Errorf("the books beside it: version %d, %v", n, err)
	}
}
