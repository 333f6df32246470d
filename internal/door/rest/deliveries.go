package rest

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// deliveryRoutes are operations of Florin's own.
var deliveryRoutes = map[string]route{
	"FlorinPostWebhookEndpointsWebhookEndpointRollSecret": {rollSecret, merchant.WebhookEndpoints, merchant.Write},
	"FlorinGetWebhookEndpointsWebhookEndpointDeliveries":  {deliveriesOfEndpoint, merchant.WebhookEndpoints, merchant.Read},
	"FlorinGetEventsIdDeliveries":                         {deliveriesOfEvent, merchant.WebhookEndpoints, merchant.Read},
	"FlorinPostWebhookReplays":                            {createReplay, merchant.WebhookEndpoints, merchant.Write},
	"FlorinGetWebhookReplays":                             {listReplays, merchant.WebhookEndpoints, merchant.Read},
	"FlorinGetWebhookReplaysId":                           {retrieveReplay, merchant.WebhookEndpoints, merchant.Read},
}

type shownDelivery struct {
	Object      string         `json:"object"`
	Event       string         `json:"event"`
	Type        any            `json:"event_type"`
	Endpoint    string         `json:"webhook_endpoint"`
	Sequence    int64          `json:"sequence"`
	Status      string         `json:"status"`
	Livemode    bool           `json:"livemode"`
	NextAttempt any            `json:"next_attempt"`
	Attempts    []shownAttempt `json:"attempts"`
}

type shownAttempt struct {
	Created      int64  `json:"created"`
	Milliseconds int64  `json:"duration_ms"`
	Status       any    `json:"response_status"`
	Reply        string `json:"response_body"`
	Problem      any    `json:"problem"`
	Next         any    `json:"next_attempt"`
}

// moment is a time in seconds, or nil.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func (s *Server) renderDelivery(ctx context.Context, scope id.Scope, d webhook.Delivery) (*shownDelivery, error) {
	out := &shownDelivery{
		Object: "florin.webhook_delivery", Event: event.Prefix.Format(scope, d.Event), Endpoint: webhook.Endpoints.ID(scope, d.Endpoint),
		Sequence: d.Seq, Status: d.State.String(), Livemode: scope.Livemode, NextAttempt: moment(d.Due), Attempts: []shownAttempt{},
	}
	for _, a := range d.Attempts {
		shown := shownAttempt{Created: a.At.Unix(), Milliseconds: a.Took.Milliseconds(), Reply: strings.ToValidUTF8(string(a.Reply), "\uFFFD"),
			Problem: text(a.Problem), Next: moment(a.Due)}
		if a.Status != 0 {
			shown.Status = a.Status
		}
		out.Attempts = append(out.Attempts, shown)
	}
	e, ok, err := event.Read(ctx, s.DB, scope, d.Event)
	if ok {
		out.Type = e.Type
	}
	return out, err
}

// states are those of a delivery by their names.
var states = map[string]webhook.State{
	webhook.Pending.String(): webhook.Pending, webhook.Delivered.String(): webhook.Delivered,
	webhook.Failed.String(): webhook.Failed, webhook.Stopped.String(): webhook.Stopped,
}

func deliveriesOfEndpoint(s *Server, c *call) (any, error) {
	o, err := endpointNamed(s, c)
	if err != nil {
		return nil, err
	}
	r, err := page(c.form, event.Prefix, "event", func(key int64) (bool, error) {
		_, ok, err := event.Read(c.ctx, s.DB, c.scope, key)
		return ok, err
	})
	if err != nil {
		return nil, err
	}
	if r.Before == 0 {
		r.Before = math.MaxInt64
	}
	status, _ := c.form.String("status")
	found, more, err := s.Webhooks.OfEndpoint(c.ctx, c.scope, o.Key, webhook.Of{State: states[status], Range: r})
	if err != nil {
		return nil, err
	}
	return s.deliveryList(c, found, more)
}

func deliveriesOfEvent(s *Server, c *call) (any, error) {
	key, ok := event.Prefix.Parse(c.path["id"])
	if ok {
		_, found, err := event.Read(c.ctx, s.DB, c.scope, key)
		if err != nil {
			return nil, err
		}
		ok = found
	}
	if !ok {
		return nil, fault.Missing(fault.NotFound, "id", "event", clip(c.path["id"]))
	}
	found, err := s.Webhooks.OfEvent(c.ctx, c.scope, key)
	if err != nil {
		return nil, err
	}
	return s.deliveryList(c, found, false)
}

