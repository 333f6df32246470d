package world

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

const secretKey = "sk_test_world0000000000000000"

// birth is when every world begins. Virtual time begins in the year 2000; row
// keys begin in 2024.
var birth = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is one run.
type world struct {
	t       *testing.T
	random  *rand.Rand
	history *history
	path    string // of the database
	app     *app.App
	book    *sandbox.FileBook
	sim     *sandbox.Simulator
	client  *http.Client
	scope   id.Scope
	close   []func()
}

// newWorld builds the platform. It is called within a synctest bubble.
func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	time.Sleep(time.Until(birth))
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 1)), history: newHistory(birth)}
	dir := t.TempDir()
	w.path = filepath.Join(dir, "world.db")
	var err error
	if w.book, err = sandbox.OpenFileBook(filepath.Join(dir, "book")); err != nil {
		t.Fatal(err)
	}
	w.sim = sandbox.NewSimulator(w.book, sandbox.Options{Seed: seed})
	wire := w.serve(w.sim.Serve)
	connector := sandbox.New("http://"+wire.Addr().String(), sandbox.ConnectorOptions{DialContext: wire.Dial})
	w.app, err = app.New(t.Context(), app.Config{
		DB: "sqlite:" + w.path, SecretKey: secretKey, Seed: int64(seed), Serial: true,
		Logger: slog.New(slog.DiscardHandler), Provider: w.watched(connector),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.scope = id.Scope{Account: w.app.Created.Account.Key}
	w.app.Start()
	door := w.serve(w.app.Serve)
	w.client = &http.Client{Transport: &http.Transport{DialContext: door.Dial, DisableKeepAlives: true}}
	return w
}

// serve runs a server over a network in memory until the world ends.
func (w *world) serve(run func(context.Context, net.Listener) error) *providertest.Pipe {
	pipe := providertest.NewPipe()
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, pipe) }()
	w.close = append(w.close, func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return pipe
}

// end stops everything, the last begun first, and checks the books.
func (w *world) end() {
	w.t.Helper()
	w.client.CloseIdleConnections()
	for i := len(w.close) - 1; i >= 1; i-- {
		w.close[i]()
	}
	if err := w.app.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
	w.close[0]()
	findings, err := app.Verify(context.Background(), "sqlite:"+w.path, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Error(err)
	}
	for _, f := range findings {
		w.t.Errorf("the books: %+v", f)
	}
	if err := w.book.Close(); err != nil {
		w.t.Error(err)
	}
}

// watched notes what goes to the provider and what comes back.
func (w *world) watched(p provider.Provider) provider.Provider {
	out := func(op, reference string, o provider.Outcome) {
		w.history.add("node", "receive", "%s %s %s %s", op, reference, o.Status, o.Code)
	}
	seen := p
	seen.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		w.history.add("node", "send", "authorize %s %s capture=%t", r.Reference, r.Amount, r.Capture)
		o := p.Authorize(ctx, r)
		out("authorize", r.Reference, o)
		return o
	}
	seen.Capture = func(ctx context.Context, r provider.CaptureRequest) provider.Outcome {
		w.history.add("node", "send", "capture %s of %s %s", r.Reference, r.Original, r.Amount)
		o := p.Capture(ctx, r)
		out("capture", r.Reference, o)
		return o
	}
	seen.Refund = func(ctx context.Context, r provider.RefundRequest) provider.Outcome {
		w.history.add("node", "send", "refund %s of %s %s", r.Reference, r.Original, r.Amount)
		o := p.Refund(ctx, r)
		out("refund", r.Reference, o)
		return o
	}
	seen.Inquire = func(ctx context.Context, reference string) provider.Finding {
		w.history.add("node", "send", "inquire %s", reference)
		f := p.Inquire(ctx, reference)
		w.history.add("node", "receive", "inquire %s answer=%d %s %s", reference, f.Answer, f.Outcome.Status, f.Outcome.Code)
		return f
	}
	return seen
}

// post sends a request as a client with a key would: again under the same key
// for as long as it gets no answer that counts.
func (w *world) post(path, key string, form url.Values) map[string]any {
	w.t.Helper()
	for try := 1; try <= 20; try++ {
		w.history.add("client", "send", "POST %s key=%s", path, key)
		status, body := w.send(http.MethodPost, path, key, form)
		w.history.add("client", "receive", "%d %s", status, brief(body))
		if status != 0 && status != http.StatusConflict && status != http.StatusTooManyRequests && status < 500 {
			return body
		}
		time.Sleep(time.Duration(1+w.random.IntN(10)) * time.Second)
	}
	w.t.Fatalf("POST %s got no answer that counts", path)
	return nil
}

func (w *world) get(path string) map[string]any {
	w.t.Helper()
	status, body := w.send(http.MethodGet, path, "", nil)
	if status != http.StatusOK {
		w.t.Fatalf("GET %s: %d %v", path, status, body)
	}
	return body
}

// send gives status 0 when there was no answer.
func (w *world) send(method, path, key string, form url.Values) (int, map[string]any) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://florin.invalid"+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.SetBasicAuth(secretKey, "")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", key)
	}
	reply, err := w.client.Do(r)
	if err != nil {
		return 0, nil
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, nil
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		w.t.Fatalf("%s %s: %s", method, path, text)
	}
	return reply.StatusCode, body
}

func brief(body map[string]any) string {
	if e, ok := body["error"].(map[string]any); ok {
		return fmt.Sprint(e["type"], " ", e["code"])
	}
	return fmt.Sprint(body["object"], " ", body["id"], " ", body["status"])
}

// settled waits until the intent is neither in flight nor unknown.
func (w *world) settled(intent string) map[string]any {
	w.t.Helper()
	for range 100 {
		body := w.get("/v1/payment_intents/" + intent)
		if body["status"] != "processing" {
			return body
		}
		time.Sleep(5 * time.Second)
	}
	w.t.Fatalf("%s is still processing", intent)
	return nil
}

// recount adds what the database says happened: the events of an intent, and
// the states that its attempts went through.
func (w *world) recount(intent string) {
	w.t.Helper()
	ctx := w.t.Context()
	key, _ := payment.Intents.Prefix.Parse(intent)
	events, err := event.OfLane(ctx, w.app.DB, w.scope, key)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range events {
		w.history.add("log", "event", "%d %s %s@%d at %s", e.Seq, e.Type, e.Kind, e.Object.Version, e.At.Sub(birth))
	}
	r := object.Range{Limit: 100, Where: map[string]any{"intent": key}}
	attempts, _, err := payment.Attempts.List(ctx, w.app.DB, w.scope, r)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range attempts {
		for n := int64(1); n <= a.Version; n++ {
			ref := a.Ref()
			ref.Version = n
			was, _, err := payment.Attempts.ReadVersion(ctx, w.app.DB, w.scope, ref)
			if err != nil {
				w.t.Fatal(err)
			}
			w.history.add("log", "attempt", "%s@%d %s %s at %s", payment.Reference(w.scope, payment.AttemptID(a.Key)), n, was.Body.Operation, was.Body.State, was.At.Sub(birth))
		}
	}
	for op, err := range w.book.Operations(ctx) {
		if err != nil {
			w.t.Fatal(err)
		}
		w.history.add("sandbox", "book", "%s %s %d %s %s at %s", op.Reference, op.Kind, op.Amount, op.Currency, op.State, op.Time.Sub(birth))
	}
}
