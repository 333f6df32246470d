// Package objecttest reaches around [object], as a hand in the database would.
package objecttest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

type row struct{ Body []byte }

var tables struct {
	sync.Mutex
	byName map[string]*db.Table[row]
}

// bodies is a table of which nothing but the column body is known.
func bodies(name string) *db.Table[row] {
	tables.Lock()
	defer tables.Unlock()
	if tables.byName == nil {
		tables.byName = map[string]*db.Table[row]{}
	}
	if tables.byName[name] == nil {
		tables.byName[name] = db.NewTable(name, "scope, key", "body", func(r *row, f *db.Fields) { db.Bytes(f, &r.Body) })
	}
	return tables.byName[name]
}

// Edit changes the body of an object in a table of objects of body T: neither its
// version nor the columns that are derived from it. It fails the test where
// nothing changes.
func Edit[T any](t testing.TB, d *db.DB, table string, s id.Scope, key int64, change func(*T)) {
	t.Helper()
	mode, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		t.Fatal(err)
	}
	err = d.Run(t.Context(), db.Step{Name: "edit", Scope: s.Key(), Do: func(tx *db.Tx) error {
		at := db.Key{Scope: s.Key(), ID: key}
		r, ok, err := bodies(table).Get(tx, at)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%s has no %d", table, key)
		}
		var body T
		if err := cbor.Unmarshal(r.Body[1:], &body); err != nil { // the first byte is the schema
			return err
		}
		before, err := mode.Marshal(body)
		if err != nil {
			return err
		}
		change(&body)
		after, err := mode.Marshal(body)
		if err == nil && bytes.Equal(before, after) {
			return fmt.Errorf("nothing changes in %s %d", table, key)
		}
		bodies(table).Update(tx, at, row{append(r.Body[:1:1], after...)})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}
