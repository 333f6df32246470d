package object_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// notes are things of which replaced versions fade.
var notes = object.Define(object.Spec[thing, narrow]{
	Name: "note", Prefix: "nt", Schema: 1, Fades: true, Table: "note", Columns: "colour, size", Fields: narrowFields,
	Derive: func(t *thing) narrow { return narrow{t.Colour, t.Size} },
})

// kept are replaced versions as they lie in the database, to make them and to
// look at them.
var kept = db.NewTable("object_version", "scope, object, version", "at, body", func(v *keptVersion, f *db.Fields) {
	db.Time(f, &v.At)
	db.Bytes(f, &v.Body)
})

type keptVersion struct {
	At   time.Time
	Body []byte
}

var (
	versionsOf = db.NewQuery("test: versions", "SELECT version FROM object_version WHERE scope = ? AND object = ? ORDER BY version", func(n *int64, f *db.Fields) { db.Int(f, n) })
	headRow    = db.NewTable("note", "scope, key", "version, colour, size, at, body", func(r *rawHead, f *db.Fields) {
		db.Int(f, &r.Version)
		narrowFields(&r.narrow, f)
		db.Time(f, &r.At)
		db.Bytes(f, &r.Body)
	})
)

type rawHead struct {
	Version int64
	narrow
	At   time.Time
	Body []byte
}

// written puts an object there whose versions were written at times.
func written(t *testing.T, d *db.DB, s id.Scope, key int64, table *db.Table[rawHead], times ...time.Time) {
	t.Helper()
	run(t, d, func(tx *db.Tx) error {
		for i, at := range times[:len(times)-1] {
			kept.Insert(tx, db.Key{Scope: s.Key(), ID: key, Sub: int64(i + 1)}, keptVersion{At: at, Body: []byte("\x01\xa0")})
		}
		table.Insert(tx, db.Key{Scope: s.Key(), ID: key}, rawHead{Version: int64(len(times)), At: times[len(times)-1], Body: []byte("\x01\xa0")})
		return nil
	})
}

// Versions fade from the oldest on once what replaced them is older than the
// time: however many there are, whatever pages they fall on, and whatever stands
// among them that does not fade. Beside it a plain reckoning.
func TestVersionsFade(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	d := open(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * 24 * time.Hour) }
	table := db.NewTable("thing", "scope, key", "version, colour, size, at, body", func(r *rawHead, f *db.Fields) {
		db.Int(f, &r.Version)
		narrowFields(&r.narrow, f)
		db.Time(f, &r.At)
		db.Bytes(f, &r.Body)
	})
	other := id.Scope{Account: 6, Livemode: true}
	before := map[id.Scope]time.Time{scope: ago(40), other: ago(70)}
	type object struct {
		s   id.Scope
		key int64
	}
	want := map[object][]int64{}
	for i := range 60 {
		o := object{scope, id.Floor(ago(100)) + int64(i)}
		if i%4 == 3 {
			o.s = other
		}
		fades := i%5 > 0
		n := 1 + random.IntN(9)
		if i == 7 {
			n = 2*db.SweepRows + random.IntN(3) // pages of its own
		}
		var times []time.Time
		for range n {
			times = append(times, ago(random.IntN(100)).Add(time.Duration(random.IntN(1000))*time.Millisecond))
		}
		slices.SortFunc(times, time.Time.Compare)
		in := table
		if fades {
			in = headRow
		}
		written(t, d, o.s, o.key, in, times...)
		want[o] = nil
		for v := 1; v < n; v++ {
			if !fades || !times[v].Before(before[o.s]) {
				want[o] = append(want[o], int64(v))
			}
		}
	}
	left := func() (rows int) {
		t.Helper()
		for o, versions := range want {
			got, err := versionsOf.All(t.Context(), d, o.s.Key(), o.key)
			if diff := cmp.Diff(versions, got); diff != "" || err != nil {
				t.Errorf("%+v: %v %s", o, err, diff)
			}
			rows += len(got)
		}
		return rows
	}
	// It goes on where it was left.
	tired := errors.New("tired")
	fade := func(steps int) error {
		return objectFade(t.Context(), d, before, func(_ context.Context, n int) error {
			if steps--; steps == 0 {
				return tired
			}
			return nil
		})
	}
	if err := fade(1); !errors.Is(err, tired) {
		t.Fatal(err)
	}
	if err := fade(1000); err != nil {
		t.Fatal(err)
	}
	rows := left()
	if err := fade(1000); err != nil || left() != rows || rows == 0 {
		t.Errorf("%d rows after a second time, %v", rows, err)
	}
	for o := range want {
		if _, ok, err := notes.Read(t.Context(), d, o.s, o.key); err != nil || !ok && (o.key-id.Floor(ago(100)))%5 > 0 {
			t.Errorf("%+v is gone: %v", o, err)
		}
	}
}

func objectFade(ctx context.Context, d *db.DB, before map[id.Scope]time.Time, pace db.Pace) error {
	return object.Fade(ctx, d, func(s id.Scope) time.Time { return before[s] }, pace)
}

// A version that is missing does not keep a sweep from its end, and is found by
// the check unless its time was over.
func TestFadingPassesGaps(t *testing.T) {
	d := open(t)
	old, young := time.Now().Add(-90*24*time.Hour), time.Now().Add(-object.KeptFor+time.Minute)
	first := id.Floor(old)
	written(t, d, scope, first, headRow, old, old, old, old)
	written(t, d, scope, first+1, headRow, old, old, young)
	written(t, d, scope, first+2, headRow, old, old)
	run(t, d, func(tx *db.Tx) error {
		for _, k := range []db.Key{{Scope: scope.Key(), ID: first, Sub: 3}, {Scope: scope.Key(), ID: first + 1, Sub: 2}} {
			if _, _, err := kept.Get(tx, k); err != nil {
				return err
			}
			kept.Delete(tx, k)
		}
		return nil
	})
	if err := objectFade(t.Context(), d, map[id.Scope]time.Time{scope: time.Now().Add(-object.KeptFor)}, func(context.Context, int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range int64(3) {
		list, err := versionsOf.All(t.Context(), d, scope.Key(), first+i)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(list))
	}
	if diff := cmp.Diff([]string{"[2]", "[1]", "[]"}, got); diff != "" {
		t.Error(diff)
	}
	var problems []int64
	if err := notes.Check(t.Context(), d, func(_ id.Scope, key int64, problem string) { problems = append(problems, key-first) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{1}, problems); diff != "" {
		t.Error(diff)
	}
}
