package webhook

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// Parallel is how many requests an endpoint gets at once.
	Parallel = 32
	// lanesAtOnce is how many lanes of an endpoint are looked after at once: those
	// whose request has ended wait for it to be written down, many together, and keep
	// no other from being sent.
	lanesAtOnce = 8 * Parallel
	// Timeout is how long an endpoint may take to answer.
	Timeout = 10 * time.Second
	// lease is for how long an endpoint waits when its process has died. It is
	// renewed while the process lives, also while a request is under way, which may
	// take longer.
	lease = 8 * time.Second
	// margin is what must be left of a lease for a request to begin: more than the
	// clocks of processes differ.
	margin = 2 * time.Second
	// doubt is for how long the requests of a process whose lease has ended may
	// still be under way: as long as one takes, and what is needed to write down how
	// it ended.
	doubt = Timeout + 5*time.Second
	// poll is how long what another process has written can stay unseen. It is odd so
	// that looks do not fall together with what takes whole seconds.
	poll = 491 * time.Millisecond
	// stopRows is how many deliveries to a disabled endpoint are ended at once.
	stopRows = 200
)

// errLost says that the endpoint is served by another process now.
var errLost = errors.New("webhook: the lease is lost")

// turn is an endpoint that this process serves, for as long as its lease.
type turn struct {
	v        *Service
	scope    id.Scope
	endpoint int64
	owner    int64
	until    atomic.Int64 // end of the lease in microseconds
	failing  atomic.Int64 // since when every request failed, in microseconds; 0: the last one did not
	// unsure is until when requests of the process before may be under way, whose
	// lease ended without its letting go; zero: there are none.
	unsure time.Time
	wake   chan struct{}
	// as is the endpoint as the last look, [poll] ago at most, has seen it.
	as atomic.Pointer[object.Object[Endpoint]]
	// busy are the lanes that are looked after, each with the event that is all it has, or
	// 0, and passed those of them in which a look has found another one.
	busy   map[int64]int64
	passed map[int64]bool
	// seen is as far as looks have come since the one that began anew, at an instant.
	seen struct{ due, event int64 }
	anew time.Time
	wire chan struct{} // holds one of each request under way
	// crowded, if set, says whether other endpoints wait for this process.
	crowded func() bool
	ended   chan ended // lanes that are done for now
	last    time.Time  // when there was last something to do
}

// ended is a lane that is done for now; whole: all that was found in it was sent.
type ended struct {
	lane  int64
	whole bool
}

// free notes that a lane has ended.
func (t *turn) free(e ended) {
	delete(t.busy, e.lane)
	if t.passed[e.lane] || !e.whole { // there may be something that looks have passed
		delete(t.passed, e.lane)
		t.anew = time.Time{}
	}
	t.last = t.v.DB.Clock().Now()
}

func (t *turn) at() db.Key { return queueKey(t.scope, t.endpoint) }

// claim takes the leases of endpoints that have something to send, at most room
// of them.
func (v *Service) claim(ctx context.Context, room int) (turns []*turn, err error) {
	ready, err := qReady.All(ctx, v.DB, v.DB.Clock().Now().UnixMicro(), int64(room))
	if err != nil || len(ready) == 0 {
		return nil, err
	}
	owner := v.DB.IDs().Next()
	step := db.Step{Name: "webhook.claim", Scope: ready[0].Scope}
	for _, r := range ready {
		step.Needs = append(step.Needs, queues.Need(db.Key{Scope: r.Scope, ID: r.Endpoint}))
	}
	step.Do = func(tx *db.Tx) error {
		turns = nil
		for _, r := range ready {
			at := db.Key{Scope: r.Scope, ID: r.Endpoint}
			q, ok, err := queues.Get(tx, at)
			if err != nil {
				return err
			}
			if !ok || q.Due.IsZero() || q.Due.After(tx.Now()) {
				continue // another process was quicker
			}
			var unsure time.Time
			if q.Owner != 0 {
				unsure = q.Due.Add(doubt)
			}
			q.Owner, q.Due = owner, tx.Now().Add(lease)
			queues.Update(tx, at, q)
			t := &turn{unsure: unsure, v: v, scope: id.ScopeOf(r.Scope), endpoint: r.Endpoint, owner: owner, wake: make(chan struct{}, 1),
				busy: map[int64]int64{}, passed: map[int64]bool{}, wire: make(chan struct{}, Parallel), ended: make(chan ended, lanesAtOnce)}
			t.hold(q)
			turns = append(turns, t)
		}
		return nil
	}
	return turns, v.DB.Run(ctx, step)
}

// hold notes what the queue's row says.
func (t *turn) hold(q queue) {
	t.until.Store(q.Due.UnixMicro())
	t.failing.Store(0)
	if !q.Failing.IsZero() {
		t.failing.Store(q.Failing.UnixMicro())
	}
}

