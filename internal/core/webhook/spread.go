package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// spreadBatch is how many events are taken at once, and spreadRows how many
	// deliveries one step writes for them at most, unless one event alone has
	// more.
	spreadBatch = 1024
	spreadRows  = 1024
)

// skew is by how much the clocks of processes may differ: an event whose key
// seems to be that much older than an endpoint's may have come after it.
const skew = 2 * time.Second

// Spread writes the deliveries of events that nobody has spread yet, and tells
// how many events it found. Endpoints are read after the events, so one that was
// made before an event is among them.
func (v *Service) Spread(ctx context.Context) (int, error) {
	fresh, err := event.Fresh(ctx, v.DB, spreadBatch)
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	for s, some := range byScope(fresh) {
		group.Go(func() { // together, so that they share trains
			if failed := v.spreadIn(ctx, s, some); failed != nil {
				mu.Lock()
				defer mu.Unlock()
				err = errors.Join(err, failed)
			}
		})
	}
	group.Wait()
	return len(fresh), err
}

// spreadIn writes the deliveries of events of one scope.
func (v *Service) spreadIn(ctx context.Context, s id.Scope, some []*event.Event) error {
	endpoints, err := v.live(ctx, s)
	if err != nil {
		return err
	}
	endpoints = slices.DeleteFunc(endpoints, func(o *object.Object[Endpoint]) bool { return !o.Body.Enabled() })
	for part := range slices.Chunk(some, max(1, spreadRows/max(1, len(endpoints)))) {
		if err := v.spread(ctx, s, part, endpoints); err != nil {
			return err
		}
	}
	return nil
}

// byScope groups events by their scope, in their order.
func byScope(list []*event.Event) func(func(id.Scope, []*event.Event) bool) {
	var order []id.Scope
	groups := map[id.Scope][]*event.Event{}
	for _, e := range list {
		if groups[e.Scope] == nil {
			order = append(order, e.Scope)
		}
		groups[e.Scope] = append(groups[e.Scope], e)
	}
	return func(yield func(id.Scope, []*event.Event) bool) {
		for _, s := range order {
			if !yield(s, groups[s]) {
				return
			}
		}
	}
}

// wanted are the endpoints that are told of an event.
func wanted(e *event.Event, endpoints []*object.Object[Endpoint]) (list []*object.Object[Endpoint]) {
	for _, o := range endpoints {
		if o.Body.Wants(e.Type) && !id.Time(e.Key).Add(skew).Before(o.Created()) {
			list = append(list, o)
		}
	}
	return list
}

// spread takes events of one scope and writes their deliveries, in one step.
func (v *Service) spread(ctx context.Context, s id.Scope, some []*event.Event, endpoints []*object.Object[Endpoint]) error {
	step := db.Step{Name: "webhook.spread", Scope: s.Key(), Patient: true}
	for _, o := range endpoints {
		step.Needs = append(step.Needs, queues.Need(queueKey(s, o.Key)))
	}
	for _, e := range some {
		step.Needs = append(step.Needs, e.InLane().Need())
		for _, o := range wanted(e, endpoints) {
			step.Needs = append(step.Needs, deliveries.Need(deliveryKey(s, e.Key, o.Key)))
		}
	}
	step.Do = func(tx *db.Tx) error {
		marked := map[int64]bool{}
		for _, e := range some {
			first, err := event.Take(tx, e.InLane(), e.Seq)
			if err != nil {
				return err
			}
			if first > e.Seq {
				continue // another process has spread it
			}
			for _, o := range wanted(e, endpoints) {
				if err := enqueue(tx, e, o.Key, false); err != nil {
					return err
				}
				marked[o.Key] = true
			}
		}
		for _, o := range endpoints {
			if !marked[o.Key] {
				continue
			}
			if err := mark(tx, queueKey(s, o.Key), true); err != nil {
				return err
			}
		}
		return nil
	}
	return v.DB.Run(ctx, step)
}

// enqueue has an event sent to an endpoint: again, if it was sent before.
func enqueue(tx *db.Tx, e *event.Event, endpoint int64, again bool) error {
	at := deliveryKey(e.Scope, e.Key, endpoint)
	r, ok, err := deliveries.Get(tx, at)
	switch {
	case err != nil || ok && !again:
		return err
	case ok:
		r.State, r.Due, r.Failed, r.Tries = Pending, tx.Now(), time.Time{}, 0
		deliveries.Update(tx, at, r)
	default:
		deliveries.Insert(tx, at, deliveryRow{Lane: e.Lane, Seq: e.Seq, State: Pending, Due: tx.Now()})
	}
	return nil
}
