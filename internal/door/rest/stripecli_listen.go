package rest

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/door/rest/apiversion"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	// pollEvery is how often the log of events is looked at, and thus the most
	// that an event is late by.
	pollEvery = 300 * time.Millisecond
	// An event's key tells when its step ran, and its step may commit after
	// others that ran later. Each poll looks back over lookBack, and every
	// longPolls-th over all that a step can take.
	lookBack, longLookBack = 5 * time.Second, 3 * time.Minute
	longPolls              = 20
	// pollPage is how many events are read at once.
	pollPage = 200
	// forgetAfter is for how long a session that nobody is connected to is
	// remembered, so that who reconnects gets what happened meanwhile.
	forgetAfter = 10 * time.Minute
)

// following is how far a session has followed the log of events. It outlives
// the websocket.
type following struct {
	mu   sync.Mutex
	from int64          // events before this key are of no interest
	sent map[int64]bool // events after it, by key: whether they were acknowledged
	used time.Time      // when it was last looked at
	poll int
}

// commandLines are the sessions that this node serves.
type commandLines struct {
	mu        sync.Mutex
	followers map[string]*following // by the session's nonce
	tails     map[*tail]bool
	// looking is the number of tails: a request costs one load while there is none.
	looking atomic.Int64
}

// follow begins to follow the log of events now, or goes on where the session
// was when its last websocket ended: with what was not acknowledged.
func (l *commandLines) follow(nonce string, now time.Time) *following {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.followers, func(_ string, f *following) bool { return now.Sub(f.lastUse()) > forgetAfter })
	f := l.followers[nonce]
	if f == nil {
		f = &following{from: id.Floor(now), sent: map[int64]bool{}, used: now}
		if l.followers == nil {
			l.followers = map[string]*following{}
		}
		l.followers[nonce] = f
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.sent, func(_ int64, acknowledged bool) bool { return !acknowledged })
	f.poll = 0
	return f
}

func (f *following) lastUse() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// heard takes a frame of the command line's. It acknowledges what it got, and
// tells later what the merchant's server said, which changes nothing here: a
// session has no retries.
func (f *following) heard(frame []byte) {
	var said struct {
		Type         string `json:"type"`
		Conversation string `json:"webhook_conversation_id"`
	}
	if json.Unmarshal(frame, &said) != nil || said.Type != "event_ack" && said.Type != "webhook_response" {
		return
	}
	if key, ok := conversationPrefix.Parse(said.Conversation); ok {
		f.mu.Lock()
		defer f.mu.Unlock()
		if _, ours := f.sent[key]; ours {
			f.sent[key] = true
		}
	}
}

const (
	conversationPrefix = id.Prefix("wc")
	deliveryPrefix     = id.Prefix("wh")
)

// window is the range of keys to look at now.
func (f *following) window(now time.Time) (after int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	back := lookBack
	if f.poll%longPolls == 0 {
		back = longLookBack
	}
	f.poll++
	f.used = now
	floor := id.Floor(now.Add(-longLookBack))
	maps.DeleteFunc(f.sent, func(key int64, _ bool) bool { return key < floor })
	return max(f.from, floor, id.Floor(now.Add(-back))) - 1
}

// fresh reports whether an event was not sent before, and notes that it is now.
func (f *following) fresh(key int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, sent := f.sent[key]; sent {
		return false
	}
	f.sent[key] = false
	return true
}

// forward sends the events of the session's account as they come.
func (k *socket) forward(ctx context.Context, f *following) error {
	clock := k.server.DB.Clock()
	for {
		after := f.window(clock.Now())
		for more := true; more; {
			var page []*event.Event
			var err error
			if page, more, err = event.List(ctx, k.server.DB, k.scope, object.Range{After: after, Limit: pollPage, Oldest: true}); err != nil {
				return err
			}
			for i := len(page) - 1; i >= 0; i-- {
				if after = page[i].Key; f.fresh(after) {
					if err := k.deliver(ctx, page[i]); err != nil {
						return err
					}
				}
			}
		}
		if err := clock.Sleep(ctx, pollEvery); err != nil {
			return nil //nolint:nilerr // the end of the connection is no failure
		}
	}
}

// webhookEvent is a frame that the command line forwards. It takes those
// without a version of the endpoint, or with --latest those with one, and
// leaves the others out, so both are sent.
type webhookEvent struct {
	Type     string `json:"type"`
	Endpoint struct {
		Version any `json:"api_version"`
	} `json:"endpoint"`
	Payload      string            `json:"event_payload"`
	Headers      map[string]string `json:"http_headers"`
	Conversation string            `json:"webhook_conversation_id"`
	Webhook      string            `json:"webhook_id"`
}

func (k *socket) deliver(ctx context.Context, e *event.Event) error {
	own, ok := apiversion.Parse(k.Default)
	if !ok {
		own = apiversion.Default()
	}
	if err := k.deliverAt(ctx, e, own, nil); err != nil {
		return err
	}
	return k.deliverAt(ctx, e, apiversion.Default(), apiversion.Implemented)
}

func (k *socket) deliverAt(ctx context.Context, e *event.Event, version apiversion.Version, told any) error {
	shown, err := k.server.renderEvent(ctx, e, version)
	if err != nil {
		return err
	}
	payload, err := pretty(shown)
	if err != nil {
		return err
	}
	frame := webhookEvent{Type: "webhook_event", Payload: string(payload),
		Conversation: conversationPrefix.Format(e.Scope, e.Key), Webhook: deliveryPrefix.Format(e.Scope, e.Key)}
	frame.Endpoint.Version = told
	frame.Headers = map[string]string{
		"Accept": "*/*; q=0.5, application/xml", "Cache-Control": "no-cache", "Content-Type": "application/json; charset=utf-8",
		"User-Agent":       "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
		"Stripe-Signature": webhook.Signature([]hidden.Text{k.server.sessionSecret(*k.session)}, k.server.DB.Clock().Now(), payload),
	}
	return k.send(ctx, frame)
}
