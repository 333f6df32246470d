package idem_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var (
	scope = id.Scope{Account: 5}
	noon  = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
)

// tally counts effects: tests of idempotency know no domain.
var tallies = db.NewTable("meta", "scope, key", "number, text", func(n *int64, f *db.Fields) {
	db.Int(f, n)
	var none string
	db.Text(f, &none)
})

func tallyKey(key int64) db.Key { return db.Key{Scope: scope.Key(), ID: key} }

func count(tx *db.Tx, key int64) error {
	n, ok, err := tallies.Get(tx, tallyKey(key))
	switch {
	case err != nil:
		return err
	case ok:
		tallies.Update(tx, tallyKey(key), n+1)
	default:
		tallies.Insert(tx, tallyKey(key), 1)
	}
	return nil
}

func counted(t *testing.T, d *db.DB, key int64) int64 {
	t.Helper()
	n, _, err := tallies.Read(context.WithoutCancel(t.Context()), d, tallyKey(key))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newKeys(t *testing.T) *idem.Keys {
	t.Helper()
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return &idem.Keys{Sealer: master}
}

func request(n int, key, body string) *idem.Request {
	r := &idem.Request{ID: fmt.Sprint("req_", n), Key: key, Rendering: fmt.Sprint("v", n), Lease: time.Minute}
	copy(r.Hash[:], body)
	return r
}

// env is a database whose clock stands still until it is moved.
type env struct {
	*testing.T
	d     *db.DB
	clock *clock.Fixed
	keys  *idem.Keys
}

func newEnv(t *testing.T) *env {
	c := clock.At(noon)
	return &env{t, dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c}), c, newKeys(t)}
}

func (e *env) step(f func(tx *db.Tx) error) error {
	return e.d.Run(e.Context(), db.Step{Name: "test", Scope: scope.Key(), Do: f})
}

func (e *env) begin(r *idem.Request) (reply *idem.Reply, point int64, err error) {
	err = e.step(func(tx *db.Tx) (err error) {
		reply, point, err = e.keys.Begin(tx, scope, r)
		return err
	})
	return reply, point, err
}

func (e *env) finish(r *idem.Request, reply idem.Reply) {
	e.Helper()
	if err := e.step(func(tx *db.Tx) error { copy := reply; return e.keys.Finish(tx, scope, r.Ticket(), &copy) }); err != nil {
		e.Fatal(err)
	}
}

func (e *env) recover(r *idem.Request, point int64) {
	e.Helper()
	if err := e.step(func(tx *db.Tx) error { return e.keys.Recover(tx, scope, r.Ticket(), point) }); err != nil {
		e.Fatal(err)
	}
}

