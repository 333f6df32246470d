package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/schema"
)

// thing is a kind of object of this test alone, with a table of its own.
type thing struct {
	Colour string `json:"colour"`
	Size   int64  `json:"size"`
	Note   string `json:"note,omitempty"`
}

type narrow struct {
	Colour string
	Size   int64
}

func narrowFields(n *narrow, f *db.Fields) {
	db.Text(f, &n.Colour)
	db.Int(f, &n.Size)
}

var (
	things = object.Define(object.Spec[thing, narrow]{
		Name: "thing", Prefix: "th", Schema: 1, Table: "thing", Columns: "colour, size", Fields: narrowFields,
		Derive:  func(t *thing) narrow { return narrow{t.Colour, t.Size} },
		Filters: []string{"colour", "size"},
	})
	// These reach around the kind, as a hand in the database would.
	raw = db.NewTable("thing", "scope, key", "version, colour, size, body", func(r *rawThing, f *db.Fields) {
		db.Int(f, &r.Version)
		narrowFields(&r.narrow, f)
		db.Bytes(f, &r.Body)
	})
	scope = id.Scope{Account: 5}
)

type rawThing struct {
	Version int64
	narrow
	Body []byte
}

const thingDDL = `CREATE TABLE thing (scope BIGINT NOT NULL, key BIGINT NOT NULL, version BIGINT NOT NULL,
	colour TEXT NOT NULL, size BIGINT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL, PRIMARY KEY (scope, key))`

// open gives a database that has the table of things too.
func open(t testing.TB) *db.DB {
	t.Helper()
	d := dbtest.Open(t)
	more := fstest.MapFS{}
	for engine, end := range map[string]string{"sqlite": " STRICT", "postgres": ""} {
		names, err := fs.Glob(schema.Files, engine+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(schema.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			more[name] = &fstest.MapFile{Data: text}
		}
		ddl := thingDDL + end + ";\n" + strings.Replace(thingDDL, "thing", "note", 1) + end
		if engine == "sqlite" {
			ddl = strings.NewReplacer("BIGINT", "INTEGER", "BYTEA", "BLOB").Replace(ddl)
		}
		more[fmt.Sprintf("%s/%04d_thing.sql", engine, len(names)+1)] = &fstest.MapFile{Data: []byte(ddl)}
	}
	if err := d.Migrate(t.Context(), more); err != nil {
		t.Fatal(err)
	}
	return d
}

func run(t testing.TB, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Run(t.Context(), db.Step{Name: "test", Scope: scope.Key(), Do: f}); err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, d *db.DB, key int64, body thing) *object.Object[thing] {
	t.Helper()
	var o *object.Object[thing]
	run(t, d, func(tx *db.Tx) (err error) {
		o, err = things.Insert(tx, scope, key, body)
		return err
	})
	return o
}

func update(t testing.TB, d *db.DB, key int64, change func(*thing)) {
	t.Helper()
	run(t, d, func(tx *db.Tx) error { return updateIn(tx, key, change) })
}

func updateIn(tx *db.Tx, key int64, change func(*thing)) error {
	o, ok, err := things.Get(tx, scope, key)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("no such thing")
	}
	change(&o.Body)
	return things.Update(tx, o)
}

func TestVersionsAreGapFreeUnderConcurrentUpdates(t *testing.T) {
	d := open(t)
	create(t, d, 1, thing{Colour: "red"})
	const n = 200
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			err := d.Run(t.Context(), db.Step{Name: "test", Scope: scope.Key(), Do: func(tx *db.Tx) error {
				err := updateIn(tx, 1, func(b *thing) { b.Size++; b.Note = fmt.Sprint("by ", i) })
				if err == nil && i%10 == 0 {
					return errors.New("refused") // leaves no gap
				}
				return err
			}})
			if (err != nil) != (i%10 == 0) {
				t.Errorf("step %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	last := int64(1 + n - n/10)
	o, ok, err := things.Read(t.Context(), d, scope, 1)
	if err != nil || !ok || o.Version != last || o.Body.Size != last-1 {
		t.Fatalf("latest %+v %v %v, want version %d", o, ok, err, last)
	}
	writers := map[string]bool{}
	for v := int64(1); v <= last; v++ {
		o, ok, err := things.ReadVersion(t.Context(), d, scope, object.Ref{Key: 1, Version: v})
		if err != nil || !ok || o.Version != v || o.Body.Size != v-1 {
			t.Errorf("version %d: %+v %v %v", v, o, ok, err)
			continue
		}
		writers[o.Body.Note] = true
	}
	if len(writers) != int(last) {
		t.Errorf("%d different writers of %d versions", len(writers), last)
	}
	if _, ok, err := things.ReadVersion(t.Context(), d, scope, object.Ref{Key: 1, Version: last + 1}); ok || err != nil {
		t.Errorf("a version after the last: %v %v", ok, err)
	}
}

// A reader beside writers never gets one version's number with another's body.
func TestReadsAreOfOneMoment(t *testing.T) {
	d := open(t)
	create(t, d, 1, thing{})
	create(t, d, 2, thing{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				for _, key := range []int64{1, 2} {
					update(t, d, key, func(b *thing) { b.Size++ })
				}
			}
		})
	}
	var reads atomic.Int64
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); reads.Add(1) {
		o, ok, err := things.Read(t.Context(), d, scope, 1)
		if err != nil || !ok || o.Body.Size != o.Version-1 {
			t.Errorf("read %+v %v %v", o, ok, err)
			break
		}
		many, err := things.ReadMany(t.Context(), d, scope, []int64{1, 2, 3})
		if err != nil || len(many) != 2 || many[2].Body.Size != many[2].Version-1 {
			t.Errorf("read many %+v %v", many, err)
			break
		}
	}
	cancel()
	wg.Wait()
	if reads.Load() < 10 {
		t.Errorf("only %d reads", reads.Load())
	}
}

