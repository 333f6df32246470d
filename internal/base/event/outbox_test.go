package event_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

func listen(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Run(t.Context(), db.Step{Name: "listen", Scope: scope.Key(), Do: func(tx *db.Tx) error { return event.Listen(tx, scope) }}); err != nil {
		t.Fatal(err)
	}
}

// takeAll hands on what is due, as two nodes at once would, until done.
func takeAll(t *testing.T, d *db.DB, got func(lane, seq int64)) (found bool) {
	t.Helper()
	fresh, err := event.Fresh(t.Context(), d, 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range fresh {
		var first int64
		err = d.Run(t.Context(), db.Step{Name: "take", Scope: e.Scope.Key(), Needs: []db.Need{e.InLane().Need()}, Do: func(tx *db.Tx) (err error) {
			first, err = event.Take(tx, e.InLane(), e.Seq)
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		for seq := first; seq <= e.Seq; seq++ {
			got(e.Lane, seq)
		}
	}
	return len(fresh) > 0
}

// Two processes append and two take, at once: each event is taken once, and in
// the order of its lane.
func TestEachEventIsTakenOnce(t *testing.T) {
	address := dbtest.Address(t)
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	listen(t, handles[0])
	const appends, lanes = 150, 4
	var mu sync.Mutex
	taken := map[int64][]int64{}
	got := func(lane, seq int64) {
		mu.Lock()
		defer mu.Unlock()
		taken[lane] = append(taken[lane], seq)
	}
	var writers, takers sync.WaitGroup
	written := make(chan struct{})
	for n, d := range handles {
		writers.Go(func() {
			for i := range appends {
				add(t, d, event.Event{Scope: scope, Key: d.IDs().Next(), Lane: int64(1 + (i+n)%lanes), Type: "t", Kind: "k", Object: object.Ref{Key: 1, Version: 1}})
			}
		})
		takers.Go(func() {
			for last := false; ; {
				if !takeAll(t, d, got) && last {
					return
				}
				select {
				case <-written:
					last = true
				default:
				}
			}
		})
	}
	writers.Wait()
	close(written)
	takers.Wait()
	total := 0
	for lane, seqs := range taken {
		slices.Sort(seqs) // two takers report as they like; that each took its own is what counts
		for i, seq := range seqs {
			if seq != int64(i+1) {
				t.Fatalf("lane %d was taken as %v", lane, seqs)
			}
		}
		total += len(seqs)
	}
	if total != 2*appends {
		t.Errorf("%d of %d events were taken", total, 2*appends)
	}
}

func TestNothingIsNotedWhileNobodyListens(t *testing.T) {
	d := dbtest.Open(t)
	one := func() event.Event {
		return event.Event{Scope: scope, Key: d.IDs().Next(), Lane: 9, Type: "t", Kind: "k", Object: object.Ref{Key: 1, Version: 1}}
	}
	add(t, d, one(), one())
	listen(t, d)
	if due, err := event.Fresh(t.Context(), d, 10); err != nil || len(due) > 0 {
		t.Fatal(due, err)
	}
	noticed := 0
	defer event.Notice(d, func() { noticed++ })()
	add(t, d, one())
	var seqs []int64
	takeAll(t, d, func(_, seq int64) { seqs = append(seqs, seq) })
	if diff := cmp.Diff([]int64{3}, seqs); diff != "" || noticed == 0 {
		t.Errorf("noticed %d times; %s", noticed, diff)
	}
}

func unwanted(context.Context, id.Scope, int64, int64) (map[int64]bool, error) { return nil, nil }

// An event that is wanted stays, and keeps those behind it in its lane.
func TestWantedEventsStay(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: now})
	var keys []int64
	for i := range int64(3 * db.SweepRows) {
		e := event.Event{Scope: scope, Key: d.IDs().Next(), Lane: i % 3, Type: "t", Kind: "k"}
		add(t, d, e)
		keys = append(keys, e.Key)
	}
	now.Advance(event.Retention + time.Minute)
	wanted := func(_ context.Context, s id.Scope, first, last int64) (map[int64]bool, error) {
		if s != scope || first > last {
			t.Errorf("%v %d %d", s, first, last)
		}
		return map[int64]bool{keys[0]: true, keys[db.SweepRows]: true}, nil // the first one in lane 0, and in lane 2 (200 % 3) one in between
	}
	gone := 0
	expire := func(w event.Wanted) {
		t.Helper()
		err := event.Expire(t.Context(), d, scope, now.Now().Add(-event.Retention), w, func(_ context.Context, n int) error {
			gone += n
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if problems := check(t, d); len(problems) > 0 {
			t.Errorf("%q", problems)
		}
	}
	expire(wanted)
	if want := db.SweepRows + db.SweepRows/3; gone != want { // lane 1, and of lane 2 what comes before
		t.Errorf("%d are gone, want %d", gone, want)
	}
	expire(unwanted)
	if gone != len(keys) {
		t.Errorf("%d of %d are gone", gone, len(keys))
	}
}

func TestEventsExpireFromTheFrontOfTheirLanes(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	d := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: now})
	listen(t, d)
	other := id.Scope{Account: 6}
	for _, s := range []id.Scope{scope, other} {
		for _, lane := range []int64{1, 2} {
			add(t, d, event.Event{Scope: s, Key: d.IDs().Next(), Lane: lane, Type: "t", Kind: "k"})
		}
	}
	takeAll(t, d, func(int64, int64) {}) // of scope; nobody listens in the other
	add(t, d, event.Event{Scope: scope, Key: d.IDs().Next(), Lane: 2, Type: "t", Kind: "k"})
	now.Advance(event.Retention - time.Hour)
	add(t, d, event.Event{Scope: scope, Key: d.IDs().Next(), Lane: 1, Type: "t", Kind: "k"})
	now.Advance(2 * time.Hour)
	deleted := map[id.Scope]int{}
	err := event.Scopes(t.Context(), d, func(s id.Scope, oldest int64) error {
		if at := id.Time(oldest); now.Now().Sub(at) < event.Retention {
			t.Errorf("the oldest event of %v is of %v", s, at)
		}
		return event.Expire(t.Context(), d, s, now.Now().Add(-event.Retention), unwanted, func(_ context.Context, n int) error {
			deleted[s] += n
			return nil
		})
	})
	// The last event of lane 2 is old but nobody has taken it yet.
	if diff := cmp.Diff(map[id.Scope]int{scope: 2, other: 2}, deleted); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if err := event.Check(t.Context(), d, func(s id.Scope, lane, seq int64, problem string) {
		t.Errorf("scope %v lane %d: %d: %s", s, lane, seq, problem)
	}); err != nil {
		t.Fatal(err)
	}
	left, err := event.OfLane(t.Context(), d, scope, 1)
	if err != nil || len(left) != 1 || left[0].Seq != 2 {
		t.Errorf("lane 1 has %v, %v", left, err)
	}
}
