//go:build unix && !probe

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// severalNodes skips a test where the database has one process.
func severalNodes(t *testing.T) {
	t.Helper()
	if !florintest.Postgres() {
		t.Skip("SQLite has one process")
	}
	t.Parallel()
}

func urlsOf(nodes []*florintest.Server) (urls []string) {
	for _, n := range nodes {
		urls = append(urls, n.URL)
	}
	return urls
}

// TestNodesShareKeys: of fifty requests under one key, sent at once to three
// nodes, one pays, and all are answered alike.
func TestNodesShareKeys(t *testing.T) {
	severalNodes(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	nodes := florintest.Nodes(t, 3, florintest.Options{Sandbox: box.URL, Args: []string{timeout}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	const rounds, copies = 4, 50
	for round := range rounds {
		answers := make([]answer, copies)
		var group sync.WaitGroup
		for i := range copies {
			group.Go(func() {
				var err error
				answers[i], err = c.do(ctx, &call{Key: fmt.Sprint("shared-", round), Path: "/v1/payment_intents", Form: creating(2000+round, "usd", "automatic", "pm_card_visa").form(nil)}, func() {})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, a := range answers {
			if a.Status != http.StatusOK || a.Body != answers[0].Body {
				t.Errorf("round %d: %d %s and %d %s", round, a.Status, a.Body, answers[0].Status, answers[0].Body)
			}
		}
	}
	if ops := approved(ctx, t, box); len(ops) != rounds {
		t.Errorf("%d payments were made under %d keys", len(ops), rounds)
	}
}

// receiver takes webhooks and notes them.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	got  map[string][]int64 // sequences by lane, in the order in which they were acknowledged first
	seen map[string]int     // how often each event came
	// since is when it was registered.
	since time.Time
	// held, if set, is closed when requests are answered again.
	held atomic.Pointer[chan struct{}]
}

// hold has the receiver answer nothing until free is called.
func (r *receiver) hold() (free func()) {
	held := make(chan struct{})
	r.held.Store(&held)
	return sync.OnceFunc(func() {
		r.held.Store(nil)
		close(held)
	})
}

func receive(t *testing.T) *receiver {
	r := &receiver{got: map[string][]int64{}, seen: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if held := r.held.Load(); held != nil {
			<-*held
		}
		if q.Context().Err() != nil {
			return // nobody waits for the answer
		}
		var e struct {
			ID   string `json:"id"`
			Data struct {
				Object struct {
					ID     string `json:"id"`
					Object string `json:"object"`
					Intent string `json:"payment_intent"`
				} `json:"object"`
			} `json:"data"`
		}
		if err != nil || json.Unmarshal(body, &e) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var seq int64
		_, _ = fmt.Sscan(q.Header.Get("Florin-Sequence"), &seq)
		lane := e.Data.Object.Object + e.Data.Object.ID
		if e.Data.Object.Intent != "" {
			lane = e.Data.Object.Intent
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.seen[e.ID]++; r.seen[e.ID] == 1 {
			r.got[lane] = append(r.got[lane], seq)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// events counts what came, and checks the order of each lane.
func (r *receiver) events(t *testing.T) int {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for lane, list := range r.got {
		if lane == "balance" || lane == "cash_balance" {
			continue // it has no id: these are many lanes
		}
		for i, seq := range list {
			if i > 0 && seq <= list[i-1] {
				t.Errorf("lane %s: sequence %d was told after %d", lane, seq, list[i-1])
			}
		}
	}
	return len(r.seen)
}

func (r *receiver) register(ctx context.Context, t *testing.T, c *client) {
	t.Helper()
	a, err := c.do(ctx, &call{Key: "endpoint", Path: "/v1/webhook_endpoints", Form: url.Values{"url": {r.URL}, "enabled_events[]": {"*"}}}, func() {})
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("%v %+v", err, a)
	}
	r.since = time.Now()
}

// heirLimit is within which time others take over what a process leaves behind.
const heirLimit = 10 * time.Second

// TestNodesTakeOver: of three nodes two are killed while one of them waits for
// the acquirer and one, perhaps, for a receiver of webhooks. The third has
// finished the payment and tells the receiver within ten seconds, though leases
// are longer.
func TestNodesTakeOver(t *testing.T) {
	severalNodes(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	nodes := florintest.Nodes(t, 3, florintest.Options{Sandbox: box.URL}) // time-outs of 10 s, so leases of 20 s
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := newClient(nodes[2])
	hook := receive(t)
	hook.register(ctx, t, c)
	free := hook.hold()
	defer free()
	made, err := c.do(ctx, &call{Key: "made", Path: "/v1/payment_intents", Form: creating(2000, "usd", "automatic", "").form(nil)}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	o, err := made.thing()
	if err != nil || o.ID == "" {
		t.Fatalf("%v %+v", err, made)
	}
	if err := box.AddFault(ctx, sandbox.Fault{Kind: sandbox.Sale, Mode: sandbox.Lost}); err != nil {
		t.Fatal(err)
	}
	// The first node asks the acquirer, which has it and does not answer.
	first := newClient(nodes[0])
	go func() {
		_, _ = first.try(ctx, http.MethodPost, "/v1/payment_intents/"+o.ID+"/confirm", url.Values{"payment_method": {"pm_card_visa"}}, "confirm")
	}()
	for len(approved(ctx, t, box)) == 0 {
		if sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatal("the acquirer is not asked")
		}
	}
	for _, n := range nodes[:2] {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	killed := time.Now()
	free()
	for {
		now, err := c.retrieve(ctx, "/v1/payment_intents/"+o.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.Status == "succeeded" && hook.events(t) >= 3 { // created, charge.succeeded, succeeded
			break
		}
		if took := time.Since(killed); took > 3*heirLimit {
			t.Fatalf("after %s it is %s, and %d events were told", took, now.Status, hook.events(t))
		}
		_ = sleep(ctx, 20*time.Millisecond)
	}
	took := time.Since(killed)
	t.Logf("taken over in %s", took.Round(time.Millisecond))
	if took > heirLimit {
		t.Errorf("it took %s until others had taken over, longer than %s", took, heirLimit)
	}
	if n := len(approved(ctx, t, box)); n != 1 {
		t.Errorf("%d payments were made", n)
	}
	again, err := c.do(ctx, &call{Key: "confirm", Path: "/v1/payment_intents/" + o.ID + "/confirm", Form: url.Values{"payment_method": {"pm_card_visa"}}}, func() {})
	if err != nil || again.Status != http.StatusOK || !again.Replayed {
		t.Errorf("the request whose node was killed, sent again: %v %+v", err, again)
	}
}

// TestRollingUpgrade: three nodes are replaced one by one by those of the next
// release, which migrates the database, while clients go on. None of their
// requests fails, and webhooks keep their order.
func TestRollingUpgrade(t *testing.T) {
	severalNodes(t)
	newer := florintest.Newer(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	o := florintest.Options{Sandbox: box.URL, Args: []string{timeout}}
	nodes := florintest.Nodes(t, 3, o)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	hook := receive(t)
	hook.register(ctx, t, c)
	l := &load{t: t, ctx: ctx, client: c, tag: "rolling"}
	defer l.over.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.round(clients, func() bool { return !l.over.Load() })
	}()
	_ = sleep(ctx, time.Second)
	next := o
	next.Bin = newer
	urls, origin := urlsOf(nodes), nodes[0]
	for i, old := range nodes {
		// The new one takes the old one's address, as behind a name.
		successor := old.Successor(t, origin, next)
		if err := old.Stop(); err != nil {
			t.Errorf("node %d: %v", i, err)
		}
		if err := successor.Restart(ctx); err != nil {
			l.over.Store(true)
			<-done
			t.Fatal(err)
		}
		nodes[i] = successor
		_ = sleep(ctx, 500*time.Millisecond)
	}
	if fmt.Sprint(urls) != fmt.Sprint(urlsOf(nodes)) {
		t.Fatalf("the nodes have moved from %v to %v", urls, urlsOf(nodes))
	}
	l.over.Store(true)
	<-done
	if n := c.broken.Load(); n > 0 {
		t.Errorf("%d of %d requests failed", n, c.answered.Load())
	}
	t.Logf("%d requests were answered while three nodes were replaced", c.answered.Load())
	w := inspect(t, l, nodes[0], box)
	if w.lost+w.doubled+w.unexplained > 0 {
		t.Errorf("lost %d, doubled %d, unexplained %d", w.lost, w.doubled, w.unexplained)
	}
	told(ctx, t, nodes[0], hook)
}

// told waits until every event since the receiver was registered has been told,
// in the order of its lane.
func told(ctx context.Context, t *testing.T, s *florintest.Server, hook *receiver) {
	t.Helper()
	d := reader(t, s.DB)
	defer func() { _ = d.Close() }()
	for limit := time.Now().Add(settleLimit); ; {
		missing, all, err := hook.missing(ctx, d)
		switch {
		case err != nil:
			t.Fatal(err)
		case len(missing) == 0:
			t.Logf("%d events were told, in the order of their lanes", hook.events(t))
			return
		case time.Now().After(limit) || sleep(ctx, 250*time.Millisecond) != nil:
			t.Fatalf("%d of %d events were not told: %v", len(missing), all, missing[:min(len(missing), 10)])
		}
	}
}

// missing are the events, of so many, that did not come yet.
func (r *receiver) missing(ctx context.Context, d *db.DB) (missing []string, all int, err error) {
	err = event.Scopes(ctx, d, func(s id.Scope) error {
		list, _, err := event.List(ctx, d, s, object.Range{Limit: 1_000_000, Oldest: true})
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, e := range list {
			if e.At.Before(r.since) {
				continue
			}
			all++
			if name := event.Prefix.Format(e.Scope, e.Key); r.seen[name] == 0 {
				missing = append(missing, fmt.Sprintf("%s %s %s", name, e.Type, e.At.Format(time.StampMilli)))
			}
		}
		return err
	})
	return missing, all, err
}