func (s *Server) deliveryList(c *call, found []webhook.Delivery, more bool) (any, error) {
	out := list{Object: "list", URL: c.http.URL.Path, HasMore: more, Data: make([]any, 0, len(found))}
	for _, d := range found {
		shown, err := s.renderDelivery(c.ctx, c.scope, d)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}

type shownReplay struct {
	ID         string   `json:"id"`
	Object     string   `json:"object"`
	Created    int64    `json:"created"`
	Endpoint   string   `json:"webhook_endpoint"`
	Event      any      `json:"event"`
	From       any      `json:"from"`
	Until      any      `json:"until"`
	Types      []string `json:"types"`
	OnlyFailed bool     `json:"only_failed"`
	Livemode   bool     `json:"livemode"`
	Count      int      `json:"events_replayed"`
	Last       any      `json:"last_event"`
	HasMore    bool     `json:"has_more"`
}

func renderReplay(_ *view, o *object.Object[webhook.Replay]) (any, error) {
	b := &o.Body
	out := &shownReplay{
		ID: webhook.Replays.ID(o.Scope, o.Key), Object: webhook.Replays.Name, Created: o.Created().Unix(), Endpoint: webhook.Endpoints.ID(o.Scope, b.Endpoint),
		From: moment(b.From), Until: moment(b.Until), Types: b.Types, OnlyFailed: b.OnlyFailed, Livemode: o.Scope.Livemode, Count: b.Count, HasMore: b.More,
	}
	if b.Event != 0 {
		out.Event = event.Prefix.Format(o.Scope, b.Event)
	}
	if b.Last != 0 {
		out.Last = event.Prefix.Format(o.Scope, b.Last)
	}
	if out.Types == nil {
		out.Types = []string{}
	}
	return out, nil
}

// createReplay sends an event again, or those of a range of times.
func createReplay(s *Server, c *call) (any, error) {
	endpoint, err := keyOf(c, webhook.Endpoints, "webhook_endpoint")
	if err == nil && endpoint == 0 {
		err = fault.Param("webhook_endpoint", "parameter_invalid_empty", "You passed an empty string for 'webhook_endpoint'.")
	}
	if err != nil {
		return nil, err
	}
	p := webhook.Replay{Endpoint: endpoint}
	p.OnlyFailed, _ = c.form.Bool("only_failed")
	p.Types, _ = c.form.Strings("types")
	if p.Event, err = eventKey(c, "event"); err != nil {
		return nil, err
	}
	if p.After, err = eventKey(c, "starting_after"); err != nil {
		return nil, err
	}
	for _, other := range []string{"created", "types", "starting_after"} {
		if p.Event != 0 && c.form.Has(other) {
			return nil, fault.Param(other, "", "You may only specify one of these parameters: event, %s.", other)
		}
	}
	if p.Event == 0 && !c.form.Has("created") && p.After == 0 {
		return nil, fault.Param("event", "parameter_missing", "Say what to replay: one event, or those that were created within a range of times.")
	}
	var r object.Range
	if err := created(c.form, &r); err != nil {
		return nil, err
	}
	if r.After > 0 {
		p.From = id.Time(r.After + 1)
	}
	if r.Before > 0 {
		p.Until = id.Time(r.Before)
	}
	return s.Webhooks.Replay(c.ctx, c.scope, p, c.idem)
}

// eventKey reads the id of an event in a parameter, zero when it is absent.
func eventKey(c *call, param string) (int64, error) {
	given, ok := c.form.String(param)
	if !ok {
		return 0, nil
	}
	key, ok := event.Prefix.Parse(given)
	if !ok {
		return 0, fault.Missing(fault.Invalid, param, "event", clip(given))
	}
	return key, nil
}

func retrieveReplay(s *Server, c *call) (any, error) {
	return retrieve(s, c, webhook.Replays, "id", renderReplay)
}

func listReplays(s *Server, c *call) (any, error) {
	where := map[string]any{}
	if err := filter(s, c, where, webhook.Endpoints, "webhook_endpoint", "endpoint"); err != nil {
		return nil, err
	}
	return listOf(s, c, webhook.Replays, where, renderReplay)
}
