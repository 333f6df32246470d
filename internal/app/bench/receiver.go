package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// What --webhooks may be.
const (
	WebhooksNone = "none"
	WebhooksOne  = "one" // an endpoint for the event of a payment that succeeded
	WebhooksAll  = "all" // an endpoint for all events
)

const (
	hookPath   = "/hook"
	countsPath = "/counts" // GET: [counts]; DELETE: the same, and lags count anew
	succeeded  = "payment_intent.succeeded"
)

// receiver is the merchants' end of webhooks: a process of its own, so that what
// it uses is not Florin's.
type receiver struct {
	clock      clock.Clock
	deliveries atomic.Int64
	lag        histogram

	mu       sync.Mutex
	payments map[int64]struct{} // events of payments that succeeded, each once
}

// counts are what a receiver got.
type counts struct {
	Deliveries int64   `json:"deliveries"`
	Payments   int64   `json:"payments"` // of which it was told that they succeeded, each once
	Lag        Latency `json:"lag"`      // from when an event was made
}

// Receive takes webhooks on ln until ctx ends.
func Receive(ctx context.Context, ln net.Listener, clk clock.Clock) error {
	r := &receiver{clock: clk, payments: map[int64]struct{}{}}
	s := &http.Server{Handler: r.handler(), ReadHeaderTimeout: requestTimeout}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() }) // what is under way comes again, or nobody waits for it
	defer stop()
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (r *receiver) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST "+hookPath, r.take)
	m.HandleFunc("GET "+countsPath, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(r.counts(&r.lag)) })
	m.HandleFunc("DELETE "+countsPath, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(r.counts(r.lag.take())) })
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return m
}

// most is more than an event has.
const mostOfEvent = 1 << 20

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(io.LimitReader(q.Body, mostOfEvent))
	var key int64
	known, typ := false, ""
	if err == nil {
		err = members(body, func(name, value []byte) {
			switch string(name) {
			case "id":
				key, known = event.Prefix.Parse(string(value))
			case "type":
				typ = string(value)
			}
		})
	}
	if err != nil || !known {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	r.deliveries.Add(1)
	r.lag.record(r.clock.Now().Sub(id.Time(key)))
	if typ == succeeded {
		r.mu.Lock()
		r.payments[key] = struct{}{}
		r.mu.Unlock()
	}
}

func (r *receiver) counts(lag *histogram) counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return counts{r.deliveries.Load(), int64(len(r.payments)), latency("delivery", lag)}
}

// hook is the receiver as the run sees it.
type hook struct {
	url   string
	first counts // before the run
}

// ask reads what the receiver got in this run; fresh has lags count anew.
func (h *hook) ask(ctx context.Context, fresh bool) (c counts, err error) {
	method := http.MethodGet
	if fresh {
		method = http.MethodDelete
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+countsPath, nil)
	if err != nil {
		return c, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&c)
	c.Deliveries -= h.first.Deliveries
	c.Payments -= h.first.Payments
	return c, err
}

// drainPatience is how long a run waits for deliveries after its last payment,
// beside as long as it has measured.
const drainPatience = 10 * time.Second

// drain waits until the receiver was told of all payments and, if it is told of
// other events too, until no more come.
func (h *hook) drain(ctx context.Context, c Config, payments int64) (got counts, took time.Duration, err error) {
	began := c.Clock.Now()
	patience := drainPatience + c.Duration
	calm, before := 0, int64(-1)
	for {
		if got, err = h.ask(ctx, false); err != nil {
			return got, 0, err
		}
		took = c.Clock.Now().Sub(began)
		if before != got.Deliveries {
			calm, before = 0, got.Deliveries
		}
		calm++
		if got.Payments >= payments && (c.Webhooks != WebhooksAll || calm > calmLooks) || took > patience {
			return got, took, nil
		}
		if err := c.Clock.Sleep(ctx, drainLook); err != nil {
			return got, took, err
		}
	}
}

const (
	drainLook = 20 * time.Millisecond
	calmLooks = 25 // without a delivery in between
)
