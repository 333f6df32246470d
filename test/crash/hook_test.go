//go:build unix

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
	"github.com/florinpay/florin/test/florin"
)

// mixed makes a load of every kind, and a receiver that is told of all of it.
func mixed(ctx context.Context, t *testing.T, tag string, c *client, box *florintest.Sandbox) (*load, *receiver) {
	t.Helper()
	hook := receive(t)
	hook.register(ctx, t, c)
	return &load{t: t, ctx: ctx, client: c, tag: tag, mixed: true, box: box, account: prosper(ctx, t, c)}, hook
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
	err = event.Scopes(ctx, d, func(s id.Scope, _ int64) error {
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
