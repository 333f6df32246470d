package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"github.com/florinpay/florin/internal/core/merchant"
	"reflect"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var eventRoutes = map[string]route{
	"GetEvents":   {listEvents, merchant.Events, merchant.Read},
	"GetEventsId": {retrieveEvent, merchant.Events, merchant.Read},
}

type shownEvent struct {
	ID              string       `json:"id"`
	Object          string       `json:"object"`
	APIVersion      string       `json:"api_version"`
	Created         int64        `json:"created"`
	Data            eventData    `json:"data"`
	Livemode        bool         `json:"livemode"`
	PendingWebhooks int          `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`
}

type eventData struct {
	Object any `json:"object"`
	// Previous are the fields that differ from the version before, as they were.
	Previous map[string]any `json:"previous_attributes,omitempty"`
}

type eventRequest struct {
	ID             any `json:"id"`
	IdempotencyKey any `json:"idempotency_key"`
}

// eventTypes are the events that Florin writes.
var eventTypes = []string{
	"account.external_account.created",
	"account.external_account.deleted",
	"account.external_account.updated",
	"account.updated",
	"balance.available",
	"balance_settings.updated",
	"cash_balance.funds_available",
	"charge.captured",
	"charge.dispute.closed",
	"charge.dispute.created",
	"charge.dispute.funds_reinstated",
	"charge.dispute.funds_withdrawn",
	"charge.dispute.updated",
	"charge.expired",
	"charge.failed",
	"charge.pending",
	"charge.refund.updated",
	"charge.refunded",
	"charge.succeeded",
	"charge.updated",
	"customer.created",
	"customer.deleted",
	"customer.source.created",
	"customer.source.deleted",
	"customer.source.updated",
	"customer.tax_id.created",
	"customer.tax_id.deleted",
	"customer.tax_id.updated",
	"customer.updated",
	"customer_cash_balance_transaction.created",
	"florin.webhook_endpoint.disabled",
	"mandate.updated",
	"payment_intent.amount_capturable_updated",
	"payment_intent.canceled",
	"payment_intent.created",
	"payment_intent.partially_funded",
	"payment_intent.payment_failed",
	"payment_intent.processing",
	"payment_intent.requires_action",
	"payment_intent.succeeded",
	"payment_method.attached",
	"payment_method.detached",
	"payment_method.updated",
	"payout.canceled",
	"payout.created",
	"payout.failed",
	"payout.paid",
	"payout.reconciliation_completed",
	"payout.updated",
	"radar.early_fraud_warning.created",
	"radar.early_fraud_warning.updated",
	"refund.created",
	"refund.failed",
	"refund.updated",
	"review.closed",
	"review.opened",
	"setup_intent.canceled",
	"setup_intent.created",
	"setup_intent.requires_action",
	"setup_intent.setup_failed",
	"setup_intent.succeeded",
	"test_helpers.test_clock.advancing",
	"test_helpers.test_clock.created",
	"test_helpers.test_clock.deleted",
	"test_helpers.test_clock.ready",
}

// renderEvent shows an event at a version of the API with its object as it was
// then, whoever asks and whenever, and with nothing expanded. Who reads events
// is shown them at the account's version, whatever the request's is; a webhook
// endpoint may have one of its own.
func (s *Server) renderEvent(ctx context.Context, e *event.Event, at apiversion.Version) (*shownEvent, error) {
	out := &shownEvent{
		ID: event.Prefix.Format(e.Scope, e.Key), Object: "event", APIVersion: at.String(), Created: e.At.Unix(), Livemode: e.Scope.Livemode,
		Request: eventRequest{text(e.Request.ID), text(e.Request.IdempotencyKey)}, Type: e.Type,
	}
	var err error
	if out.Data.Object, err = s.eventObject(ctx, e, e.Object.Version, at); err != nil {
		return nil, err
	}
	if e.Object.Version == 1 || !tellsPrevious(e.Type) {
		return out, nil
	}
	before, err := s.eventObject(ctx, e, e.Object.Version-1, at)
	if err != nil {
		return nil, err
	}
	out.Data.Previous, err = difference(before, out.Data.Object)
	return out, err
}

// tellsPrevious reports whether events of a type say what has changed.
func tellsPrevious(typ string) bool {
	return strings.HasSuffix(typ, "updated") || typ == "charge.captured" || typ == "charge.refunded" ||
		strings.HasPrefix(typ, "charge.dispute.")
}

// eventObject shows a version of an event's object, as it looks at a version of
// the API.
func (s *Server) eventObject(ctx context.Context, e *event.Event, version int64, at apiversion.Version) (any, error) {
	n, ok := nouns()[e.Kind]
	if !ok {
		return nil, fmt.Errorf("event %d is about a %q, which is nothing that can be shown", e.Key, e.Kind)
	}
	v := &view{s: s, ctx: ctx, scope: e.Scope, now: e.At, pins: map[int64]int64{}, secret: true, past: true, version: at}
	main, err := n.load(v, object.Ref{Key: e.Object.Key, Version: version})
	if err != nil {
		return nil, err
	}
	shown, err := n.render(v, main)
	if err != nil {
		return nil, err
	}
	return at.Render(shown)
}

