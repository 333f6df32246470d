package event_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

var scope = id.Scope{Account: 5}

// raw reaches around the package, as a hand in the database would.
var raw = db.NewTable("event", "scope, key", "lane, seq, type", func(r *rawEvent, f *db.Fields) {
	db.Int(f, &r.Lane)
	db.Int(f, &r.Seq)
	db.Text(f, &r.Type)
})

type rawEvent struct {
	Lane, Seq int64
	Type      string
}

func appendStep(e event.Event, refuse bool) db.Step {
	return db.Step{Name: "test", Scope: e.Lane, Needs: []db.Need{event.Lane(e.Scope, e.Lane)}, Do: func(tx *db.Tx) error {
		if err := event.Append(tx, e); err != nil {
			return err
		}
		if refuse {
			return errors.New("refused")
		}
		return nil
	}}
}

func add(t *testing.T, d *db.DB, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		if err := d.Run(t.Context(), appendStep(e, false)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLanesAreGapFreeUnderConcurrentAppends(t *testing.T) {
	address := dbtest.Address(t)
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	const appends, lanes = 200, 3
	var wg sync.WaitGroup
	for i := range appends {
		wg.Go(func() {
			d := handles[i%2]
			refuse := i%9 == 0
			err := d.Run(t.Context(), appendStep(event.Event{Scope: scope, Key: d.IDs().Next(), Lane: int64(1 + i%lanes), Type: "thing.changed", Kind: "thing", Object: object.Ref{Key: 9, Version: int64(i)}}, refuse))
			if (err != nil) != refuse {
				t.Errorf("append %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	total := 0
	for lane := int64(1); lane <= lanes; lane++ {
		list, err := event.OfLane(t.Context(), handles[0], scope, lane)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range list {
			if e.Seq != int64(i+1) || e.Lane != lane {
				t.Errorf("lane %d: event %d has number %d", lane, i+1, e.Seq)
			}
		}
		total += len(list)
	}
	if want := appends - (appends+8)/9; total != want {
		t.Errorf("%d events, want %d", total, want)
	}
	if problems := check(t, handles[0]); len(problems) != 0 {
		t.Errorf("problems: %q", problems)
	}
}

func check(t *testing.T, d *db.DB) (problems []string) {
	t.Helper()
	err := event.Check(t.Context(), d, func(s id.Scope, lane, seq int64, problem string) {
		problems = append(problems, fmt.Sprintf("%d/%d/%d: %s", s.Account, lane, seq, problem))
	})
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

func TestCheckFindsDeletedEvents(t *testing.T) {
	// Each case has lanes 1 to 3 of five events; the event with key 10·lane+seq is deleted.
	for name, c := range map[string]struct {
		deleted []int64
		want    []string
	}{
		"none":       {nil, nil},
		"first":      {[]int64{21}, []string{"5/2/1: "}},
		"middle":     {[]int64{23}, []string{"5/2/3: "}},
		"last":       {[]int64{25}, []string{"5/2/5: "}},
		"last two":   {[]int64{34, 35}, []string{"5/3/4: "}},
		"whole lane": {[]int64{11, 12, 13, 14, 15}, []string{"5/1/1: "}},
		"two lanes":  {[]int64{12, 31}, []string{"5/1/2: ", "5/3/1: "}},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.Open(t)
			for lane := int64(1); lane <= 3; lane++ {
				for seq := int64(1); seq <= 5; seq++ {
					add(t, d, event.Event{Scope: scope, Key: 10*lane + seq, Lane: lane, Type: "a.b"})
				}
			}
			err := d.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
				for _, key := range c.deleted {
					at := db.Key{Scope: scope.Key(), ID: key}
					if _, _, err := raw.Get(tx, at); err != nil {
						return err
					}
					raw.Delete(tx, at)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			problems := check(t, d)
			ok := len(problems) == len(c.want)
			for i := range problems {
				ok = ok && strings.HasPrefix(problems[i], c.want[i])
			}
			if !ok {
				t.Errorf("problems %q, want %q", problems, c.want)
			}
		})
	}
}

func TestEventsComeBackAsTheyWent(t *testing.T) {
	d := dbtest.Open(t)
	want := event.Event{Scope: scope, Key: 77, Lane: 3, Seq: 1, Type: "thing.made", Kind: "thing", Object: object.Ref{Key: 8, Version: 2}, Request: event.Request{ID: "req_1", IdempotencyKey: "kéy\n"}}
	plain := event.Event{Scope: scope, Key: 78, Lane: 3, Seq: 2, Type: "thing.gone", Kind: "thing", Object: object.Ref{Key: 8, Version: 3}}
	add(t, d, want, plain)
	for _, want := range []event.Event{want, plain} {
		got, ok, err := event.Read(t.Context(), d, scope, want.Key)
		if err != nil || !ok || got.At.IsZero() {
			t.Fatalf("%v %v %v", got, ok, err)
		}
		want.At = got.At
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Error(diff)
		}
	}
	for name, s := range map[string]id.Scope{"other account": {Account: 6}, "live mode": {Account: 5, Livemode: true}} {
		if _, ok, err := event.Read(t.Context(), d, s, 77); ok || err != nil {
			t.Errorf("%s: %v %v", name, ok, err)
		}
	}
}

func TestListPagesByTypes(t *testing.T) {
	d := dbtest.Open(t)
	types := []string{"a.x", "a.y", "b.x", "b.y"}
	type made struct {
		key int64
		typ string
	}
	var all []made
	var needs []db.Need
	for i := range int64(120) {
		needs = append(needs, event.Lane(scope, i%5), event.Lane(id.Scope{Account: 6}, i))
	}
	err := d.Run(t.Context(), db.Step{Name: "test", Needs: needs, Do: func(tx *db.Tx) error {
		all = nil
		for i := range int64(120) {
			m := made{1000 + 3*i, types[i*i%7%4]}
			all = append(all, m)
			if err := event.Append(tx, event.Event{Scope: scope, Key: m.key, Lane: i % 5, Type: m.typ}); err != nil {
				return err
			}
			if err := event.Append(tx, event.Event{Scope: id.Scope{Account: 6}, Key: m.key + 1, Lane: i, Type: m.typ}); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all) // newest first
	for _, wanted := range [][]string{nil, {"a.x"}, {"b.y", "a.y"}, {"a.x", "a.x"}, {"none"}, {"a.x", "a.y", "b.x", "b.y"}} {
		for _, r := range []object.Range{{Limit: 5}, {Limit: 500}, {After: 1030, Before: 1200, Limit: 8}, {Before: 1003, Limit: 2}, {After: 1357, Limit: 2}} {
			for _, r.Oldest = range []bool{false, true} {
				var want []int64
				for _, m := range all {
					if m.key > r.After && (r.Before == 0 || m.key < r.Before) && (wanted == nil || slices.Contains(wanted, m.typ)) {
						want = append(want, m.key)
					}
				}
				wantMore := len(want) > r.Limit
				if wantMore && r.Oldest {
					want = want[len(want)-r.Limit:]
				} else if wantMore {
					want = want[:r.Limit]
				}
				page, more, err := event.List(t.Context(), d, scope, r, wanted...)
				var got []int64
				for _, e := range page {
					got = append(got, e.Key)
				}
				if diff := cmp.Diff(want, got); diff != "" || more != wantMore || err != nil {
					t.Errorf("%v %+v: more %v, want %v: %v\n%s", wanted, r, more, wantMore, err, diff)
				}
			}
		}
	}
}
