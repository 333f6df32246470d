package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/test/leak"
)

// listener is a session as the command line of Stripe has one.
type listener struct {
	t      *testing.T
	h      *harness
	server *httptest.Server
	id     string
	secret string
	conn   *websocket.Conn
}

func (h *harness) listener(t *testing.T, params string) *listener {
	t.Helper()
	made := h.post("/v1/stripecli/sessions", params).ok()
	server := httptest.NewServer(h.server.Sockets(t.Context()))
	t.Cleanup(server.Close)
	if url := made.str("websocket_url"); !strings.HasPrefix(url, "ws://example.com/stripecli/subscribe/acct_") {
		t.Errorf("the websocket is at %s", url)
	}
	l := &listener{t: t, h: h, server: server, id: made.str("websocket_id"), secret: made.str("secret")}
	l.connect()
	return l
}

func (l *listener) connect() {
	l.t.Helper()
	conn, response, err := websocket.Dial(l.t.Context(), l.server.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Websocket-Id": {l.id}}})
	if err != nil {
		l.t.Fatal(err, response)
	}
	l.conn = conn
	l.t.Cleanup(func() { _ = conn.CloseNow() })
}

// next gives the next frame that the command line would not leave out.
func (l *listener) next(latest bool) map[string]any {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, text, err := l.conn.Read(ctx)
		if err != nil {
			l.t.Fatal(err)
		}
		leak.CheckReply(l.t, "a frame", text)
		var frame map[string]any
		if err := json.Unmarshal(text, &frame); err != nil {
			l.t.Fatal(err)
		}
		if endpoint, ok := frame["endpoint"].(map[string]any); !ok || (endpoint["api_version"] != nil) == latest {
			return frame
		}
	}
}

// wants compares the next event with what it must be, and acknowledges it.
func (l *listener) wants(typ string, acknowledge bool) (id string) {
	l.t.Helper()
	frame := l.next(false)
	payload := frame["event_payload"].(string)
	signature, _ := follow(frame, "http_headers.Stripe-Signature").(string)
	got, err := webhook.ConstructEvent([]byte(payload), signature, l.secret)
	if err != nil {
		l.t.Fatalf("%v in %v", err, frame)
	}
	if string(got.Type) != typ {
		l.t.Errorf("%s came, and %s should", got.Type, typ)
	}
	if acknowledge {
		l.say(map[string]any{"type": "event_ack", "event_id": got.ID, "webhook_conversation_id": frame["webhook_conversation_id"]})
		l.say(map[string]any{"type": "webhook_response", "status": 200, "body": "ok", "webhook_conversation_id": frame["webhook_conversation_id"]})
	}
	return got.ID
}