// safe reports whether a request may begin now. If its process stops renewing
// the lease meanwhile, whoever takes over does so in doubt; see [turn.still].
func (t *turn) safe() bool {
	return t.v.DB.Clock().Now().Add(margin).UnixMicro() < t.until.Load()
}

// still reports whether deliveries are as they were read. Only in doubt is there
// somebody else who may have an acknowledgement to write down: whatever was
// written before is seen here, and what comes later finds the event on its way
// again.
func (t *turn) still(ctx context.Context, open []delivery) (same bool, err error) {
	if !t.v.DB.Clock().Now().Before(t.unsure) {
		return true, nil
	}
	var needs []db.Need
	for _, d := range open {
		needs = append(needs, deliveries.Need(deliveryKey(t.scope, d.Event, t.endpoint)))
	}
	err = t.own(ctx, "webhook.still", func(tx *db.Tx, _ queue) error {
		same = true
		for _, d := range open {
			r, ok, err := deliveries.Get(tx, deliveryKey(t.scope, d.Event, t.endpoint))
			if err != nil {
				return err
			}
			same = same && ok && r.State == d.State && r.Tries == d.Tries
		}
		return nil
	}, needs...)
	return same, err
}

// owned gets the queue's row in a step, or refuses.
func (t *turn) owned(tx *db.Tx) (queue, error) {
	q, ok, err := queues.Get(tx, t.at())
	if err == nil && (!ok || q.Owner != t.owner) {
		err = errLost
	}
	return q, err
}

// own runs a step of whoever serves the endpoint, which needs further rows.
func (t *turn) own(ctx context.Context, name string, f func(*db.Tx, queue) error, further ...db.Need) error {
	return t.v.DB.Run(ctx, db.Step{Name: name, Scope: t.scope.Key(), Needs: append(further, queues.Need(t.at())), Do: func(tx *db.Tx) error {
		q, err := t.owned(tx)
		if err != nil {
			return err
		}
		return f(tx, q)
	}})
}

// renew takes the lease for longer, once half of it is over.
func (t *turn) renew(ctx context.Context) error {
	if t.v.DB.Clock().Now().Add(lease/2).UnixMicro() < t.until.Load() {
		return nil
	}
	var now queue
	err := t.own(ctx, "webhook.renew", func(tx *db.Tx, q queue) error {
		q.Due = tx.Now().Add(lease)
		queues.Update(tx, t.at(), q)
		now = q
		return nil
	})
	if err == nil {
		t.hold(now)
	}
	return err
}

// release lets the endpoint go, to be claimed when its next delivery is due. It
// reports false when something was added meanwhile.
func (t *turn) release(ctx context.Context, gone bool) (bool, error) {
	seen, _, err := queues.Read(ctx, t.v.DB, t.at())
	if err != nil {
		return false, err
	}
	next, err := qNext.All(ctx, t.v.DB, t.scope.Key(), t.endpoint)
	if err != nil {
		return false, err
	}
	released := false
	err = t.own(ctx, "webhook.release", func(tx *db.Tx, q queue) error {
		if released = q.Mark == seen.Mark; !released {
			return nil
		}
		if gone && len(next) == 0 {
			queues.Delete(tx, t.at())
			return nil
		}
		q.Owner, q.Due = 0, time.Time{}
		if len(next) > 0 {
			q.Due = time.UnixMicro(next[0])
		}
		queues.Update(tx, t.at(), q)
		return nil
	})
	return released, err
}

// serve sends what is due, and what becomes due within idle of the last, until
// there is nothing more or ctx ends. Requests that are under way then are
// brought to their ends.
func (t *turn) serve(ctx context.Context, idle time.Duration) error {
	clock := t.v.DB.Clock()
	t.last = clock.Now()
	for {
		err := t.look(ctx)
		switch {
		case err != nil || ctx.Err() != nil:
			return t.leave(ctx, err)
		case len(t.busy) > 0:
			t.last = clock.Now()
		case clock.Now().Sub(t.last) >= idle || t.crowded != nil && t.crowded():
			released, err := t.release(ctx, false)
			if released || err != nil {
				return err
			}
			continue
		}
		t.wait(ctx)
	}
}

// leave waits for what is under way, and lets others go on at once.
func (t *turn) leave(ctx context.Context, cause error) error {
	lost := errors.Is(cause, errLost)
	t.collect()
	for held := context.WithoutCancel(ctx); len(t.busy) > 0; t.wait(held) {
		if !lost { // where it can't be renewed, others go on in doubt
			lost = errors.Is(t.renew(held), errLost)
		}
	}
	if lost {
		return nil
	}
	gone := errors.Is(cause, errGone)
	if gone {
		cause = nil
	}
	for range 3 { // something may be added meanwhile
		released, err := t.release(context.WithoutCancel(ctx), gone)
		if released || err != nil {
			return errors.Join(cause, err)
		}
	}
	return cause
}

