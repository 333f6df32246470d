//go:build unix

package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// costs is a Florin that is asked without sockets, has no jobs that nobody asked
// for, and no clock that moves by itself. So what a request costs is the same each
// time, however busy the machine is.
type costs struct {
	t       testing.TB
	app     *app.App
	handler http.Handler
	clock   *clock.Fixed
	trace   *trace // nil: nobody looks at the statements
	acquirer
	db      atomic.Pointer[db.DB]
	riders  atomic.Int64  // how many steps a train waits for before it leaves
	told    *atomic.Int64 // webhooks that came
	weights *weights      // with a trace
	log     string        // of SQLite
	account account
	keys    int
	run     string
	paid    order // the last payment that was made
}

const costKey = "sk_test_costcostcostcostcostcost"

// openCosts puts Florin together on a database, for a run that has a name. Whoever
// wants to see its statements gives a trace, which takes memory.
func openCosts(t testing.TB, address, dir, run string, clk *clock.Fixed, tr *trace, told *atomic.Int64) *costs {
	t.Helper()
	c := &costs{t: t, clock: clk, trace: tr, run: run, account: account{key: costKey}, told: told}
	c.riders.Store(1)
	o := db.Options{Clock: clk, Fatal: func(err error) { panic(err) }, Depart: c.depart}
	if tr != nil {
		o.Trace = tr.note
	}
	d, err := db.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	c.db.Store(d)
	book, err := sandbox.OpenBook(t.Context(), filepath.Join(dir, run+".jsonl"), db.Options{Clock: clk})
	if err != nil {
		t.Fatal(err)
	}
	c.acquirer.to = sandbox.NewSimulator(book, sandbox.Options{Clock: clk})
	key := filepath.Join(dir, "cost.key")
	if _, err := secret.CreateFile(key); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	c.app, err = app.New(t.Context(), app.Config{
		DB: address, Database: d, SecretKey: costKey, MasterKeyFile: key, Heads: filepath.Join(dir, "cost.heads"),
		Provider: sandbox.New("http://sandbox.invalid", sandbox.ConnectorOptions{Clock: clk, Within: &c.acquirer}),
		Logger:   slog.New(slog.DiscardHandler), Clock: clk,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.handler = c.app.Handler()
	if tr != nil {
		c.weights = newWeights(t, d)
		if path, sqlite := strings.CutPrefix(address, "sqlite:"); sqlite {
			c.log = path + "-wal"
		}
	}
	t.Cleanup(func() {
		if err := errors.Join(c.app.Close(context.WithoutCancel(t.Context())), book.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// acquirer counts what the sandbox allocates, which is not Florin's. It answers one
// at a time.
type acquirer struct {
	to             http.Handler
	mu             sync.Mutex
	before, after  runtime.MemStats
	objects, bytes uint64
}

func (a *acquirer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	runtime.ReadMemStats(&a.before)
	a.to.ServeHTTP(w, r)
	runtime.ReadMemStats(&a.after)
	a.objects += a.after.Mallocs - a.before.Mallocs
	a.bytes += a.after.TotalAlloc - a.before.TotalAlloc
}

// trace notes statements.
type trace struct {
	mu   sync.Mutex
	sent []db.Sent
}

func (t *trace) note(s db.Sent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, s)
}

// take gives what was noted, and begins anew.
func (t *trace) take() []db.Sent {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent := t.sent
	t.sent = nil
	return sent
}

// prepared is a request that is ready to be made.
type prepared struct {
	kind   kind
	order  order
	to     http.Handler
	r      *http.Request
	answer answered
}

// longAnswer is more than any answer has: room for it is made beforehand.
const longAnswer = 64 << 10

// prepare makes a request, so that what that takes is not counted.
func (c *costs) prepare(k kind, o order) *prepared {
	c.t.Helper()
	o.account, o.amount = &c.account, costAmount
	r := c.httpRequest(k.request(o, c.key()))
	return &prepared{kind: k, order: o, to: c.handler, r: r, answer: answered{header: http.Header{}, status: http.StatusOK, body: make([]byte, 0, longAnswer)}}
}

// key is an idempotency key, each as long as another.
func (c *costs) key() string {
	c.keys++
	return fmt.Sprintf("%s-%06d", c.run, c.keys)
}

func (c *costs) httpRequest(r request) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(c.t.Context()), r.method, "http://127.0.0.1"+r.path, strings.NewReader(r.form))
	if err != nil {
		c.t.Fatal(err)
	}
	req.RemoteAddr, req.RequestURI = "127.0.0.1:0", r.path
	req.Header.Set("Authorization", "Bearer "+costKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return req
}

func (p *prepared) make() { p.to.ServeHTTP(&p.answer, p.r) }

// id is the id of what was answered, which must be right.
func (p *prepared) id(t testing.TB) string {
	t.Helper()
	if p.answer.status != http.StatusOK {
		t.Fatalf("%s: %d %s", kindNames[p.kind], p.answer.status, p.answer.body)
	}
	s, err := read(p.answer.body)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := p.kind.wrong(p.order, s); wrong != "" {
		t.Fatalf("%s: %s: %s", kindNames[p.kind], wrong, p.answer.body)
	}
	return s.id
}

// post makes an object and gives its id.
func (c *costs) post(path string, form url.Values) string {
	c.t.Helper()
	a := answered{header: http.Header{}, status: http.StatusOK}
	c.handler.ServeHTTP(&a, c.httpRequest(request{method: http.MethodPost, path: path, form: form.Encode(), key: c.key()}))
	s, err := read(a.body)
	if a.status != http.StatusOK || err != nil {
		c.t.Fatalf("POST %s: %d %s %v", path, a.status, a.body, err)
	}
	return s.id
}