func (l *listener) say(frame any) {
	l.t.Helper()
	text, err := json.Marshal(frame)
	if err == nil {
		err = l.conn.Write(l.t.Context(), websocket.MessageText, text)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// append writes one more event about a customer, under a key made before.
func (h *harness) append(key int64, customer string) {
	h.t.Helper()
	about, _ := vault.Customers.Prefix.Parse(customer)
	err := h.server.DB.Run(h.t.Context(), db.Step{Name: "late", Scope: h.scope().Key(), Do: func(tx *db.Tx) error {
		o, _, err := vault.Customers.Get(tx, h.scope(), about)
		if err != nil {
			return err
		}
		return event.Append(tx, event.Event{Scope: h.scope(), Key: key, Lane: about, Type: "customer.updated", Kind: "customer", Object: o.Ref()})
	}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestListen: every event of the account comes once, signed, whenever its step
// commits; what was not acknowledged comes again to who reconnects, and what
// happened meanwhile.
func TestListen(t *testing.T) {
	h := harnessWith(t, approving())
	h.post("/v1/customers", "name=Before").ok()
	l := h.listener(t, "device_name=here&websocket_features[]=webhooks")
	early := h.server.DB.IDs().Next()
	customer := h.post("/v1/customers", "name=Ada").ok().str("id")
	h.send("POST", "/v1/customers", "name=Else", "Authorization", "Bearer "+otherSecretKey).ok()
	l.wants("customer.created", true)
	h.append(early, customer)
	if got := l.wants("customer.updated", false); got != event.Prefix.Format(h.scope(), early) {
		t.Errorf("%s came", got)
	}
	_ = l.conn.Close(websocket.StatusNormalClosure, "")
	h.send("DELETE", "/v1/customers/"+customer, "").ok()
	l.connect()
	l.wants("customer.updated", true)
	l.wants("customer.deleted", true)
	h.post("/v1/customers", "name=Last").ok()
	if frame := l.next(true); follow(frame, "endpoint.api_version") == nil {
		t.Error("nothing for those who want the latest version")
	}
}

func TestListenRefusals(t *testing.T) {
	h := harnessWith(t, approving())
	h.post("/v1/stripecli/sessions", "device_name=x&websocket_features[]=v2_events").is(400).has(map[string]any{"error.param": "websocket_features"})
	h.post("/v1/stripecli/sessions", "websocket_features[]=request_logs&filters=x").is(400).has(map[string]any{"error.param": "filters"})
	h.post("/v1/stripecli/sessions", "websocket_features[]=webhooks", "Authorization", "Bearer "+testPublishableKey).is(401)
	made := h.post("/v1/stripecli/sessions", "websocket_feature=webhooks").ok().str("websocket_id")
	server := httptest.NewServer(h.server.Sockets(t.Context()))
	defer server.Close()
	ended := session{Scope: h.scope().Key(), Feature: featureEvents, Ends: h.server.DB.Clock().Now()}
	old, err := h.server.sessionID(ended)
	if err != nil {
		t.Fatal(err)
	}
	other := "A"
	if made[0] == 'A' {
		other = "B"
	}
	for name, id := range map[string]string{"none": "", "nonsense": "x", "short": "AAAA", "changed": other + made[1:], "ended": old} {
		_, response, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Websocket-Id": {id}}})
		if err == nil || response == nil || response.StatusCode != 401 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, response, err := websocket.Dial(t.Context(), server.URL+"?websocket_feature=request_logs", &websocket.DialOptions{HTTPHeader: http.Header{"Websocket-Id": {made}}}); err == nil || response.StatusCode != 401 {
		t.Errorf("a session for events shows requests: %v", err)
	}
}

// TestLogsTail: requests of the account are told, those that the filters let
// through, and nothing that is secret.
func TestLogsTail(t *testing.T) {
	h := harnessWith(t, approving())
	failed := h.listener(t, `websocket_features[]=request_logs&filters={"filter_request_status":["FAILED"],"filter_http_method":["GET"]}`)
	all := h.listener(t, "device_name=here&websocket_features[]=request_logs")
	h.until(func() bool { return h.server.commandLines.looking.Load() == 2 })
	h.post("/v1/customers", "name=Ada&email=ada@example.com").ok()
	h.send("GET", "/v1/customers", "", "Authorization", "Bearer "+otherSecretKey).ok()
	h.send("GET", "/v1/customers", "", "Authorization", "Bearer sk_test_nobodysnobodys0001").is(401)
	h.get("/v1/charges/4242424242424242?expand[]=customer").is(404)
	line := func(l *listener) map[string]any {
		frame := l.next(false)
		if frame["type"] != "request_log_event" {
			t.Fatalf("%v", frame)
		}
		var out map[string]any
		if err := json.Unmarshal([]byte(frame["event_payload"].(string)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := line(all)
	for path, want := range map[string]any{"method": "POST", "url": "/v1/customers", "status": 200.0, "livemode": false, "error": nil} {
		if first[path] != want {
			t.Errorf("%s is %v", path, first[path])
		}
	}
	if second := line(all); second["url"] != "/v1/charges/[redacted]" || follow(second, "error.code") != "resource_missing" || follow(second, "error.param") != "charge" {
		t.Errorf("%v", second)
	}
	if only := line(failed); only["status"] != 404.0 {
		t.Errorf("%v", only)
	}
}

// until waits for what another goroutine does at once.
func (h *harness) until(done func() bool) {
	h.t.Helper()
	for range 1000 {
		if done() {
			return
		}
		_ = h.server.DB.Clock().Sleep(h.t.Context(), 5*time.Millisecond)
	}
	h.t.Fatal("it does not happen")
}

func TestRestrictedKeysListen(t *testing.T) {
	d := newDesk(t)
	d.as(d.restricted(merchant.Permissions{merchant.Events: merchant.Write}), "POST", "/v1/stripecli/sessions", "websocket_features[]=webhooks").ok()
	d.as(d.restricted(everything(merchant.Events)), "POST", "/v1/stripecli/sessions", "websocket_features[]=webhooks").refused(403, "invalid_request_error", "", "", "rak_event_write")
}