// wait waits until there may be something to do.
func (t *turn) wait(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	slept := make(chan struct{})
	go func() {
		defer close(slept)
		_ = t.v.DB.Clock().Sleep(ctx, poll)
	}()
	select {
	case e := <-t.ended:
		t.free(e)
	case <-t.wake:
	case <-slept:
	}
	cancel()
	<-slept
	t.collect()
}

// collect takes up all that has come at once: which of it was seen first must not
// matter.
func (t *turn) collect() {
	for {
		select {
		case e := <-t.ended: // it makes room
			t.free(e)
		case <-t.wake:
		default:
			return
		}
	}
}

// errGone says that the endpoint is disabled or deleted, and all that was due to it
// stopped.
var errGone = errors.New("webhook: the endpoint is not served any more")

// look starts lanes that are due, as far as there is room.
func (t *turn) look(ctx context.Context) error {
	t.collect()
	if err := t.renew(ctx); err != nil {
		return err
	}
	o, ok, err := Endpoints.Read(ctx, t.v.DB, t.scope, t.endpoint)
	if err != nil {
		return err
	}
	if !ok || !o.Body.Enabled() {
		t.as.Store(nil)
		if err := t.stop(ctx, !ok || o.Body.Deleted); err != nil {
			return err
		}
		return errGone
	}
	t.as.Store(o)
	return t.start(ctx)
}

// pageRows is how many due deliveries are read at once, and pages how often in
// one look: those of lanes that are under way stand among them.
const (
	pageRows = 128
	pages    = 8
)

// start begins with what is due: after what the look before has come to, since what
// comes is due later than what was there, and now and then from the beginning, since
// clocks differ and lanes end that had more to send.
func (t *turn) start(ctx context.Context) error {
	now := t.v.DB.Clock().Now()
	if now.Sub(t.anew) >= poll {
		t.seen.due, t.seen.event, t.anew = 0, 0, now
	}
	for range pages {
		if len(t.busy) == lanesAtOnce || !t.safe() {
			return nil
		}
		rows, err := qDue.All(ctx, t.v.DB, t.scope.Key(), t.endpoint, now.UnixMicro(), t.seen.due, t.seen.event, int64(pageRows))
		if err != nil {
			return err
		}
		events, err := t.eventsOf(ctx, rows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			at, busy := t.busy[r.Row.Lane]
			switch {
			case busy && at != r.Event:
				t.passed[r.Row.Lane] = true
			case busy:
			case len(t.busy) == lanesAtOnce:
				return nil
			default:
				t.begin(ctx, r, events[r.Event])
			}
			t.seen.due, t.seen.event = r.Row.Due.UnixMicro(), r.Event
		}
		if len(rows) < pageRows {
			return nil
		}
	}
	return nil
}

// eventsOf reads the events that are alone in their lanes, which need no further look.
func (t *turn) eventsOf(ctx context.Context, rows []dueDelivery) (map[int64]*event.Event, error) {
	var keys []int64
	for _, r := range rows {
		if _, busy := t.busy[r.Row.Lane]; r.Others == 0 && !busy {
			keys = append(keys, r.Event)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return event.ReadMany(ctx, t.v.DB, t.scope, keys)
}

// begin has a lane looked after, of which an event is due; e is the event if there is
// nothing else in the lane.
func (t *turn) begin(ctx context.Context, r dueDelivery, e *event.Event) {
	lane := r.Row.Lane
	t.busy[lane] = 0
	var first *parcel
	if e != nil {
		t.busy[lane] = r.Event
		first = &parcel{r.Row.delivery(r.Event), e, int(r.Pending)}
	}
	go func() { t.ended <- ended{lane, t.lane(ctx, lane, first)} }()
}

// stop ends the deliveries to an endpoint that is not served: those that are due,
// or all.
func (t *turn) stop(ctx context.Context, all bool) error {
	before := t.v.DB.Clock().Now()
	if all {
		before = before.Add(10 * GiveUpAfter)
	}
	for {
		rows, err := qDue.All(ctx, t.v.DB, t.scope.Key(), t.endpoint, before.UnixMicro(), int64(0), int64(0), int64(stopRows))
		if err != nil || len(rows) == 0 {
			return err
		}
		step := db.Step{Name: "webhook.stop", Scope: t.scope.Key()}
		for _, r := range rows {
			step.Needs = append(step.Needs, deliveries.Need(deliveryKey(t.scope, r.Event, t.endpoint)))
		}
		step.Do = func(tx *db.Tx) error {
			for _, r := range rows {
				at := deliveryKey(t.scope, r.Event, t.endpoint)
				d, ok, err := deliveries.Get(tx, at)
				if err != nil {
					return err
				}
				if ok && d.State == Pending {
					d.State, d.Due = Stopped, time.Time{}
					deliveries.Update(tx, at, d)
				}
			}
			return nil
		}
		if err := t.v.DB.Run(ctx, step); err != nil {
			return err
		}
	}
}
