package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/cash"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/file"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/search"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/leak"
)

const (
	testSecretKey      = "sk_test_harnessharness0001"
	testPublishableKey = "pk_test_harnessharness0001"
	// otherSecretKey is another merchant's.
	otherSecretKey = "sk_test_harnessharness0002"
)

// harness is the whole door over real services and a real database, and a
// provider that is the sandbox's or a script.
type harness struct {
	t       testing.TB
	server  *Server
	handler http.Handler

	script *script
	// version is that of the account, which is sent with each request, too; empty:
	// the newest, unsaid.
	version string
	// judge is asked of each answer; nil: nobody is.
	judge func(h *harness, method, path string, a *answered)
	// acquirer is where the sandbox listens, if it is the provider, and book its book.
	acquirer string
	book     *sandbox.FileBook
	// address is that of the database, and node makes a further server on it.
	address string
	node    func() *Server
	// atBank is the account at the bank, once there is one; root is the whole test.
	atBank *string
	root   testing.TB
}

// script is what the provider does instead of what it would.
type script struct {
	mu     sync.Mutex
	says   map[string]provider.Outcome // by operation
	gate   chan struct{}               // if set, authorisations wait for it
	arrive chan struct{}               // and tell here that they have come
}

func (s *script) said(operation string) (provider.Outcome, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.says[operation]
	return o, ok
}

// in is the harness for a subtest.
func (h *harness) in(t testing.TB) *harness {
	child := *h
	child.t = t
	return &child
}

// newHarness makes a door whose provider is the sandbox acquirer on a loopback
// socket.
func newHarness(t testing.TB) *harness {
	t.Helper()
	return harnessAt(t, "")
}

// harnessAt is [newHarness] whose account, and each request, is at a version.
func harnessAt(t testing.TB, version string) *harness {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { leak.CheckDir(t, dir) })
	book, err := sandbox.OpenFileBook(filepath.Join(dir, "book"))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- sandbox.NewSimulator(book, sandbox.Options{Delay: 100 * time.Millisecond}).Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = book.Close()
	})
	acquirer := "http://" + ln.Addr().String()
	h := &harness{t: t, version: version, acquirer: acquirer, book: book}
	return h.with(sandbox.New(acquirer, sandbox.ConnectorOptions{}))
}

// harnessWith makes a door with a provider, whose answers a test may replace.
func harnessWith(t testing.TB, p provider.Provider) *harness {
	t.Helper()
	return (&harness{t: t}).with(p)
}

func (h *harness) with(p provider.Provider) *harness {
	t := h.t
	t.Helper()
	h.root, h.atBank, h.script = t, new(string), &script{says: map[string]provider.Outcome{}}
	master, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	h.address, p = dbtest.Address(t), h.script.over(p)
	h.node = func() *Server { return h.serve(p, master) }
	h.server = h.node()
	h.handler = h.server
	h.merchants()
	return h
}

// serve is one server over all services, with a handle of its own on the database.
func (h *harness) serve(p provider.Provider, master *secret.Master) *Server {
	t := h.root
	t.Helper()
	log := leak.Logger(t)
	d := dbtest.OpenAt(t, h.address, db.Options{Logger: log})
	s := &Server{DB: d, Live: true, Master: master, Log: slog.New(slog.NewMultiHandler(log.Handler(), slog.NewTextHandler(logTo{t}, &slog.HandlerOptions{Level: slog.LevelError})))}
	s.Keys = &idem.Keys{Sealer: master, Pin: s.Pin}
	s.Merchant = merchant.New(d, merchant.Options{APIVersion: h.version})
	s.Vault = vault.New(d, master, s.Keys)
	s.Vault.Holds = cash.Holds
	s.Settle = &settle.Service{DB: d, Keys: s.Keys, Book: &ledger.Book{}}
	s.Search = search.New(d, master, s.Vault)
	s.Payment = &payment.Service{
		DB: d, Keys: s.Keys, Vault: s.Vault, Merchant: s.Merchant, Book: &ledger.Book{},
		Providers: map[string]provider.Provider{p.Name: p}, Default: p.Name, Log: log,
	}
	s.Dispute = &dispute.Service{DB: d, Payment: s.Payment, Vault: s.Vault, Log: log}
	s.Payment.Aftermath = s.Dispute
	s.Cash = &cash.Service{DB: d, Keys: s.Keys, Book: &ledger.Book{}, Payment: s.Payment}
	s.Payment.Funds, s.Payment.Own = s.Cash, []string{vault.TypeTransfer}
	s.Offering = &offering.Service{DB: d, Keys: s.Keys}
	s.File = &file.Service{DB: d, Keys: s.Keys, Master: master}
	s.Payout = &payout.Service{DB: d, Keys: s.Keys, Vault: s.Vault, Merchant: s.Merchant, Book: &ledger.Book{}, Banks: map[string]provider.Provider{}, Log: log}
	s.Clocks = &timeline.Service{DB: d, Keys: s.Keys, Belongings: s.Vault}
	s.Setup = &setup.Service{DB: d, Keys: s.Keys, Vault: s.Vault, Payment: s.Payment, Log: log}
	s.Webhooks = &webhook.Service{DB: d, Keys: s.Keys, Sealer: master, Renderer: s, Log: log}
	return s
}