func TestTheFirstVersionShowsThePast(t *testing.T) {
	d := open(t)
	o := create(t, d, 7, thing{Colour: "red", Note: "first"})
	if diff := cmp.Diff(object.Ref{Key: 7, Version: 1}, o.Ref()); diff != "" {
		t.Error(diff)
	}
	update(t, d, 7, func(b *thing) { b.Colour, b.Note = "blue", "second" })
	past, ok, err := things.ReadVersion(t.Context(), d, scope, o.Ref())
	if err != nil || !ok || past.Body != (thing{Colour: "red", Note: "first"}) || !past.At.Equal(o.At) {
		t.Errorf("past %+v %v %v", past, ok, err)
	}
	other := id.Scope{Account: 6}
	for name, ok := range map[string]bool{
		"read":         second(things.Read(t.Context(), d, other, 7)),
		"read version": second(things.ReadVersion(t.Context(), d, other, o.Ref())),
		"live mode":    second(things.Read(t.Context(), d, id.Scope{Account: 5, Livemode: true}, 7)),
	} {
		if ok {
			t.Errorf("%s: another scope sees it", name)
		}
	}
}

func second(_ *object.Object[thing], ok bool, _ error) bool { return ok }

// fillColours makes 250 things, in three colours and five sizes.
func fillColours(t *testing.T, d *db.DB) {
	t.Helper()
	colours := []string{"red", "green", "blue"}
	run(t, d, func(tx *db.Tx) error {
		for i := range int64(250) {
			if _, err := things.Insert(tx, scope, 100+2*i, thing{Colour: colours[i%3], Size: i % 5}); err != nil {
				return err
			}
			if _, err := things.Insert(tx, id.Scope{Account: 6}, 101+2*i, thing{Colour: "red"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func keysOf(page []*object.Object[thing]) (keys []int64) {
	for _, o := range page {
		keys = append(keys, o.Key)
	}
	return keys
}

func TestListGivesWhatTheFilterOfAllGives(t *testing.T) {
	d := open(t)
	fillColours(t, d)
	all, more, err := things.List(t.Context(), d, scope, object.Range{Limit: 1000})
	if err != nil || more || len(all) != 250 || !slices.IsSortedFunc(all, func(a, b *object.Object[thing]) int { return int(b.Key - a.Key) }) {
		t.Fatalf("%d things, more %v: %v", len(all), more, err)
	}
	for _, where := range []map[string]any{nil, {"colour": "red"}, {"size": int64(3)}, {"size": int64(3), "colour": "blue"}, {"colour": "none"}} {
		for _, r := range []object.Range{{Limit: 10}, {Limit: 1000}, {After: 200, Limit: 7}, {Before: 333, Limit: 7}, {After: 150, Before: 420, Limit: 60}, {After: 598, Limit: 3}, {After: 300, Before: 301, Limit: 3}} {
			for _, r.Oldest = range []bool{false, true} {
				r.Where = where
				want, wantMore := choose(all, r)
				got, more, err := things.List(t.Context(), d, scope, r)
				if diff := cmp.Diff(want, keysOf(got)); diff != "" || more != wantMore || err != nil {
					t.Errorf("%+v: more %v, want %v: %v\n%s", r, more, wantMore, err, diff)
				}
			}
		}
	}
}

// choose is what [object.Kind.List] should give, told plainly.
func choose(all []*object.Object[thing], r object.Range) (keys []int64, more bool) {
	for _, o := range all {
		colour, byColour := r.Where["colour"]
		size, bySize := r.Where["size"]
		if o.Key > r.After && (r.Before == 0 || o.Key < r.Before) && (!byColour || colour == o.Body.Colour) && (!bySize || size == o.Body.Size) {
			keys = append(keys, o.Key)
		}
	}
	if more = len(keys) > r.Limit; !more {
		return keys, false
	}
	if r.Oldest {
		return keys[len(keys)-r.Limit:], true
	}
	return keys[:r.Limit], true
}

// Going through pages in either direction meets each thing once.
func TestPagesMeetEachThingOnce(t *testing.T) {
	d := open(t)
	fillColours(t, d)
	for _, oldest := range []bool{false, true} {
		var got []int64
		r := object.Range{Limit: 9, Oldest: oldest, Where: map[string]any{"colour": "green"}}
		for {
			page, more, err := things.List(t.Context(), d, scope, r)
			if err != nil {
				t.Fatal(err)
			}
			keys := keysOf(page)
			if oldest {
				got = append(slices.Clone(keys), got...)
				r.After = keys[0]
			} else {
				got = append(got, keys...)
				r.Before = keys[len(keys)-1]
			}
			if !more {
				break
			}
		}
		all, _, err := things.List(t.Context(), d, scope, object.Range{Limit: 1000, Where: map[string]any{"colour": "green"}})
		if diff := cmp.Diff(keysOf(all), got); diff != "" || err != nil {
			t.Errorf("oldest %v: %v\n%s", oldest, err, diff)
		}
	}
}

func TestListByAnUnknownColumnIsAnError(t *testing.T) {
	d := open(t)
	for _, where := range []map[string]any{{"note": "x"}, {"colour": "red", "note": "x"}} {
		if _, _, err := things.List(t.Context(), d, scope, object.Range{Limit: 1, Where: where}); err == nil {
			t.Errorf("%v: listed", where)
		}
	}
}

func TestCheckFindsWhatAHandChanged(t *testing.T) {
	d := open(t)
	fillColours(t, d)
	check := func() (found []string) {
		t.Helper()
		err := things.Check(t.Context(), d, func(s id.Scope, key int64, problem string) {
			found = append(found, fmt.Sprint(s.Account, " ", key, ": ", problem))
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := check(); len(found) != 0 {
		t.Fatalf("of 500 sound things these are reported: %q", found)
	}
	edit := func(tx *db.Tx, key int64, change func(*rawThing)) error {
		r, _, err := raw.Get(tx, db.Key{Scope: scope.Key(), ID: key})
		if err == nil {
			change(&r)
			raw.Update(tx, db.Key{Scope: scope.Key(), ID: key}, r)
		}
		return err
	}
	body := func(tx *db.Tx, key int64, from, to string) error {
		return edit(tx, key, func(r *rawThing) { r.Body = bytes.Replace(r.Body, []byte(from), []byte(to), 1) })
	}
	for _, f := range []func(tx *db.Tx) error{
		func(tx *db.Tx) error { return edit(tx, 100, func(r *rawThing) { r.Colour = "gold" }) },
		func(tx *db.Tx) error { return edit(tx, 102, func(r *rawThing) { r.Version = 9 }) },
		func(tx *db.Tx) error { return body(tx, 104, "blue", "pink") },
		func(tx *db.Tx) error { return body(tx, 106, "\x01", "\x01\xff") },
		func(tx *db.Tx) error { return body(tx, 108, "\x01", "\x4d") },
		func(tx *db.Tx) error { return body(tx, 598, "size\x04", "size\x05") },
	} {
		run(t, d, f)
	}
	found := check()
	for i, want := range []string{"5 100: columns", "5 102: version 8 is missing", "5 104: columns", "5 106: thing 106 version 1", `5 108: thing 108 version 1: schema 77`, "5 598: columns"} {
		if len(found) != 6 || !strings.HasPrefix(found[i], want) {
			t.Fatalf("found %q, want one that begins with %q", found, want)
		}
	}
	seen := 0
	if err := things.Scan(t.Context(), d, func(*object.Object[thing]) error { seen++; return nil }); err != nil || seen != 498 {
		t.Errorf("a scan sees %d of the 498 that can be read: %v", seen, err)
	}
	if _, _, err := things.Read(t.Context(), d, scope, 106); err == nil {
		t.Error("a body that can't be read is read")
	}
}

func TestPublicIDs(t *testing.T) {
	if got := things.ID(scope, 0); got != "" {
		t.Errorf("id of nothing: %q", got)
	}
	if key, ok := things.Prefix.Parse(things.ID(scope, 12345)); !ok || key != 12345 {
		t.Errorf("round trip: %d %v", key, ok)
	}
}
