package rest

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	stripehook "github.com/stripe/stripe-go/v86/webhook"

	"github.com/florinpay/florin/internal/medium/hook"
)

// shop is a merchant's server: what it was delivered, and the status it answers.
type shop struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivered
	status int
}

type delivered struct {
	header http.Header
	body   []byte
	event  map[string]any
}

func newShop(t testing.TB) *shop {
	s := &shop{status: 200}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		one := delivered{header: r.Header.Clone(), body: body}
		_ = json.Unmarshal(body, &one.event)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, one)
		w.WriteHeader(s.status)
		_, _ = fmt.Fprintf(w, "status %d", s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) say(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.got = status, nil
}

func (s *shop) types() (list []string) {
	for _, one := range s.got {
		list = append(list, fmt.Sprint(one.event["type"]))
	}
	return list
}

// deliver sends what is due.
func (h *harness) deliver() {
	h.t.Helper()
	w := h.server.Webhooks
	if w.Sender == nil {
		w.Sender, w.Log = hook.New(hook.Options{}), slog.New(slog.NewTextHandler(logTo{h.t}, nil))
	}
	if err := w.Work(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func TestWebhookEndpoints(t *testing.T) {
	h := newHarness(t)
	form := pairs("url", "https://example.com/hook", "enabled_events[]", "charge.succeeded", "enabled_events[]", "refund.created", "description", "Orders", "metadata[a]", "1",
		"api_version", "2024-06-20", "connect", "false")
	made := h.post("/v1/webhook_endpoints", form, "Idempotency-Key", "make").ok()
	validate(t, "webhook_endpoint", made.text)
	complete(t, "webhook_endpoint", made.text)
	id, secret := made.str("id"), made.str("secret")
	made.has(map[string]any{"object": "webhook_endpoint", "url": "https://example.com/hook", "enabled_events.0": "charge.succeeded", "enabled_events.1": "refund.created", "description": "Orders",
		"metadata.a": "1", "api_version": "2024-06-20", "application": nil, "status": "enabled", "livemode": false})
	if !strings.HasPrefix(id, "we_") || !strings.HasPrefix(secret, "whsec_") || len(secret) < 32 {
		t.Errorf("id %s, secret of %d characters", id, len(secret))
	}
	again := h.post("/v1/webhook_endpoints", form, "Idempotency-Key", "make").ok()
	if string(again.text) != string(made.text) {
		t.Errorf("the repetition shows %s", again.text)
	}
	read := h.get("/v1/webhook_endpoints/" + id).ok()
	validate(t, "webhook_endpoint", read.text)
	complete(t, "webhook_endpoint", read.text)
	read.has(map[string]any{"secret": nil, "url": "https://example.com/hook"})

	changed := h.post("/v1/webhook_endpoints/"+id, "url=http://localhost:3000/&enabled_events[]=*&description=&metadata[b]=2&disabled=true").ok()
	validate(t, "webhook_endpoint", changed.text)
	changed.has(map[string]any{"url": "http://localhost:3000/", "enabled_events.0": "*", "enabled_events.1": nil, "description": nil, "metadata.a": "1", "metadata.b": "2", "status": "disabled", "secret": nil})
	h.post("/v1/webhook_endpoints/"+id, "disabled=false").ok().has(map[string]any{"status": "enabled", "url": "http://localhost:3000/"})

	other := h.post("/v1/webhook_endpoints", "url=https://example.org/&enabled_events[]=*&api_version=2026-10-28.endive").ok()
	other.has(map[string]any{"api_version": "2026-10-28.endive", "description": nil})
	list := h.get("/v1/webhook_endpoints?limit=1").ok()
	list.has(map[string]any{"object": "list", "has_more": true, "data.0.id": other.str("id"), "data.0.secret": nil})
	validate(t, "webhook_endpoint", list.part("data.0"))
	h.get("/v1/webhook_endpoints?starting_after=" + other.str("id")).ok().has(map[string]any{"has_more": false, "data.0.id": id})

	gone := h.send("DELETE", "/v1/webhook_endpoints/"+id, "").ok()
	validate(t, "deleted_webhook_endpoint", gone.text)
	gone.has(map[string]any{"id": id, "deleted": true, "object": "webhook_endpoint"})
	for _, a := range []*answered{h.get("/v1/webhook_endpoints/" + id), h.post("/v1/webhook_endpoints/"+id, "description=x"), h.send("DELETE", "/v1/webhook_endpoints/"+id, ""),
		h.post("/v1/florin/webhook_endpoints/"+id+"/roll_secret", ""), h.get("/v1/florin/webhook_endpoints/" + id + "/deliveries")} {
		a.is(404).has(map[string]any{"error.code": "resource_missing", "error.param": "webhook_endpoint"})
	}
	h.get("/v1/webhook_endpoints").ok().has(map[string]any{"data.0.id": other.str("id"), "data.1": nil})
}

func TestWebhookEndpointsAreRefused(t *testing.T) {
	h := newHarness(t)
	const events = "&enabled_events[]=*"
	for _, c := range []struct{ form, param, code string }{
		{"enabled_events[]=*", "url", "parameter_missing"},
		{"url=https://example.com", "enabled_events", "parameter_missing"},
		{"url=https://example.com&enabled_events=", "enabled_events", ""},
		{"url=https://example.com&enabled_events[]=nonsense.happened", "enabled_events[0]", ""},
		{"url=https://example.com&enabled_events[]=*&enabled_events[]=charge.failed", "enabled_events", ""},
		{"url=example.com" + events, "url", "url_invalid"},
		{"url=ftp://example.com" + events, "url", "url_invalid"},
		{"url=https://" + events, "url", "url_invalid"},
		{"url=https://me:word@example.com" + events, "url", "url_invalid"},
		{"url=https://example.com/" + strings.Repeat("a", 5000) + events, "url", ""},
		{"url=https://example.com" + events + "&connect=true", "connect", ""},
		{"url=https://example.com" + events + "&api_version=2011-99-99", "api_version", ""},
		{"url=https://example.com" + events + "&disabled=true", "disabled", "parameter_unknown"},
	} {
		a := h.post("/v1/webhook_endpoints", c.form).is(400)
		if a.at("error.param") != c.param || c.code != "" && a.at("error.code") != c.code {
			t.Errorf("%.80s: %s", c.form, a.text)
		}
	}
	h.get("/v1/webhook_endpoints").ok().has(map[string]any{"data.0": nil})
	d := newDesk(t)
	d.as(d.live, "POST", "/v1/webhook_endpoints", "url=http://example.com&enabled_events[]=*").refused(400, "invalid_request_error", "url_invalid", "url", "must be https")
	d.as(d.live, "POST", "/v1/webhook_endpoints", "url=https://example.com&enabled_events[]=*").ok().want(map[string]string{"livemode": "true"})
}

// An endpoint can ask for every type of event that Florin writes.
func TestEveryTypeOfEventIsKnown(t *testing.T) {
	for _, typ := range eventTypes {
		if !slices.Contains(knownTypes(), typ) {
			t.Errorf("the document has no event %s", typ)
		}
	}
}

// What is delivered can be verified by Stripe's own client, is what GET shows, in the
// order of the lane, and at the endpoint's version.
func TestWebhooksAreSent(t *testing.T) {
	h, s, old := newHarness(t), newShop(t), newShop(t)
	secret := h.post("/v1/webhook_endpoints", "enabled_events[]=*&url="+s.URL+"/hook").ok().str("secret")
	h.post("/v1/webhook_endpoints", "enabled_events[]=payment_intent.succeeded&api_version=2024-06-20&url="+old.URL).ok()
	intent := h.paid("metadata[order]", "7")
	h.get("/v1/events?type=payment_intent.succeeded").ok().has(map[string]any{"data.0.pending_webhooks": 2})
	h.get("/v1/events?type=charge.succeeded").ok().has(map[string]any{"data.0.pending_webhooks": 1})
	h.get("/v1/events?delivery_success=true").ok().has(map[string]any{"data.0": nil})
	h.get("/v1/events?delivery_success=false&type=payment_intent.succeeded").ok().has(map[string]any{"data.0.data.object.id": intent.str("id"), "data.1": nil})
	h.deliver()
	if len(s.got) < 3 || len(old.got) != 1 {
		t.Fatalf("delivered %v and %v", s.types(), old.types())
	}
	for i, one := range s.got {
		e, err := stripehook.ConstructEventWithOptions(one.body, one.header.Get("Stripe-Signature"), secret, stripehook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
		if err != nil {
			t.Fatal(err)
		}
		validate(t, "event", one.body)
		if e.APIVersion != Version || !strings.HasPrefix(string(one.body), "{\n  \"id\": \"evt_") {
			t.Errorf("version %s in %.60s", e.APIVersion, one.body)
		}
		if one.header.Get("Florin-Sequence") != fmt.Sprint(i+1) || one.header.Get("Florin-Skipped") != "" || one.header.Get("Content-Type") != "application/json; charset=utf-8" ||
			one.header.Get("User-Agent") != "Stripe/1.0 (+https://stripe.com/docs/webhooks)" {
			t.Errorf("event %d has the headers %v", i+1, one.header)
		}
		shown := h.get("/v1/events/" + e.ID).ok()
		shown.body["pending_webhooks"], one.event["pending_webhooks"] = nil, nil
		if fmt.Sprint(shown.body) != fmt.Sprint(one.event) {
			t.Errorf("delivered %s, shown %s", one.body, shown.text)
		}
	}
	if old.got[0].event["api_version"] != "2024-06-20" || old.got[0].event["type"] != "payment_intent.succeeded" {
		t.Errorf("the older endpoint was delivered %s", old.got[0].body)
	}
	h.get("/v1/events?type=payment_intent.succeeded").ok().has(map[string]any{"data.0.pending_webhooks": 0})
	h.get("/v1/events?delivery_success=false").ok().has(map[string]any{"data.0": nil})
	h.get("/v1/events?delivery_success=true&limit=1").ok().has(map[string]any{"has_more": true})
	s.say(200)
	h.deliver()
	if len(s.got) > 0 {
		t.Errorf("delivered again: %v", s.types())
	}
}

func TestDeliveriesCanBeSeenAndReplayed(t *testing.T) {
	h, s := newHarness(t), newShop(t)
	s.say(503)
	id := h.post("/v1/webhook_endpoints", "enabled_events[]=customer.created&url="+s.URL).ok().str("id")
	for range 3 {
		h.post("/v1/customers", "name=Jo").ok()
	}
	h.deliver()
	base := "/v1/florin/webhook_endpoints/" + id + "/deliveries"
	list := h.get(base + "?limit=2").ok()
	list.has(map[string]any{"object": "list", "url": base, "has_more": true, "data.0.object": "florin.webhook_delivery", "data.0.status": "pending", "data.0.event_type": "customer.created",
		"data.0.webhook_endpoint": id, "data.0.sequence": 1, "data.0.attempts.0.response_status": 503, "data.0.attempts.0.response_body": "status 503",
		"data.0.attempts.0.problem": "The answer has status 503.", "data.0.attempts.1": nil})
	if list.at("data.0.next_attempt") == nil || list.at("data.0.next_attempt") != list.at("data.0.attempts.0.next_attempt") {
		t.Errorf("the next attempt is not told: %s", list.text)
	}
	second := list.str("data.1.event")
	h.get(base + "?starting_after=" + second).ok().has(map[string]any{"has_more": false, "data.1": nil})
	h.get(base + "?status=delivered").ok().has(map[string]any{"data.0": nil})
	h.get("/v1/florin/events/" + second + "/deliveries").ok().has(map[string]any{"data.0.webhook_endpoint": id, "data.1": nil})
	h.get("/v1/florin/events/evt_nothing/deliveries").is(404)

	s.say(200)
	h.deliver()
	if len(s.got) > 0 {
		t.Errorf("tried again at once: %v", s.types())
	}
	one := h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&event="+second, "Idempotency-Key", "r1").ok()
	one.has(map[string]any{"object": "florin.webhook_replay", "events_replayed": 1, "event": second, "has_more": false, "livemode": false})
	h.deliver()
	if len(s.got) != 1 || s.got[0].event["id"] != second {
		t.Errorf("replayed %v", s.types())
	}
	again := h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&event="+second, "Idempotency-Key", "r1").ok()
	if string(again.text) != string(one.text) {
		t.Errorf("the repetition says %s", again.text)
	}
	h.get("/v1/florin/webhook_replays/" + one.str("id")).ok().has(map[string]any{"id": one.str("id"), "events_replayed": 1})
	h.get("/v1/florin/webhook_replays?webhook_endpoint=" + id).ok().has(map[string]any{"data.0.id": one.str("id"), "data.1": nil})
	h.get(base + "?status=delivered").ok().has(map[string]any{"data.0.event": second, "data.0.attempts.1.response_status": 200, "data.1": nil})

	s.say(200)
	h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&created[gte]=1700000000&only_failed=true").ok().has(map[string]any{"events_replayed": 2})
	h.deliver()
	if len(s.got) != 2 {
		t.Errorf("of those that failed %d were replayed", len(s.got))
	}
	s.say(200)
	h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&created[gte]=1700000000&types[]=customer.created").ok().has(map[string]any{"events_replayed": 3})
	h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&created[lt]=1700000000").ok().has(map[string]any{"events_replayed": 0})
	h.deliver()
	if len(s.got) != 3 {
		t.Errorf("of all %d were replayed", len(s.got))
	}
	for form, param := range map[string]string{
		"event=" + second: "webhook_endpoint", "webhook_endpoint=" + id: "event", "webhook_endpoint=" + id + "&event=evt_nothing": "event",
		"webhook_endpoint=" + id + "&types[]=a&event=" + second: "types", "webhook_endpoint=we_nothing&event=" + second: "webhook_endpoint",
	} {
		if a := h.post("/v1/florin/webhook_replays", form).is(400); a.at("error.param") != param {
			t.Errorf("%s: %s", form, a.text)
		}
	}
	h.post("/v1/webhook_endpoints/"+id, "disabled=true").ok()
	h.post("/v1/florin/webhook_replays", "webhook_endpoint="+id+"&event="+second).is(400).has(map[string]any{"error.param": "webhook_endpoint"})
}

// After a roll both secrets sign until the old one ends.
func TestRollingASecret(t *testing.T) {
	h, s := newHarness(t), newShop(t)
	made := h.post("/v1/webhook_endpoints", "enabled_events[]=*&url="+s.URL).ok()
	id, old := made.str("id"), made.str("secret")
	rolled := h.post("/v1/florin/webhook_endpoints/"+id+"/roll_secret", "expires_in=86400", "Idempotency-Key", "roll").ok()
	validate(t, "webhook_endpoint", rolled.text)
	fresh := rolled.str("secret")
	if again := h.post("/v1/florin/webhook_endpoints/"+id+"/roll_secret", "expires_in=86400", "Idempotency-Key", "roll").ok(); fresh == old || again.str("secret") != fresh {
		t.Error("the new secret is not a new one, or the repetition made another")
	}
	verifies := func(secret string) bool {
		t.Helper()
		s.say(200)
		h.post("/v1/customers", "").ok()
		h.deliver()
		_, err := stripehook.ConstructEventWithOptions(s.got[0].body, s.got[0].header.Get("Stripe-Signature"), secret, stripehook.ConstructEventOptions{IgnoreAPIVersionMismatch: true})
		return err == nil
	}
	if !verifies(old) || !verifies(fresh) {
		t.Error("within the time of a roll both secrets must sign")
	}
	last := h.post("/v1/florin/webhook_endpoints/"+id+"/roll_secret", "").ok().str("secret")
	if verifies(old) || verifies(fresh) || !verifies(last) {
		t.Error("after a roll at once only the new secret may sign")
	}
	for _, wrong := range []string{"86401", "-1"} {
		h.post("/v1/florin/webhook_endpoints/"+id+"/roll_secret", "expires_in="+wrong).is(400).has(map[string]any{"error.param": "expires_in"})
	}
	h.get("/v1/webhook_endpoints/" + id).ok().has(map[string]any{"secret": nil})
}
