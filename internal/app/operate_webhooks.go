package app

import (
	"context"
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/fault"
)

// Endpoint is a webhook endpoint, as it is shown to who runs Florin.
type Endpoint struct {
	ID       string    `json:"id"`
	Account  string    `json:"account"`
	Livemode bool      `json:"livemode"`
	URL      string    `json:"url"`
	Events   []string  `json:"enabled_events"`
	Status   string    `json:"status"` // enabled or disabled
	Reason   string    `json:"reason,omitempty"`
	Version  string    `json:"api_version,omitempty"`
	Created  time.Time `json:"created"`
	// Secret is the endpoint's new secret, once, where it was just made.
	Secret string `json:"secret,omitempty"`
}

func endpointOf(o *object.Object[webhook.Endpoint]) Endpoint {
	out := Endpoint{ID: webhook.Endpoints.ID(o.Scope, o.Key), Account: merchant.Accounts.ID(merchant.Home(o.Scope.Account), o.Scope.Account), Livemode: o.Scope.Livemode,
		URL: o.Body.URL, Events: o.Body.Events, Status: "enabled", Reason: o.Body.Reason, Version: o.Body.Version, Created: o.Created()}
	if o.Body.Disabled {
		out.Status = "disabled"
	}
	return out
}

// Delivery is how an event stands at a webhook endpoint.
type Delivery struct {
	Event    string    `json:"event"`
	Type     string    `json:"event_type"`
	Sequence int64     `json:"sequence"`
	Status   string    `json:"status"` // pending, delivered, failed or stopped
	Next     time.Time `json:"next_attempt,omitzero"`
	Attempts []Attempt `json:"attempts"` // the oldest first
}

// Attempt is one request to a webhook endpoint.
type Attempt struct {
	At       time.Time     `json:"at"`
	Took     time.Duration `json:"took_ns"`
	Response int           `json:"response_status,omitempty"`
	Problem  string        `json:"problem,omitempty"`
	Body     string        `json:"response_body,omitempty"` // its beginning
}

func (o *Operator) webhooks() *webhook.Service {
	return &webhook.Service{DB: o.db, Keys: &idem.Keys{}}
}

// Endpoints lists the webhook endpoints of all accounts, deleted ones left out.
func (o *Operator) Endpoints(ctx context.Context) ([]Endpoint, error) {
	list := []Endpoint{}
	err := webhook.Endpoints.Scan(ctx, o.db, func(e *object.Object[webhook.Endpoint]) error {
		if !e.Body.Deleted {
			list = append(list, endpointOf(e))
		}
		return nil
	})
	return list, err
}

func (o *Operator) endpoint(ctx context.Context, name string) (*object.Object[webhook.Endpoint], error) {
	key, ok := webhook.Endpoints.Prefix.Parse(name)
	if ok {
		found, there, err := o.webhooks().Find(ctx, key)
		if there || err != nil {
			return found, err
		}
	}
	return nil, fault.New(fault.NotFound, "resource_missing", "There is no webhook endpoint %q. florin webhook list shows those there are.", name)
}

// deliveryStates are those of a delivery by name.
var deliveryStates = map[string]webhook.State{
	"pending": webhook.Pending, "delivered": webhook.Delivered, "failed": webhook.Failed, "stopped": webhook.Stopped,
}

// Deliveries gives at most limit deliveries to an endpoint, of a status if it is
// not empty, the newest event first.
func (o *Operator) Deliveries(ctx context.Context, endpoint, status string, limit int) ([]Delivery, error) {
	e, err := o.endpoint(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	of := webhook.Of{State: deliveryStates[status], Range: object.Range{Before: math.MaxInt64, Limit: limit}}
	found, _, err := o.webhooks().OfEndpoint(ctx, e.Scope, e.Key, of)
	if err != nil {
		return nil, err
	}
	list := []Delivery{}
	for _, d := range found {
		out := Delivery{Event: event.Prefix.Format(e.Scope, d.Event), Sequence: d.Seq, Status: d.State.String(), Next: d.Due, Attempts: []Attempt{}}
		for _, a := range d.Attempts {
			out.Attempts = append(out.Attempts, Attempt{a.At, a.Took, a.Status, a.Problem, string(a.Reply)})
		}
		happened, ok, err := event.Read(ctx, o.db, e.Scope, d.Event)
		if err != nil {
			return nil, err
		}
		if ok {
			out.Type = happened.Type
		}
		list = append(list, out)
	}
	return list, nil
}

// ReplayParams say what to send again: one event, or what has happened since a
// time, or between two.
type ReplayParams struct {
	Endpoint     string
	Event        string
	Since, Until time.Time
	Types        []string
	OnlyFailed   bool
}

// ReplayEvents has events sent to an endpoint again and tells how many. A server
// that runs sends them within a second.
func (o *Operator) ReplayEvents(ctx context.Context, p ReplayParams) (count int, err error) {
	e, err := o.endpoint(ctx, p.Endpoint)
	if err != nil {
		return 0, err
	}
	if err := o.claim(ctx); err != nil {
		return 0, err
	}
	want := webhook.Replay{Endpoint: e.Key, From: p.Since, Until: p.Until, Types: p.Types, OnlyFailed: p.OnlyFailed}
	if p.Event != "" {
		key, ok := event.Prefix.Parse(p.Event)
		if !ok {
			return 0, fault.New(fault.Invalid, "", "%q is no event's id.", p.Event)
		}
		want.Event = key
	}
	for {
		reply, err := o.webhooks().Replay(ctx, e.Scope, want, nil)
		if err != nil {
			return count, err
		}
		if reply.Error != nil {
			return count, reply.Error
		}
		done := reply.Main.(*object.Object[webhook.Replay]).Body
		count += done.Count
		if !done.More {
			return count, nil
		}
		want.After = done.Last
	}
}

// EnableEndpoint enables an endpoint, or disables it.
func (o *Operator) EnableEndpoint(ctx context.Context, name string, enable bool) (Endpoint, error) {
	e, err := o.endpoint(ctx, name)
	if err != nil {
		return Endpoint{}, err
	}
	disabled := !enable
	reply, err := o.webhooks().Update(ctx, e.Scope, e.Key, &webhook.Params{Disabled: &disabled}, nil)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	if err != nil {
		return Endpoint{}, err
	}
	return endpointOf(reply.Main.(*object.Object[webhook.Endpoint])), nil
}

// RollEndpoint gives an endpoint a new secret. The old one signs too for a
// while. It needs the master key that the database is bound to.
func (o *Operator) RollEndpoint(ctx context.Context, name string, overlap time.Duration, c Config) (Endpoint, error) {
	e, err := o.endpoint(ctx, name)
	if err != nil {
		return Endpoint{}, err
	}
	master, _, err := masterKey(ctx, o.db, c)
	if err != nil {
		return Endpoint{}, err
	}
	w := o.webhooks()
	w.Sealer = master
	reply, err := w.Roll(ctx, e.Scope, e.Key, overlap, nil)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	if err != nil {
		return Endpoint{}, err
	}
	rolled := reply.Main.(*object.Object[webhook.Endpoint])
	secrets, err := w.Secrets(rolled, o.Now())
	if err != nil {
		return Endpoint{}, err
	}
	out := endpointOf(rolled)
	out.Secret = secrets[0].Reveal()
	return out, nil
}
