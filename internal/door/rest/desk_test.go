package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// desk is the door over a database and a simulator of its own, and the keys of
// one account.
type desk struct {
	t      *testing.T
	server *Server
	url    string
	clock  *deskClock
	log    *lockedBuffer
	scope  id.Scope // test mode
	// The account's keys: secret and publishable of test mode, secret of live mode.
	sk, pk, live string
}

// deskClock is the system's clock, which tests can put forward.
type deskClock struct {
	clock.System
	mu     sync.Mutex
	offset time.Duration
}

func (c *deskClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.System.Now().Add(c.offset)
}

func (c *deskClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return deskWith(t, merchant.DefaultSettings())
}

func deskWith(t *testing.T, settings merchant.Settings) *desk {
	t.Helper()
	d := &desk{t: t, clock: &deskClock{}, log: &lockedBuffer{}}
	store := dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: d.clock})
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	keys := &idem.Keys{Sealer: master}
	log := slog.New(slog.NewTextHandler(d.log, nil))
	merchants, cards, acquirer := merchant.New(store, merchant.Options{}), vault.New(store, master, keys), simulator(t, d.clock)
	d.server = &Server{DB: store, Keys: keys, Merchant: merchants, Vault: cards, Master: master, Log: log, Payment: &payment.Service{
		DB: store, Keys: keys, Vault: cards, Merchant: merchants, Book: &ledger.Book{}, Log: log,
		Providers: map[string]provider.Provider{acquirer.Name: acquirer}, Default: acquirer.Name,
	}}
	keys.Pin = d.server.Pin
	account, err := merchants.Create(t.Context(), merchant.Params{Name: "Desk", Settings: &settings})
	if err != nil {
		t.Fatal(err)
	}
	d.scope = id.Scope{Account: account.Key}
	d.sk, d.pk = d.key(d.scope, merchant.Secret), d.key(d.scope, merchant.Publishable)
	d.live = d.key(id.Scope{Account: account.Key, Livemode: true}, merchant.Secret)
	front := httptest.NewServer(d.server)
	t.Cleanup(front.Close)
	d.url = front.URL
	return d
}

func (d *desk) key(s id.Scope, kind merchant.KeyKind) string {
	d.t.Helper()
	key, err := d.server.Merchant.NewKey(d.t.Context(), s, kind)
	if err != nil {
		d.t.Fatal(err)
	}
	return key
}

func simulator(t *testing.T, c clock.Clock) provider.Provider {
	t.Helper()
	book, err := sandbox.OpenFileBook(t.TempDir() + "/book")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	sim := sandbox.NewSimulator(book, sandbox.Options{})
	go func() { _ = sim.Serve(ctx, ln); close(ended) }()
	t.Cleanup(func() { stop(); <-ended; _ = book.Close() })
	return sandbox.New("http://"+ln.Addr().String(), sandbox.ConnectorOptions{Clock: c})
}

// reply is what came back of a request.
type deskReply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// send makes a request. form holds parameters joined with &; a header is
// "Name: value".
func (d *desk) send(key, method, path, form string, headers ...string) *deskReply {
	d.t.Helper()
	var body io.Reader = http.NoBody
	target := d.url + path
	if method == http.MethodGet && form != "" {
		target += "?" + form
	} else {
		body = strings.NewReader(form)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), method, target, body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return &deskReply{d.t, resp.StatusCode, resp.Header, text}
}

func (d *desk) get(path, query string) *deskReply {
	d.t.Helper()
	return d.send(d.sk, http.MethodGet, path, query).ok()
}

func (d *desk) post(path, form string, headers ...string) *deskReply {
	d.t.Helper()
	return d.send(d.sk, http.MethodPost, path, form, headers...).ok()
}

// ok fails the test unless the request succeeded.
func (r *deskReply) ok() *deskReply {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("status %d: %s", r.status, r.body)
	}
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

// at is what stands at a path such as "data.0.card.last4", as text: "null", or
// "absent" where nothing stands.
func (r *deskReply) at(path string) string {
	r.t.Helper()
	var at any = r.tree()
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return "absent"
			}
			at = next
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(v) {
				return "absent"
			}
			at = v[i]
		default:
			return "absent"
		}
	}
	return spelled(at)
}

func spelled(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return "null"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
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

// refused checks the status and the error's fields.
func (r *deskReply) refused(status int, typ, code, param, message string) {
	r.t.Helper()
	if r.status != status {
		r.t.Errorf("status %d, want %d: %s", r.status, status, r.body)
	}
	or := func(s string) string {
		if s == "" {
			return "absent"
		}
		return s
	}
	r.want(map[string]string{"error.type": typ, "error.code": or(code), "error.param": or(param)})
	if !strings.Contains(r.at("error.message"), message) {
		r.t.Errorf("message %q does not say %q", r.at("error.message"), message)
	}
}

// ids of a list, in its order.
func (r *deskReply) ids() (ids []string) {
	r.t.Helper()
	for i := 0; ; i++ {
		id := r.at(fmt.Sprintf("data.%d.id", i))
		if id == "absent" {
			return ids
		}
		ids = append(ids, id)
	}
}