// difference gives the fields of before that differ in now: of hashes, only
// those of their fields that do. Fields that were not there are null.
func difference(before, now any) (map[string]any, error) {
	was, err := fieldsOf(before)
	if err != nil {
		return nil, err
	}
	is, err := fieldsOf(now)
	if err != nil {
		return nil, err
	}
	return changed(was, is), nil
}

func fieldsOf(shown any) (fields map[string]any, err error) {
	text, err := json.Marshal(shown)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return fields, d.Decode(&fields)
}

func changed(was, is map[string]any) map[string]any {
	out := map[string]any{}
	for name, old := range was {
		now, there := is[name]
		if there && reflect.DeepEqual(old, now) {
			continue
		}
		oldHash, hash := old.(map[string]any)
		nowHash, both := now.(map[string]any)
		if hash && both {
			out[name] = changed(oldHash, nowHash)
		} else {
			out[name] = old
		}
	}
	for name := range is {
		if _, there := was[name]; !there {
			out[name] = nil
		}
	}
	return out
}

func retrieveEvent(s *Server, c *call) (any, error) {
	key, ok := event.Prefix.Parse(c.path["id"])
	if ok {
		e, found, err := event.Read(c.ctx, s.DB, c.scope, key)
		if err != nil {
			return nil, err
		}
		if found {
			shown, err := s.renderEvents(c, []*event.Event{e})
			if err != nil {
				return nil, err
			}
			return shown[0], nil
		}
	}
	return nil, fault.Missing(fault.NotFound, "id", "event", clip(c.path["id"]))
}

func listEvents(s *Server, c *call) (any, error) {
	r, err := page(c.form, event.Prefix, "event", func(key int64) (bool, error) {
		_, ok, err := event.Read(c.ctx, s.DB, c.scope, key)
		// Whoever goes through all events may have seen one last that is gone by now.
		return ok || id.Time(key).Before(s.DB.Clock().Now().Add(-event.Retention)), err
	})
	if err != nil {
		return nil, err
	}
	types, narrowed, err := wantedTypes(c)
	if err != nil {
		return nil, err
	}
	out := list{Object: "list", URL: c.op.Path, Data: []any{}}
	if narrowed && len(types) == 0 {
		return out, nil
	}
	var events []*event.Event
	if delivered, ok := c.form.Bool("delivery_success"); ok {
		events, out.HasMore, err = s.Webhooks.List(c.ctx, c.scope, r, delivered, types...)
	} else {
		events, out.HasMore, err = event.List(c.ctx, s.DB, c.scope, r, types...)
	}
	if err != nil {
		return nil, err
	}
	shown, err := s.renderEvents(c, events)
	for _, e := range shown {
		out.Data = append(out.Data, e)
	}
	return out, err
}

// renderEvents shows events to who reads them.
func (s *Server) renderEvents(c *call, events []*event.Event) ([]*shownEvent, error) {
	shown := make([]*shownEvent, len(events))
	for i, e := range events {
		var err error
		if shown[i], err = s.renderEvent(c.ctx, e, versionOf(&c.key.Account.Body)); err != nil {
			return nil, err
		}
	}
	return shown, s.pending(c.ctx, c.scope, events, shown)
}

// pending fills in to how many endpoints events are still to be delivered.
func (s *Server) pending(ctx context.Context, scope id.Scope, events []*event.Event, shown []*shownEvent) error {
	open, err := s.Webhooks.PendingOf(ctx, scope, events)
	for i, e := range events {
		shown[i].PendingWebhooks = open[e.Key]
	}
	return err
}

// maxTypes is how many types a list of events can be narrowed to, as in
// Stripe's documentation.
const maxTypes = 20

// wantedTypes reads type, which may end in a wildcard, and types, which may not.
func wantedTypes(c *call) (types []string, narrowed bool, err error) {
	typ, one := c.form.String("type")
	many, several := c.form.Strings("types")
	switch {
	case one && several:
		return nil, false, fault.Param("types", "", "You may only specify one of these parameters: type, types.")
	case several && len(many) > maxTypes:
		return nil, false, fault.Param("types", "", "You may specify at most %d types.", maxTypes)
	case several:
		slices.Sort(many)
		return slices.Compact(many), true, nil
	case !one:
		return nil, false, nil
	}
	group, wild := strings.CutSuffix(typ, "*")
	if !wild {
		return []string{typ}, true, nil
	}
	for _, t := range eventTypes {
		if strings.HasPrefix(t, group) {
			types = append(types, t)
		}
	}
	return types, true, nil
}