func (e *env) once(r *idem.Request, decide func(tx *db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	err = e.step(func(tx *db.Tx) (err error) {
		reply, err = e.keys.Once(tx, scope, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	})
	return reply, err
}

// The fate of a second request, for all that can have happened to the first.
func TestFateOfARepetition(t *testing.T) {
	shown := []object.Ref{{Key: 8, Version: 2}}
	for name, c := range map[string]struct {
		first   func(e *env, r *idem.Request)
		wait    time.Duration
		body    string // of the second
		kind    fault.Kind
		refused bool
		replay  bool
		point   int64
	}{
		"fresh":                         {first: func(*env, *idem.Request) {}},
		"first is under way":            {first: func(*env, *idem.Request) {}, body: "begun", refused: true, kind: fault.KeyInUse},
		"lease almost over":             {first: func(*env, *idem.Request) {}, body: "begun", wait: time.Minute - time.Microsecond, refused: true, kind: fault.KeyInUse},
		"lease over":                    {first: func(*env, *idem.Request) {}, body: "begun", wait: time.Minute},
		"lease over, recovery point":    {first: func(e *env, r *idem.Request) { e.recover(r, 42) }, body: "begun", wait: time.Hour, point: 42},
		"finished":                      {first: func(e *env, r *idem.Request) { e.finish(r, idem.Reply{Kind: "thing", Shown: shown}) }, body: "begun", replay: true},
		"finished, much later":          {first: func(e *env, r *idem.Request) { e.finish(r, idem.Reply{Kind: "thing", Shown: shown}) }, body: "begun", wait: 29 * 24 * time.Hour, replay: true},
		"under way, other request":      {first: func(*env, *idem.Request) {}, body: "other", refused: true, kind: fault.KeyMismatch},
		"finished, other request":       {first: func(e *env, r *idem.Request) { e.finish(r, idem.Reply{}) }, body: "other", refused: true, kind: fault.KeyMismatch},
		"lease over, but other request": {first: func(*env, *idem.Request) {}, body: "other", wait: time.Hour, refused: true, kind: fault.KeyMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			if c.body != "" {
				first := request(1, "key", "begun")
				if reply, point, err := e.begin(first); reply != nil || point != 0 || err != nil {
					t.Fatalf("first: %v %v %v", reply, point, err)
				}
				c.first(e, first)
			}
			e.clock.Advance(c.wait)
			reply, point, err := e.begin(request(2, "key", c.body))
			if (err != nil) != c.refused || c.refused && fault.KindOf(err) != c.kind || (reply != nil) != c.replay || point != c.point {
				t.Fatalf("second: %+v %v %v", reply, point, err)
			}
			if c.replay {
				want := idem.Reply{Kind: "thing", Shown: shown, Rendering: "v1", At: noon, Replayed: true, Origin: "req_1"}
				if diff := cmp.Diff(want, *reply); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestTakenLeaseIsHeldAnew(t *testing.T) {
	e := newEnv(t)
	r := request(1, "key", "x")
	for i := range 3 {
		if _, _, err := e.begin(r); err != nil {
			t.Fatalf("take-over %d: %v", i, err)
		}
		if _, _, err := e.begin(r); fault.KindOf(err) != fault.KeyInUse {
			t.Fatalf("after take-over %d: %v", i, err)
		}
		e.recover(r, int64(100+i))
		e.clock.Advance(time.Minute)
	}
	if _, point, err := e.begin(r); point != 102 || err != nil {
		t.Errorf("recovery point %d %v", point, err)
	}
}

func TestTheFirstToFinishCounts(t *testing.T) {
	e := newEnv(t)
	r := request(1, "key", "x")
	if _, _, err := e.begin(r); err != nil {
		t.Fatal(err)
	}
	e.finish(r, idem.Reply{Kind: "first"})
	e.finish(r, idem.Reply{Kind: "second"})
	e.recover(r, 9) // no use any more
	if reply, _, err := e.begin(r); err != nil || reply == nil || reply.Kind != "first" {
		t.Errorf("%+v %v", reply, err)
	}
}

func TestKeysBelongToTheirScope(t *testing.T) {
	e := newEnv(t)
	for _, s := range []id.Scope{{Account: 5}, {Account: 6}, {Account: 5, Livemode: true}} {
		err := e.step(func(tx *db.Tx) error {
			reply, _, err := e.keys.Begin(tx, s, request(1, "key", fmt.Sprint(s)))
			if reply != nil {
				return errors.New("sees another scope's reply")
			}
			return err
		})
		if err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
}

func TestRequestsWithoutAKeyAreExecutedEachTime(t *testing.T) {
	e := newEnv(t)
	for _, r := range []*idem.Request{nil, {}, {ID: "req_1"}} {
		for range 2 {
			reply, err := e.once(r, func(tx *db.Tx) (*idem.Reply, error) { return &idem.Reply{Kind: "thing"}, count(tx, 1) })
			if err != nil || reply.Replayed {
				t.Errorf("%+v %v", reply, err)
			}
		}
	}
	if n := counted(t, e.d, 1); n != 6 {
		t.Errorf("%d effects, want 6", n)
	}
}

func TestPinnedVersionsAreReplayed(t *testing.T) {
	e := newEnv(t)
	pins := 0
	e.keys.Pin = func(_ *db.Tx, _ id.Scope, reply *idem.Reply) ([]object.Ref, error) {
		pins++
		return []object.Ref{{Key: 99, Version: int64(pins)}}, nil
	}
	r := request(1, "key", "x")
	decide := func(*db.Tx) (*idem.Reply, error) {
		pins = 0
		return &idem.Reply{Kind: "thing", Shown: []object.Ref{{Key: 1, Version: 1}}}, nil
	}
	first, err := e.once(r, decide)
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.once(r, decide)
	want := []object.Ref{{Key: 1, Version: 1}, {Key: 99, Version: 1}}
	if diff := cmp.Diff(want, first.Shown) + cmp.Diff(want, again.Shown); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// Refusals about the request are stored and come again; others are not, and
// neither kind leaves an effect.
func TestRefusals(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		refusal error
		stored  bool
	}{
		{fault.Param("amount", "parameter_invalid_integer", "too small"), true},
		{&fault.Error{Kind: fault.Declined, Code: "card_declined", DeclineCode: "lost_card", AdviceCode: "do_not_try_again", Message: "no", NoRetry: true}, true},
		{fault.Missing(fault.NotFound, "id", "thing", "th_1"), true},
		{fmt.Errorf("wrapped: %w", fault.Param("a", "b", "c")), true},
		{fault.New(fault.Locked, "lock_timeout", "later"), false},
		{fault.New(fault.Overloaded, "rate_limit", "later"), false},
		{fault.New(fault.Unavailable, "", "later"), false},
		{fault.New(fault.Internal, "", "ours"), false},
		{fault.New(fault.Forbidden, "", "no"), false},
		{broken, false},
	} {
		t.Run(fmt.Sprint(c.refusal), func(t *testing.T) {
			e := newEnv(t)
			r := request(1, "key", "x")
			refuse := func(tx *db.Tx) (*idem.Reply, error) {
				if err := count(tx, 1); err != nil {
					return nil, err
				}
				return nil, c.refusal
			}
			reply, err := e.once(r, refuse)
			if want, _ := fault.As(c.refusal); c.stored && (err != nil || cmp.Diff(want, reply.Error) != "" || reply.Replayed) {
				t.Errorf("first: %+v %v", reply, err)
			}
			if !c.stored && !errors.Is(err, c.refusal) {
				t.Errorf("first: %+v %v", reply, err)
			}
			e.clock.Advance(time.Second)
			again, err := e.once(r, func(tx *db.Tx) (*idem.Reply, error) { return &idem.Reply{Kind: "done"}, count(tx, 1) })
			if err != nil {
				t.Fatal(err)
			}
			if want, _ := fault.As(c.refusal); c.stored && (!again.Replayed || cmp.Diff(want, again.Error) != "" || !again.At.Equal(noon)) {
				t.Errorf("again: %+v", again)
			}
			if !c.stored && (again.Replayed || again.Error != nil || again.Kind != "done") {
				t.Errorf("again: %+v", again)
			}
			var effects int64
			if !c.stored {
				effects = 1
			}
			if n := counted(t, e.d, 1); n != effects {
				t.Errorf("%d effects, want %d", n, effects)
			}
		})
	}
}

// What a refusal says about a person or a card can't be read in the file, and
// opens only in its own row.
func TestStoredRefusalsAreSealed(t *testing.T) {
	e := &env{T: t, keys: newKeys(t)} // on SQLite, whose file is read below
	path := strings.TrimPrefix(dbtest.SQLite(t), "sqlite:")
	e.d = dbtest.OpenAt(t, "sqlite:"+path, db.Options{})
	const words = "the holder Ada Lovelace is on the list"
	r := request(1, "secret-key-of-the-client", "x")
	refuse := func(*db.Tx) (*idem.Reply, error) {
		return nil, fault.New(fault.Declined, "card_declined_xyzzy", words)
	}
	if _, err := e.once(r, refuse); err != nil {
		t.Fatal(err)
	}
	if reply, err := e.once(r, refuse); err != nil || reply.Error.Message != words {
		t.Fatalf("%+v %v", reply, err)
	}
	for _, file := range []string{path, path + "-wal"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"Lovelace", "card_declined_xyzzy", "secret-key-of-the-client"} {
			if bytes.Contains(content, []byte(clear)) {
				t.Errorf("%q stands in %s", clear, file[len(path):])
			}
		}
	}
	e.keys = newKeys(t) // under another master key
	if reply, err := e.once(r, refuse); err == nil {
		t.Errorf("opened under another key: %+v", reply)
	}
}

func TestOneEffectOfManyAtOnce(t *testing.T) {
	address := dbtest.Address(t)
	handles := []*db.DB{dbtest.OpenAt(t, address, db.Options{}), dbtest.OpenAt(t, address, db.Options{})}
	keys := newKeys(t)
	const rounds, callers = 6, 50
	for round := range int64(rounds) {
		var executed atomic.Int64
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				r := request(i, fmt.Sprint("key ", round), "same")
				var reply *idem.Reply
				err := handles[i%2].Run(t.Context(), db.Step{Name: "test", Scope: scope.Key(), Needs: []db.Need{r.Ticket().Need(scope)}, Do: func(tx *db.Tx) (err error) {
					reply, err = keys.Once(tx, scope, r, func() (*idem.Reply, error) {
						return &idem.Reply{Kind: "thing", Shown: []object.Ref{{Key: int64(i), Version: 1}}}, count(tx, round)
					})
					return err
				}})
				if err != nil || len(reply.Shown) != 1 {
					t.Errorf("caller %d: %+v %v", i, reply, err)
					return
				}
				if !reply.Replayed {
					executed.Add(1)
				}
			})
		}
		wg.Wait()
		if n := counted(t, handles[0], round); n != 1 || executed.Load() != 1 {
			t.Errorf("round %d: %d effects, executed by %d", round, n, executed.Load())
		}
	}
}

func TestExpire(t *testing.T) {
	e := newEnv(t)
	var requests []*idem.Request
	for i := range 450 {
		r := request(i, fmt.Sprint("old ", i), "x")
		requests = append(requests, r)
	}
	open := requests[:60] // never finished; the oldest, so that they stand in the way
	all := func(list []*idem.Request, finish bool) {
		t.Helper()
		step := db.Step{Name: "test", Scope: scope.Key()}
		for _, r := range list {
			step.Needs = append(step.Needs, r.Ticket().Need(scope))
		}
		step.Do = func(tx *db.Tx) error {
			for _, r := range list {
				if _, _, err := e.keys.Begin(tx, scope, r); err != nil {
					return err
				}
				if finish {
					if err := e.keys.Finish(tx, scope, r.Ticket(), &idem.Reply{}); err != nil {
						return err
					}
				}
			}
			return nil
		}
		if err := e.d.Run(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	all(open, false)
	e.clock.Advance(time.Second)
	all(requests[60:], true)
	tired := errors.New("tired")
	expire := func(rounds int, want ...int) {
		t.Helper()
		var gone []int
		err := idem.Expire(t.Context(), e.d, e.clock.Now().Add(-idem.Retention), func(_ context.Context, n int) error {
			if gone = append(gone, n); len(gone) == rounds {
				return tired
			}
			return nil
		})
		if diff := cmp.Diff(want, gone); diff != "" || (rounds == len(gone)) != errors.Is(err, tired) {
			t.Fatalf("%v %s", err, diff)
		}
	}
	oldest := func(want time.Time) {
		t.Helper()
		if at, err := idem.Oldest(t.Context(), e.d); !at.Equal(want) || err != nil {
			t.Errorf("the oldest key is of %v, want %v: %v", at, want, err)
		}
	}
	first := e.clock.Now().Add(-time.Second)
	oldest(first)
	e.clock.Advance(idem.Retention)
	expire(100) // not over yet: the limit is exclusive
	e.clock.Advance(time.Microsecond)
	all([]*idem.Request{request(999, "young", "x")}, true)
	expire(1, db.SweepRows)
	expire(100, 390-db.SweepRows)
	expire(100)
	oldest(first) // one that is still under way
	if reply, _, err := e.begin(request(999, "young", "x")); reply == nil || err != nil {
		t.Errorf("the young key is gone: %v", err)
	}
	if reply, _, err := e.begin(requests[100]); reply != nil || err != nil {
		t.Errorf("an expired key is not fresh: %v %v", reply, err)
	}
}

// A lease is measured on the clock of the database, also in virtual time.
func TestLeaseInVirtualTime(t *testing.T) {
	keys := newKeys(t)
	synctest.Test(t, func(t *testing.T) {
		e := &env{t, dbtest.OpenAt(t, dbtest.SQLite(t), db.Options{Serial: true}), nil, keys}
		r := request(1, "key", "x")
		if _, _, err := e.begin(r); err != nil {
			t.Fatal(err)
		}
		if _, _, err := e.begin(r); fault.KindOf(err) != fault.KeyInUse {
			t.Errorf("at once: %v", err)
		}
		time.Sleep(time.Minute)
		if _, _, err := e.begin(r); err != nil {
			t.Error(err)
		}
	})
}
