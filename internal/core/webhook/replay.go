package webhook

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Replay is a request to send events again.
type Replay struct {
	Endpoint int64     `json:"e"`
	Event    int64     `json:"v,omitempty"` // the one, or
	From     time.Time `json:"f,omitzero"`  // those that happened from here on,
	Until    time.Time `json:"u,omitzero"`  // and before this,
	Types    []string  `json:"t,omitempty"` // of these types; none: what the endpoint is told of
	// OnlyFailed leaves out what was acknowledged, and what was never to be sent
	// to the endpoint.
	OnlyFailed bool  `json:"o,omitempty"`
	After      int64 `json:"a,omitempty"` // and those after this event alone
	// Count is how many events are sent again, and Last the last one that was
	// looked at, after which another replay can go on: More tells that there are
	// more.
	Count int   `json:"n"`
	Last  int64 `json:"l,omitempty"`
	More  bool  `json:"m,omitempty"`
}

// Replays are the replays that were asked for.
var Replays = object.Define(object.Spec[Replay, int64]{
	Name: "florin.webhook_replay", Prefix: "whr", Schema: 1, Table: "webhook_replay", Columns: "endpoint",
	Fields: int64Field, Derive: func(r *Replay) int64 { return r.Endpoint }, Filters: []string{"endpoint"},
})

// MaxReplay is how many events one replay looks at.
const MaxReplay = 500

// Replay sends events to an endpoint again, each in the order of its lane and
// under its old id, whether or not it was acknowledged. What is on its way
// already begins anew. A disabled endpoint is refused.
func (v *Service) Replay(ctx context.Context, s id.Scope, p Replay, r *idem.Request) (*idem.Reply, error) {
	list, more, err := v.replayed(ctx, s, p)
	if err != nil {
		return nil, err
	}
	at, key := queueKey(s, p.Endpoint), v.DB.IDs().Next()
	needs := []db.Need{Endpoints.Need(s, p.Endpoint), queues.Need(at)}
	for _, e := range list {
		needs = append(needs, deliveries.Need(deliveryKey(s, e.Key, p.Endpoint)))
	}
	return v.once(ctx, "webhook.replay", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Endpoints.Get(tx, s, p.Endpoint)
		switch {
		case err != nil:
			return nil, err
		case !ok || o.Body.Deleted:
			return nil, fault.Missing(fault.Invalid, "webhook_endpoint", "webhook endpoint", Endpoints.ID(s, p.Endpoint))
		case o.Body.Disabled:
			return nil, fault.Param("webhook_endpoint", "", "The webhook endpoint is disabled. Enable it before you replay events to it.")
		}
		body := p
		body.Count, body.More = 0, more
		for _, e := range list {
			body.Last = e.Key
			again, err := p.takes(tx, o, e)
			if err != nil {
				return nil, err
			}
			if !again {
				continue
			}
			if err := enqueue(tx, e, p.Endpoint, true); err != nil {
				return nil, err
			}
			body.Count++
		}
		if body.Count > 0 {
			if err := mark(tx, at, true); err != nil {
				return nil, err
			}
		}
		made, err := Replays.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		return &idem.Reply{Kind: Replays.Name, Shown: []object.Ref{made.Ref()}, Main: made}, nil
	})
}

// takes decides in a step whether an event is sent again.
func (p *Replay) takes(tx *db.Tx, o *object.Object[Endpoint], e *event.Event) (bool, error) {
	if p.Event == 0 && len(p.Types) == 0 && !o.Body.Wants(e.Type) {
		return false, nil
	}
	if !p.OnlyFailed {
		return true, nil
	}
	r, ok, err := deliveries.Get(tx, deliveryKey(e.Scope, e.Key, p.Endpoint))
	return ok && r.State != Delivered, err
}

// replayed lists the events that a replay is about, the oldest first. Those that
// are not spread yet are spread before, so that no event is spread and replayed
// at once.
func (v *Service) replayed(ctx context.Context, s id.Scope, p Replay) (list []*event.Event, more bool, err error) {
	if p.Event != 0 {
		e, ok, err := event.Read(ctx, v.DB, s, p.Event)
		if err == nil && !ok {
			err = fault.Missing(fault.Invalid, "event", "event", event.Prefix.Format(s, p.Event))
		}
		if err != nil {
			return nil, false, err
		}
		list = []*event.Event{e}
	} else {
		r := object.Range{After: p.After, Limit: MaxReplay, Oldest: true}
		if !p.From.IsZero() {
			r.After = max(r.After, id.Floor(p.From)-1)
		}
		if !p.Until.IsZero() {
			r.Before = max(1, id.Floor(p.Until))
		}
		page, rest, err := event.List(ctx, v.DB, s, r, p.Types...)
		if err != nil {
			return nil, false, err
		}
		list, more = inOrder(page, true), rest
	}
	for {
		taken, err := event.Taken(ctx, v.DB, list)
		if err != nil {
			return nil, false, err
		}
		open := false
		for _, e := range list {
			open = open || !taken[e.Key]
		}
		if !open {
			return list, more, nil
		}
		if _, err := v.Spread(ctx); err != nil {
			return nil, false, err
		}
	}
}