// beside is the harness through another server on the same database.
func (h *harness) beside() *harness {
	h.t.Helper()
	other := *h
	other.server = h.node()
	other.handler = other.server
	return &other
}

func (h *harness) merchants() {
	h.t.Helper()
	ctx := context.Background()
	if _, err := h.server.Merchant.Bootstrap(ctx, testSecretKey, testPublishableKey); err != nil {
		h.t.Fatal(err)
	}
	other, err := h.server.Merchant.Create(ctx, merchant.Params{Name: "Other"})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Merchant.ImportKey(ctx, merchant.Home(other.Key), merchant.Secret, otherSecretKey); err != nil {
		h.t.Fatal(err)
	}
}

type logTo struct{ t testing.TB }

func (l logTo) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}

// over is p with the script laid over it.
func (s *script) over(p provider.Provider) provider.Provider {
	through := p
	p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		if s.gate != nil {
			s.arrive <- struct{}{}
			<-s.gate
		}
		if o, ok := s.said("authorize"); ok {
			return o
		}
		return through.Authorize(ctx, r)
	}
	p.Capture = func(ctx context.Context, r provider.CaptureRequest) provider.Outcome {
		if o, ok := s.said("capture"); ok {
			return o
		}
		return through.Capture(ctx, r)
	}
	p.Refund = func(ctx context.Context, r provider.RefundRequest) provider.Outcome {
		if o, ok := s.said("refund"); ok {
			return o
		}
		return through.Refund(ctx, r)
	}
	p.Reverse = func(ctx context.Context, r provider.ReverseRequest) provider.Finding {
		if o, ok := s.said("reverse"); ok {
			return provider.Finding{Answer: provider.Found, Outcome: o}
		}
		return through.Reverse(ctx, r)
	}
	return p
}

// say has the provider answer all operations of a kind so from now on.
func (h *harness) say(operation string, o provider.Outcome) {
	h.script.mu.Lock()
	defer h.script.mu.Unlock()
	h.script.says[operation] = o
}

// approving is a provider without a memory that approves everything.
func approving() provider.Provider {
	yes := provider.Outcome{Status: provider.Approved, ID: "p_1", Code: "00", AuthorizationCode: "A1B2C3", CVCCheck: "pass"}
	return provider.Provider{
		Name:      "approving",
		Traits:    provider.Traits{Timeout: time.Second, Horizon: time.Second, ReplayWindow: time.Hour},
		Authorize: func(context.Context, provider.AuthorizeRequest) provider.Outcome { return yes },
		Capture:   func(context.Context, provider.CaptureRequest) provider.Outcome { return yes },
		Refund:    func(context.Context, provider.RefundRequest) provider.Outcome { return yes },
		Reverse: func(context.Context, provider.ReverseRequest) provider.Finding {
			return provider.Finding{Answer: provider.Found, Outcome: yes}
		},
	}
}

// answered is what a request got.
type answered struct {
	t      testing.TB
	status int
	header http.Header
	text   []byte
	body   map[string]any
}

