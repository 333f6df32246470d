package webhook

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// stage is a service whose time a test moves, and a receiver that answers at once.
type stage struct {
	*Service
	t      *testing.T
	now    *clock.Fixed
	status int
	got    []string // urls
}

func (s *stage) Send(_ context.Context, r Request) (Answer, error) {
	s.got = append(s.got, r.URL)
	return Answer{Status: s.status, Body: []byte("as you say")}, nil
}

func newStage(t *testing.T) *stage {
	now := clock.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := &stage{t: t, now: now, status: 200}
	s.Service = node(t, dbtest.Address(t), newMaster(t), nil)
	s.DB = dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: now})
	s.Sender = s
	return s
}

// work does what is due after a while.
func (s *stage) work(after time.Duration) {
	s.t.Helper()
	s.now.Advance(after)
	if err := s.Work(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) states(endpoint int64) (list []string) {
	s.t.Helper()
	found, _, err := s.OfEndpoint(s.t.Context(), scope, endpoint, Of{Range: object.Range{Before: 1 << 62, Limit: 100, Oldest: true}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, d := range slices.Backward(found) {
		list = append(list, d.State.String())
	}
	return list
}

func (s *stage) problems() (list []string) {
	s.t.Helper()
	if err := Check(s.t.Context(), s.DB, func(_ id.Scope, _ int64, problem string) { list = append(list, problem) }); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// An endpoint where every request fails is disabled after five days, the merchant
// is told, and what comes due then is stopped. Enabled again, it is told of what
// happens from then on, and may have the rest replayed.
func TestFailingEndpointsAreDisabled(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://bad.example/", All)
	s.status = 500
	for range 5*24/3 + 4 {
		s.happen(t, int64(1000+len(s.got)), "thing.changed")
		s.work(3 * time.Hour)
	}
	o, ok, err := s.Retrieve(t.Context(), scope, endpoint)
	if err != nil || !ok || !o.Body.Disabled || !strings.Contains(o.Body.Reason, "since 2026-01-01T03:00:00Z") {
		t.Fatalf("%+v, %v", o, err)
	}
	told, err := job.ListNext(t.Context(), s.DB, 10)
	var n Notice
	if err != nil || len(told) != 1 || told[0].Kind != NoticeJob || told[0].Payload(&n) != nil || n.ID != Endpoints.ID(scope, endpoint) || n.Account != scope.Account {
		t.Errorf("told %+v %+v, %v", told, n, err)
	}
	events, _, err := event.List(t.Context(), s.DB, scope, object.Range{Limit: 10}, DisabledEvent)
	if err != nil || len(events) != 1 || events[0].Object != o.Ref() {
		t.Errorf("events %+v, %v", events, err)
	}
	s.work(7 * 24 * time.Hour)
	before := len(s.got)
	s.happen(t, 1, "thing.changed")
	s.work(24 * time.Hour)
	states := s.states(endpoint)
	if slices.Contains(states, "pending") || !slices.Contains(states, "stopped") || !slices.Contains(states, "failed") || len(s.got) != before {
		t.Errorf("a disabled endpoint has %v", states)
	}
	s.status = 200
	enabled := false
	if _, err := s.Update(t.Context(), scope, endpoint, &Params{Disabled: &enabled}, nil); err != nil {
		t.Fatal(err)
	}
	s.happen(t, 2, "thing.changed")
	s.work(time.Second)
	if len(s.got) != before+1 {
		t.Errorf("%d requests after it was enabled", len(s.got)-before)
	}
	reply, err := s.Replay(t.Context(), scope, Replay{Endpoint: endpoint, From: time.Unix(1, 0), OnlyFailed: true}, nil)
	if err != nil || reply.Main.(*object.Object[Replay]).Body.Count != len(states) {
		t.Errorf("replayed %+v, %v", reply, err)
	}
	s.work(time.Second)
	for _, state := range s.states(endpoint) {
		if state != "delivered" {
			t.Errorf("after a replay: %v", s.states(endpoint))
			break
		}
	}
	if p := s.problems(); len(p) > 0 {
		t.Errorf("%q", p)
	}
}

// One success is enough: the days count from the last one.
func TestAnEndpointThatFailsNowAndThenStays(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://moody.example/", All)
	for i := range 4 * 10 {
		s.status = 500
		if i%12 == 11 {
			s.status = 200
		}
		s.happen(t, int64(100+i), "thing.changed")
		s.work(6 * time.Hour)
	}
	if o, ok, err := s.Retrieve(t.Context(), scope, endpoint); err != nil || !ok || o.Body.Disabled {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestDeletedEndpointsAreNotCalled(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://bad.example/", All)
	s.status = 500
	s.happen(t, 1, "thing.changed")
	s.work(time.Second)
	s.happen(t, 1, "thing.changed") // waits behind the first
	if _, err := s.Delete(t.Context(), scope, endpoint, nil); err != nil {
		t.Fatal(err)
	}
	before := len(s.got)
	s.work(time.Second)
	s.work(24 * time.Hour)
	e := s.newest()
	pending, err := s.PendingOf(t.Context(), scope, []*event.Event{e})
	if len(s.got) != before || err != nil || pending[e.Key] != 0 || !cmp.Equal([]string{"stopped"}, s.states(endpoint)) {
		t.Errorf("%d requests after it was deleted; %v pending; %v; %v", len(s.got)-before, pending, s.states(endpoint), err)
	}
	if reply, err := s.Update(t.Context(), scope, endpoint, &Params{}, nil); err != nil || reply.Error == nil {
		t.Error("a deleted endpoint can be changed")
	}
}

func (s *stage) newest() *event.Event {
	s.t.Helper()
	list, _, err := event.List(s.t.Context(), s.DB, scope, object.Range{Limit: 1})
	if err != nil || len(list) == 0 {
		s.t.Fatal(list, err)
	}
	return list[0]
}

// An endpoint is told of the types that it wants, from when it is there.
func TestEndpointsAreToldOfWhatTheyWant(t *testing.T) {
	s := newStage(t)
	s.endpoint(t, "http://all.example/", All)
	s.endpoint(t, "http://some.example/", "thing.made", "thing.gone")
	disabled := s.endpoint(t, "http://off.example/", All)
	off := true
	if _, err := s.Update(t.Context(), scope, disabled, &Params{Disabled: &off}, nil); err != nil {
		t.Fatal(err)
	}
	s.happen(t, 1, "thing.made")
	s.happen(t, 1, "thing.changed")
	s.now.Advance(time.Minute)
	s.endpoint(t, "http://late.example/", All)
	s.work(0)
	s.happen(t, 2, "thing.gone")
	s.work(0)
	slices.Sort(s.got)
	if diff := cmp.Diff([]string{"http://all.example/", "http://all.example/", "http://all.example/", "http://late.example/", "http://some.example/", "http://some.example/"}, s.got); diff != "" {
		t.Error(diff)
	}
	if p := s.problems(); len(p) > 0 {
		t.Errorf("%q", p)
	}
}

// expire deletes what is too old, and tells how many rows.
func (s *stage) expire(t *testing.T) (gone int) {
	t.Helper()
	before, pace := s.now.Now().Add(-event.Retention), func(_ context.Context, n int) error {
		gone += n
		return nil
	}
	if err := Expire(t.Context(), s.DB, before, pace); err != nil {
		t.Fatal(err)
	}
	if err := event.Expire(t.Context(), s.DB, scope, before, Wanted(s.DB), pace); err != nil {
		t.Fatal(err)
	}
	return gone
}

// What is still to be sent is not too old for it: an endpoint that a replay, or a
// server that was away for weeks, is about to tell of an old event is told.
func TestWhatIsToBeSentDoesNotExpire(t *testing.T) {
	s := newStage(t)
	s.endpoint(t, "http://good.example/", All)
	s.happen(t, 1, "thing.made")
	s.happen(t, 1, "thing.changed")
	if _, err := s.Spread(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.now.Advance(event.Retention + time.Hour)
	if n := s.expire(t); n > 0 {
		t.Errorf("%d rows deleted of what is to be sent", n)
	}
	if at, err := Oldest(t.Context(), s.DB); err != nil || s.now.Now().Sub(at) < event.Retention {
		t.Errorf("the oldest is of %v: %v", at, err)
	}
	s.work(time.Second)
	if n := s.expire(t); n != 6 || len(s.got) != 2 {
		t.Errorf("%d rows deleted, sent %q", n, s.got)
	}
	if p := s.problems(); len(p) > 0 {
		t.Errorf("%q", p)
	}
}

func TestAttemptsAndDeliveriesExpire(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://good.example/", All)
	s.happen(t, 1, "thing.made")
	s.work(time.Second)
	s.now.Advance(event.Retention - time.Hour)
	s.happen(t, 2, "thing.made")
	s.work(2 * time.Hour)
	if n := s.expire(t); n != 3 {
		t.Errorf("%d rows deleted", n)
	}
	left, err := qOldAttempts.All(t.Context(), s.DB, scope.Key(), int64(1<<62), int64(100))
	if err != nil || len(left) != 1 || len(s.states(endpoint)) != 1 {
		t.Errorf("left: %d attempts, %v, %v", len(left), s.states(endpoint), err)
	}
	if p := s.problems(); len(p) > 0 {
		t.Errorf("%q", p)
	}
}

// What verify is for: an event that was never spread, and an endpoint that nobody
// would serve.
func TestCheckFindsWhatWouldNotBeSent(t *testing.T) {
	s := newStage(t)
	endpoint := s.endpoint(t, "http://good.example/", All)
	s.now.Advance(time.Minute)
	s.happen(t, 1, "thing.made")
	if p := s.problems(); len(p) > 0 {
		t.Errorf("before it is spread: %q", p)
	}
	if _, err := s.Spread(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := s.problems(); len(p) > 0 {
		t.Errorf("before it is sent: %q", p)
	}
	damage := func(f func(tx *db.Tx) error) {
		t.Helper()
		if err := s.DB.Run(t.Context(), db.Step{Name: "damage", Do: f}); err != nil {
			t.Fatal(err)
		}
	}
	damage(func(tx *db.Tx) error {
		q, _, err := queues.Get(tx, queueKey(scope, endpoint))
		if err == nil {
			q.Due = time.Time{}
			queues.Update(tx, queueKey(scope, endpoint), q)
		}
		return err
	})
	if p := s.problems(); len(p) != 1 || !strings.Contains(p[0], "turn is not planned") {
		t.Errorf("%q", p)
	}
	at := deliveryKey(scope, s.newest().Key, endpoint)
	damage(func(tx *db.Tx) error {
		_, ok, err := deliveries.Get(tx, at)
		if ok {
			deliveries.Delete(tx, at)
		}
		return err
	})
	if p := s.problems(); len(p) != 1 || !strings.Contains(p[0], "(thing.made) was never to be delivered") {
		t.Errorf("%q", p)
	}
}

// A secret does not stand in the database in the clear, and a replay under an
// idempotency key is one.
func TestSecretsAreSealed(t *testing.T) {
	s := newStage(t)
	url := "http://good.example/"
	reply, err := s.Create(t.Context(), scope, &Params{URL: &url, Events: []string{All}}, &idem.Request{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	o := reply.Main.(*object.Object[Endpoint])
	secrets, err := s.Secrets(o, s.now.Now())
	if err != nil || len(secrets) != 1 || strings.Contains(string(o.Body.Secrets[0].Sealed), secrets[0].Reveal()) || !strings.HasPrefix(secrets[0].Reveal(), "whsec_") {
		t.Errorf("%v, %v", secrets, err)
	}
	o.Key++
	if _, err := s.Secrets(o, s.now.Now()); err == nil {
		t.Error("a secret opens at another endpoint")
	}
}
