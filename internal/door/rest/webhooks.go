package rest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/door/rest/spec"
	"github.com/florinpay/florin/internal/kit/fault"
)

var endpointRoutes = map[string]route{
	"PostWebhookEndpoints":                  {createEndpoint, merchant.WebhookEndpoints, merchant.Write},
	"GetWebhookEndpoints":                   {listEndpoints, merchant.WebhookEndpoints, merchant.Read},
	"GetWebhookEndpointsWebhookEndpoint":    {retrieveEndpoint, merchant.WebhookEndpoints, merchant.Read},
	"PostWebhookEndpointsWebhookEndpoint":   {updateEndpoint, merchant.WebhookEndpoints, merchant.Write},
	"DeleteWebhookEndpointsWebhookEndpoint": {deleteEndpoint, merchant.WebhookEndpoints, merchant.Write},
}

type shownEndpoint struct {
	ID            string            `json:"id"`
	Object        string            `json:"object"`
	APIVersion    any               `json:"api_version"`
	Application   any               `json:"application"`
	Created       int64             `json:"created"`
	Description   any               `json:"description"`
	EnabledEvents []string          `json:"enabled_events"`
	Livemode      bool              `json:"livemode"`
	Metadata      map[string]string `json:"metadata"`
	Secret        string            `json:"secret,omitempty"` // once, to who had it made
	Status        string            `json:"status"`
	URL           string            `json:"url"`
}

// renderEndpoint shows an endpoint. The reply to the request that made its secret
// shows that too, and nothing else does.
func renderEndpoint(v *view, o *object.Object[webhook.Endpoint]) (any, error) {
	b := &o.Body
	if b.Deleted {
		return shownDeleted{webhook.Endpoints.ID(o.Scope, o.Key), webhook.Endpoints.Name, true}, nil
	}
	out := &shownEndpoint{
		ID: webhook.Endpoints.ID(o.Scope, o.Key), Object: webhook.Endpoints.Name, APIVersion: text(b.Version), Created: o.Created().Unix(),
		Description: text(b.Description), EnabledEvents: b.Events, Livemode: o.Scope.Livemode, Metadata: metadata(b.Metadata),
		Status: "enabled", URL: b.URL,
	}
	if b.Disabled {
		out.Status = "disabled"
	}
	if !b.Fresh || !v.reply || v.tx != nil {
		return out, nil
	}
	secrets, err := v.s.Webhooks.Secrets(o, o.At)
	if err == nil {
		out.Secret = secrets[0].Reveal()
	}
	return out, err
}

// endpointParams reads what creating and changing an endpoint have in common.
func endpointParams(c *call) (*webhook.Params, error) {
	p := &webhook.Params{URL: textAt(c.form, "url"), Description: textAt(c.form, "description")}
	if types, ok := c.form.Strings("enabled_events"); ok {
		for i, typ := range types {
			if !slices.Contains(knownTypes(), typ) {
				return nil, fault.Param(fmt.Sprintf("enabled_events[%d]", i), "", "Invalid enabled_events[%d]: %s is no type of event.", i, clip(typ))
			}
		}
		p.Events = append([]string{}, types...)
	}
	if patch, ok := c.form.Metadata("metadata"); ok {
		p.Metadata = func(old map[string]string) (map[string]string, error) {
			changed, bad := patch.Apply(old)
			if bad != nil {
				return nil, bad
			}
			return changed, nil
		}
	}
	return p, nil
}

// knownTypes are the types of events of the API's document, of which Florin does
// not write all, and its own.
func knownTypes() []string {
	return slices.Concat(spec.ByID("PostWebhookEndpoints").Params.Field("enabled_events").Param.Element.Enum, ownTypes)
}

// ownTypes are the types of events that the API's document does not have.
var ownTypes = []string{webhook.DisabledEvent}

func createEndpoint(s *Server, c *call) (any, error) {
	if connect, _ := c.form.Bool("connect"); connect {
		return nil, fault.Param("connect", "", "There are no connected accounts whose events an endpoint could be told of.")
	}
	p, err := endpointParams(c)
	if err != nil {
		return nil, err
	}
	p.Version, _ = c.form.String("api_version")
	if p.Version != "" {
		if _, ok := apiversion.Parse(p.Version); !ok {
			return nil, fault.Param("api_version", "", "Invalid Stripe API version: %s", clip(p.Version))
		}
	}
	if p.Events == nil {
		p.Events = []string{}
	}
	return s.Webhooks.Create(c.ctx, c.scope, p, c.idem)
}

func updateEndpoint(s *Server, c *call) (any, error) {
	key, err := pathKey(c, webhook.Endpoints, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	p, err := endpointParams(c)
	if err != nil {
		return nil, err
	}
	if disabled, ok := c.form.Bool("disabled"); ok {
		p.Disabled = &disabled
	}
	return s.Webhooks.Update(c.ctx, c.scope, key, p, c.idem)
}

func deleteEndpoint(s *Server, c *call) (any, error) {
	key, err := pathKey(c, webhook.Endpoints, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	return s.Webhooks.Delete(c.ctx, c.scope, key, c.idem)
}

// endpointNamed reads the endpoint that the path names.
func endpointNamed(s *Server, c *call) (*object.Object[webhook.Endpoint], error) {
	key, err := pathKey(c, webhook.Endpoints, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	o, ok, err := s.Webhooks.Retrieve(c.ctx, c.scope, key)
	if err == nil && !ok {
		err = webhook.Missing(c.scope, key)
	}
	return o, err
}

func retrieveEndpoint(s *Server, c *call) (any, error) {
	o, err := endpointNamed(s, c)
	if err != nil {
		return nil, err
	}
	return renderEndpoint(s.view(c), o)
}

func listEndpoints(s *Server, c *call) (any, error) {
	return listOf(s, c, webhook.Endpoints, map[string]any{"deleted": int64(0)}, renderEndpoint)
}

// RenderEvent implements [webhook.Renderer]: the event as GET /v1/events shows it,
// indented, at the endpoint's version, or at the account's where it has none.
func (s *Server) RenderEvent(ctx context.Context, e *event.Event, version string, pending int) ([]byte, error) {
	at, ok := apiversion.Parse(version)
	if !ok {
		account, err := s.Merchant.Account(ctx, e.Scope)
		if err != nil {
			return nil, err
		}
		at = versionOf(account)
	}
	shown, err := s.renderEvent(ctx, e, at)
	if err != nil {
		return nil, err
	}
	shown.PendingWebhooks = pending
	return pretty(shown)
}

// rollSecret is an operation of Florin's own: Stripe has it on its dashboard only.
func rollSecret(s *Server, c *call) (any, error) {
	key, err := pathKey(c, webhook.Endpoints, "webhook_endpoint")
	if err != nil {
		return nil, err
	}
	seconds, _ := c.form.Int64("expires_in")
	seconds = max(-1, min(seconds, int64(webhook.MaxRoll/time.Second)+1)) // what is out of bounds stays so
	return s.Webhooks.Roll(c.ctx, c.scope, key, time.Duration(seconds)*time.Second, c.idem)
}
