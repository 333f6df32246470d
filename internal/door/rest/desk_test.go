package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
)

// desk is a harness with a merchant of its own, and that merchant's keys.
type desk struct {
	*harness
	scope id.Scope // test mode
	// Secret and publishable key of test mode, secret key of live mode.
	sk, pk, live string
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return deskWith(t, merchant.DefaultSettings())
}

func deskWith(t testing.TB, settings merchant.Settings) *desk {
	t.Helper()
	d := &desk{harness: newHarness(t)}
	account, err := d.server.Merchant.Create(context.Background(), merchant.Params{Name: "Desk", Settings: &settings})
	if err != nil {
		t.Fatal(err)
	}
	d.scope = id.Scope{Account: account.Key}
	d.sk, d.pk = d.key(d.scope, merchant.Secret), d.key(d.scope, merchant.Publishable)
	d.live = d.key(id.Scope{Account: account.Key, Livemode: true}, merchant.Secret)
	return d
}

func (d *desk) key(s id.Scope, kind merchant.KeyKind) string {
	d.t.Helper()
	key, err := d.server.Merchant.NewKey(context.Background(), s, kind)
	if err != nil {
		d.t.Fatal(err)
	}
	return key
}

// deskReply tells null from absent.
type deskReply struct {
	*answered
	body []byte
}

// as makes a request with a key; a GET has its form in the query.
func (d *desk) as(key, method, path, form string, headers ...string) *deskReply {
	d.t.Helper()
	if method == http.MethodGet && form != "" {
		path, form = path+"?"+form, ""
	}
	a := d.send(method, path, form, append(headers, "Authorization", "Bearer "+key)...)
	return &deskReply{a, a.text}
}

func (d *desk) get(path, query string) *deskReply {
	d.t.Helper()
	return d.as(d.sk, http.MethodGet, path, query).ok()
}

func (d *desk) post(path, form string, headers ...string) *deskReply {
	d.t.Helper()
	return d.as(d.sk, http.MethodPost, path, form, headers...).ok()
}

func (r *deskReply) ok() *deskReply {
	r.t.Helper()
	r.answered.ok()
	return r
}

// tree is the body, numbers as they are spelled.
func (r *deskReply) tree() map[string]any {
	r.t.Helper()
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
	return tree
}

const absent = "absent"

// at is what stands at a path such as "data.0.card.last4", spelled as JSON but
// for texts: "null", or "absent" where nothing stands.
func (r *deskReply) at(path string) string {
	r.t.Helper()
	var at any = r.tree()
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return absent
			}
			at = next
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(v) {
				return absent
			}
			at = v[i]
		default:
			return absent
		}
	}
	return spelled(r.t, at)
}

func spelled(t testing.TB, v any) string {
	t.Helper()
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// want compares what stands at paths.
func (r *deskReply) want(at map[string]string) *deskReply {
	r.t.Helper()
	for path, want := range at {
		if got := r.at(path); got != want {
			r.t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	return r
}

// shows checks the answer against a schema: that it fits, and that every field
// that may be null is there.
func (r *deskReply) shows(schema string, but ...string) *deskReply {
	r.t.Helper()
	validate(r.t, schema, r.body)
	complete(r.t, schema, r.body, but...)
	return r
}

// refused checks the status and the error's fields.
func (r *deskReply) refused(status int, typ, code, param, message string) {
	r.t.Helper()
	if r.status != status {
		r.t.Errorf("status %d, want %d: %s", r.status, status, r.body)
	}
	want := map[string]string{"error.type": typ, "error.code": code, "error.param": param}
	for path, text := range want {
		if text == "" {
			want[path] = absent
		}
	}
	r.want(want)
	if said := r.at("error.message"); !strings.Contains(said, message) {
		r.t.Errorf("message %q does not say %q", said, message)
	}
}

// ids of a list, in its order.
func (r *deskReply) ids() (ids []string) {
	r.t.Helper()
	list, ok := r.tree()["data"].([]any)
	if !ok {
		r.t.Fatalf("no list: %s", r.body)
	}
	for _, entry := range list {
		ids = append(ids, entry.(map[string]any)["id"].(string))
	}
	return ids
}

// replayed sends a request twice under one key and compares the answers.
func (d *desk) replayed(method, path, form string, between func(first *deskReply)) *deskReply {
	d.t.Helper()
	key := fmt.Sprintf("%s %s %x", method, path, sha256.Sum256([]byte(form)))
	first := d.as(d.sk, method, path, form, "Idempotency-Key", key)
	if between != nil {
		between(first)
	}
	again := d.as(d.sk, method, path, form, "Idempotency-Key", key)
	if first.status != again.status || !bytes.Equal(first.body, again.body) {
		d.t.Errorf("%s %s: a repetition differs: %d %s\n%d %s", method, path, first.status, first.body, again.status, again.body)
	}
	if first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
		d.t.Errorf("%s: replayed: %q, %q", path, first.header.Get("Idempotent-Replayed"), again.header.Get("Idempotent-Replayed"))
	}
	if again.header.Get("Original-Request") != first.header.Get("Request-Id") || again.header.Get("Request-Id") == first.header.Get("Request-Id") {
		d.t.Errorf("%s: original request %q, first %q", path, again.header.Get("Original-Request"), first.header.Get("Request-Id"))
	}
	return first
}