// send makes a request; params is a form, headers are pairs. The path may have
// a query. It holds for every answer of the door that it is JSON with a
// request id.
func (h *harness) send(method, path, params string, headers ...string) *answered {
	h.t.Helper()
	var body io.Reader
	if params != "" {
		body = strings.NewReader(params)
	}
	r := local(httptest.NewRequestWithContext(h.t.Context(), method, path, body))
	r.Header.Set("Authorization", "Bearer "+testSecretKey)
	if params != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if h.version != "" {
		r.Header.Set("Stripe-Version", h.version)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	a := &answered{t: h.t, status: w.Code, header: w.Header(), text: w.Body.Bytes()}
	leak.CheckReply(h.t, method+" "+path, a.text)
	leak.CheckReply(h.t, method+" "+path, fmt.Append(nil, w.Header()))
	if err := json.Unmarshal(a.text, &a.body); err != nil {
		h.t.Fatalf("%s %s: %v in %q", method, path, err, a.text)
	}
	if !strings.HasPrefix(w.Header().Get("Request-Id"), "req_") || w.Header().Get("Content-Type") != "application/json" {
		h.t.Errorf("%s %s: headers %v", method, path, w.Header())
	}
	if h.judge != nil {
		h.judge(h, method, path, a)
	}
	return a
}

// local has a request come from this machine.
func local(r *http.Request) *http.Request {
	r.RemoteAddr = "127.0.0.1:9"
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8420})))
}

func (h *harness) post(path, params string, headers ...string) *answered {
	h.t.Helper()
	return h.send("POST", path, params, headers...)
}

func (h *harness) get(path string, headers ...string) *answered {
	h.t.Helper()
	return h.send("GET", path, "", headers...)
}

// ok wants status 200.
func (a *answered) ok() *answered {
	a.t.Helper()
	return a.is(http.StatusOK)
}

func (a *answered) is(status int) *answered {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.text)
	}
	return a
}

// at follows a path of field names, dotted, and list indexes: "data.0.id".
func (a *answered) at(path string) any {
	a.t.Helper()
	return follow(a.body, path)
}

func follow(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch at := value.(type) {
		case map[string]any:
			value = at[name]
		case []any:
			if i := strings.Index("0123456789", name); len(name) == 1 && i >= 0 && i < len(at) {
				value = at[i]
			} else {
				return nil
			}
		default:
			return nil
		}
	}
	return value
}

func (a *answered) str(path string) string {
	a.t.Helper()
	text, ok := a.at(path).(string)
	if !ok {
		a.t.Fatalf("%s is %v, no text, in %s", path, a.at(path), a.text)
	}
	return text
}

// part is the JSON of a part of the answer.
func (a *answered) part(path string) []byte {
	a.t.Helper()
	text, err := json.Marshal(a.at(path))
	if err != nil {
		a.t.Fatal(err)
	}
	return text
}

// has compares fields by path with what they should be.
func (a *answered) has(want map[string]any) *answered {
	a.t.Helper()
	for path, value := range want {
		if n, ok := value.(int); ok {
			value = float64(n) // as encoding/json reads numbers
		}
		if got := a.at(path); got != value {
			a.t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
	if a.t.Failed() {
		a.t.Logf("%s", a.text)
	}
	return a
}

// pairs joins names and values to a form.
func pairs(list ...string) string {
	var out []string
	for i := 0; i+1 < len(list); i += 2 {
		out = append(out, url.QueryEscape(list[i])+"="+url.QueryEscape(list[i+1]))
	}
	return strings.Join(out, "&")
}

// checkBooks fails the test if ledger and payments do not agree.
func (h *harness) checkBooks() {
	h.t.Helper()
	report := func(f ledger.Finding) { h.t.Errorf("the books: %v", f) }
	if err := h.server.Payment.Check(context.Background(), report); err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Dispute.Check(context.Background(), report); err != nil {
		h.t.Fatal(err)
	}
	if err := h.server.Payout.Check(context.Background(), report); err != nil {
		h.t.Fatal(err)
	}
	if err := ledger.Check(context.Background(), h.server.DB, report); err != nil {
		h.t.Fatal(err)
	}
}

// scope is the merchant's in test mode.
func (h *harness) scope() id.Scope {
	h.t.Helper()
	who, err := h.server.Merchant.Authenticate(context.Background(), testSecretKey)
	if err != nil {
		h.t.Fatal(err)
	}
	return who.Scope
}
