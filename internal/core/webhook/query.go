package webhook

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Delivery is how an event stands at an endpoint.
type Delivery struct {
	Event    int64
	Endpoint int64
	Seq      int64
	State    State
	Due      time.Time // of the next try; zero when there is none
	Attempts []Attempt // the newest [MaxAttempts], the oldest first
}

// Attempt is one request and what came back.
type Attempt struct {
	At      time.Time
	Took    time.Duration
	Status  int       // of the answer; 0: there was none
	Problem string    // why it does not count as an acknowledgement; empty: it does
	Reply   []byte    // the first bytes of the answer's body
	Due     time.Time // when the next was planned for; zero: none was
}

// MaxAttempts is how many attempts of a delivery are shown.
const MaxAttempts = 50

// Of narrows and bounds a list of deliveries.
type Of struct {
	State State // zero: any
	Range object.Range
}

// OfEndpoint lists the deliveries to an endpoint by event, newest first, and tells
// whether there are more.
func (v *Service) OfEndpoint(ctx context.Context, s id.Scope, endpoint int64, of Of) ([]Delivery, bool, error) {
	low, high := of.State, of.State
	if of.State == 0 {
		low, high = Pending, Stopped
	}
	q := qOfEndpoint
	if of.Range.Oldest {
		q = qOfEndpointOldest
	}
	rows, err := q.All(ctx, v.DB, s.Key(), endpoint, of.Range.After, of.Range.Before, int64(low), int64(high), int64(of.Range.Limit)+1)
	if err != nil {
		return nil, false, err
	}
	more := len(rows) > of.Range.Limit
	if more {
		rows = rows[:of.Range.Limit]
	}
	list := make([]Delivery, len(rows))
	for i, r := range rows {
		at := i
		if of.Range.Oldest {
			at = len(rows) - 1 - i
		}
		if list[at], err = v.withAttempts(ctx, s, endpoint, r); err != nil {
			return nil, false, err
		}
	}
	return list, more, nil
}

// OfEvent lists the deliveries of an event, by endpoint.
func (v *Service) OfEvent(ctx context.Context, s id.Scope, event int64) (list []Delivery, err error) {
	rows, err := qOfEvent.All(ctx, v.DB, s.Key(), event)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		d, err := v.withAttempts(ctx, s, r.Endpoint, eventDelivery{event, r.Row})
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func (v *Service) withAttempts(ctx context.Context, s id.Scope, endpoint int64, r eventDelivery) (Delivery, error) {
	d := Delivery{Event: r.Event, Endpoint: endpoint, Seq: r.Row.Seq, State: r.Row.State, Due: r.Row.Due}
	rows, err := qAttempts.All(ctx, v.DB, s.Key(), r.Event, endpoint, int64(MaxAttempts))
	for i := len(rows) - 1; i >= 0; i-- {
		a := rows[i]
		d.Attempts = append(d.Attempts, Attempt{a.At, a.Took, int(a.Status), a.Problem, a.Reply, a.Due})
	}
	return d, err
}

// PendingOf tells of each event, by key, to how many endpoints it is still to be
// delivered. Events are of one scope.
func (v *Service) PendingOf(ctx context.Context, s id.Scope, list []*event.Event) (map[int64]int, error) {
	heard, err := event.Heard(ctx, v.DB, s)
	if err != nil || !heard || len(list) == 0 {
		return nil, err
	}
	taken, err := event.Taken(ctx, v.DB, list)
	if err != nil {
		return nil, err
	}
	pending := make(map[int64]int, len(list))
	var endpoints []*object.Object[Endpoint]
	for _, e := range list {
		if !taken[e.Key] {
			if endpoints == nil {
				if endpoints, err = v.live(ctx, s); err != nil {
					return nil, err
				}
			}
			for _, o := range wanted(e, endpoints) {
				if o.Body.Enabled() {
					pending[e.Key]++
				}
			}
			continue
		}
		if pending[e.Key], err = v.PendingOfSpread(ctx, e); err != nil {
			return nil, err
		}
	}
	return pending, nil
}

// PendingOfSpread tells to how many endpoints an event that was spread is still
// to be delivered.
func (v *Service) PendingOfSpread(ctx context.Context, e *event.Event) (int, error) {
	n, err := qUndelivered.All(ctx, v.DB, e.Scope.Key(), e.Key)
	if err != nil {
		return 0, err
	}
	return int(n[0]), nil
}

// Undelivered reports of each event, by key, whether some endpoint has not
// acknowledged it: yet, or at all. Events are of one scope.
func (v *Service) Undelivered(ctx context.Context, s id.Scope, list []*event.Event) (map[int64]bool, error) {
	open, err := v.PendingOf(ctx, s, list)
	if err != nil || open == nil {
		return nil, err
	}
	undelivered := make(map[int64]bool, len(list))
	for _, e := range list {
		n, err := qUnacknowledged.All(ctx, v.DB, s.Key(), e.Key)
		if err != nil {
			return nil, err
		}
		undelivered[e.Key] = open[e.Key] > 0 || n[0] > 0
	}
	return undelivered, nil
}

// List gives events like [event.List], of those alone that every endpoint has
// acknowledged, or that some endpoint has not.
func (v *Service) List(ctx context.Context, s id.Scope, r object.Range, delivered bool, types ...string) (page []*event.Event, more bool, err error) {
	limit := r.Limit
	for {
		r.Limit = listBatch
		some, rest, err := event.List(ctx, v.DB, s, r, types...)
		if err != nil {
			return nil, false, err
		}
		open, err := v.Undelivered(ctx, s, some)
		if err != nil {
			return nil, false, err
		}
		for i := range some {
			e := some[i]
			if r.Oldest {
				e = some[len(some)-1-i]
			}
			if open[e.Key] == delivered {
				continue
			}
			if len(page) == limit {
				return inOrder(page, r.Oldest), true, nil
			}
			page = append(page, e)
		}
		if !rest {
			return inOrder(page, r.Oldest), false, nil
		}
		if r.Oldest {
			r.After = some[0].Key
		} else {
			r.Before = some[len(some)-1].Key
		}
	}
}

// listBatch is how many events are looked at for a list at once.
const listBatch = 200

// inOrder turns what was found oldest first.
func inOrder(page []*event.Event, oldest bool) []*event.Event {
	if oldest {
		for i, j := 0, len(page)-1; i < j; i, j = i+1, j-1 {
			page[i], page[j] = page[j], page[i]
		}
	}
	return page
}
