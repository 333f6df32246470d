package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/door/rest"
	"github.com/florinpay/florin/internal/kit/id"
)

// jam is a server whose trains have few seats, and leave seldom while it is slow.
type jam struct {
	*App
	t       *testing.T
	handler http.Handler
	slow    atomic.Bool
	counter atomic.Int64
}

const (
	jamSeats    = 8
	jamDelay    = 25 * time.Millisecond
	jamPatience = 100 * time.Millisecond
	// jamRate is how many payments a second the trains can carry at most, of two
	// steps each.
	jamRate = int(time.Second/jamDelay) * jamSeats / 2
)

func newJam(t *testing.T, change func(*Config)) *jam {
	j := &jam{t: t}
	address := dbtest.Address(t)
	c := config(t, address)
	c.Provider = (&counting{}).provider()
	c.Database = dbtest.OpenAt(t, address, db.Options{Seats: jamSeats, Patience: jamPatience, Depart: func() {
		if j.slow.Load() {
			time.Sleep(jamDelay)
		}
	}})
	if change != nil {
		change(&c)
	}
	j.App = start(t, c)
	j.handler = j.Handler()
	return j
}

// answer is what became of a request.
type answer struct {
	key, id  string
	status   int
	took     time.Duration
	replayed bool
	header   http.Header
	body     string
}

// pay sends one payment.
func (j *jam) pay(secret, key string) answer {
	r := httptest.NewRequestWithContext(j.t.Context(), http.MethodPost, "/v1/payment_intents", strings.NewReader(
		"amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never"))
	r.SetBasicAuth(secret, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", key)
	return j.send(r)
}

func (j *jam) send(r *http.Request) answer {
	w, begun := httptest.NewRecorder(), time.Now()
	j.handler.ServeHTTP(w, r)
	a := answer{key: r.Header.Get("Idempotency-Key"), status: w.Code, took: time.Since(begun), replayed: w.Header().Get("Idempotent-Replayed") == "true", header: w.Header(), body: w.Body.String()}
	var body struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		j.t.Error(err)
	}
	a.id = body.ID
	return a
}

// flood sends so many payments a second for a time, however long they take, and
// gives what became of each.
func (j *jam) flood(secret string, rate int, d time.Duration) (all []answer) {
	var mu sync.Mutex
	var out sync.WaitGroup
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	sent, begun := 0, time.Now()
	for now := begun; now.Sub(begun) < d; now = <-tick.C {
		for ; sent < int(now.Sub(begun).Seconds()*float64(rate)); sent++ {
			key := fmt.Sprintf("jam-%d", j.counter.Add(1))
			out.Go(func() {
				a := j.pay(secret, key)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, a)
			})
		}
	}
	out.Wait()
	return all
}

func byStatus(all []answer) (accepted, refused []answer, others int) {
	for _, a := range all {
		switch a.status {
		case http.StatusOK:
			accepted = append(accepted, a)
		case http.StatusTooManyRequests:
			refused = append(refused, a)
		default:
			others++
		}
	}
	return accepted, refused, others
}

// slowest gives the time within which all but one in a hundred were answered.
func slowest(all []answer) time.Duration {
	var took []time.Duration
	for _, a := range all {
		took = append(took, a.took)
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// At three times what the trains can carry they leave full, what is let in is
// answered within a bounded time, and others than who floods notice little. What
// was refused left nothing and succeeds when repeated; what was answered is there
// once.
func TestOverload(t *testing.T) {
	j := newJam(t, nil)
	hot, light := j.Created.SecretKey, j.neighbour("Corner Shop")
	j.slow.Store(true)
	before := j.DB.Figures()
	var some []answer
	var beside sync.WaitGroup
	flooding := make(chan struct{})
	beside.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-flooding:
				return
			case <-time.After(50 * time.Millisecond):
				some = append(some, j.pay(light, fmt.Sprintf("light-%d", i)))
			}
		}
	})
	const length = 1500 * time.Millisecond
	all := j.flood(hot, 3*jamRate, length)
	after := j.DB.Figures()
	j.slow.Store(false)
	close(flooding)
	beside.Wait()

	accepted, refused, others := byStatus(all)
	trains, steps := after.Took.Count-before.Took.Count, after.Steps-before.Steps
	pace := jamDelay + (after.Took.Sum-before.Took.Sum)/time.Duration(trains)
	t.Logf("%d sent, %d accepted, %d refused, %d trains of %v, %d steps, all but 1%% within %v; beside them %d within %v", len(all), len(accepted), len(refused),
		trains, pace, steps, slowest(accepted), len(some), slowest(some))
	if others != 0 || len(refused) < len(all)/3 {
		t.Errorf("of %d, %d were accepted and %d refused", len(all), len(accepted), len(refused))
	}
	if !dbtest.Postgres() { // with a second train, jobs leave by themselves there
		if mean := float64(steps) / float64(trains); mean < 0.75*jamSeats {
			t.Errorf("trains left with %.1f steps where there are seats for %d", mean, jamSeats)
		}
	}
	if share := float64(2*len(accepted)) / float64(steps); share < 0.75 {
		t.Errorf("%.0f%% of what the trains carried was payments", 100*share)
	}
	// Two steps, each of which may come at the end of a rush, and some trains.
	if limit := 2*(4*jamPatience+4*pace) + time.Second; slowest(accepted) > limit {
		t.Errorf("what was let in took %v, want less than %v", slowest(accepted), limit)
	}
	if _, lost, others := byStatus(some); len(lost) > 0 || others > 0 || len(some) < 3 {
		t.Errorf("of %d requests beside the flood, %d were refused", len(some), len(lost)+others)
	}
	if slowest(some) > slowest(accepted) {
		t.Errorf("requests beside the flood took %v, those in it %v", slowest(some), slowest(accepted))
	}
	j.checkRefused(refused)
	j.checkOnce(hot, accepted, refused)
}

// neighbour opens another account, and gives its secret key.
func (j *jam) neighbour(name string) string {
	_, keys, err := j.Merchant.Open(j.t.Context(), merchant.Params{Name: name}, false)
	if err != nil {
		j.t.Fatal(err)
	}
	return keys[0].Plain
}

func (j *jam) scope() id.Scope { return id.Scope{Account: j.Created.Account.Key} }

// checkRefused checks what the refused were told, and that nothing is kept of them.
func (j *jam) checkRefused(refused []answer) {
	for _, a := range refused {
		known, err := j.Rest.Keys.Known(j.t.Context(), j.DB, j.scope(), &idem.Request{Key: a.key})
		if known || err != nil {
			j.t.Errorf("the key of a refused request is kept: %v", err)
		}
		if a.header.Get("Retry-After") == "" || a.header.Get("Stripe-Should-Retry") != "true" || !strings.Contains(a.body, `"code": "rate_limit"`) || !strings.Contains(a.body, `"type": "invalid_request_error"`) {
			j.t.Errorf("a refused request was told %v\n%s", a.header, a.body)
		}
	}
	if n := j.Rest.Refused()[rest.TooLong]; n != int64(len(refused)) {
		j.t.Errorf("%d were refused, and %d counted", len(refused), n)
	}
}

// checkOnce repeats all requests, now that there is room, and checks that each
// has made one payment.
func (j *jam) checkOnce(secret string, accepted, refused []answer) {
	var mu sync.Mutex
	ids := map[string]string{}
	var out sync.WaitGroup
	slots := make(chan struct{}, jamSeats)
	for i, was := range slices.Concat(accepted, refused) {
		slots <- struct{}{}
		out.Go(func() {
			defer func() { <-slots }()
			a := j.pay(secret, was.key)
			if a.status != http.StatusOK || a.replayed != (i < len(accepted)) || a.replayed && a.id != was.id {
				j.t.Errorf("%s, which was answered %d, was answered %d (%v) when repeated: %s", was.key, was.status, a.status, a.replayed, a.body)
			}
			mu.Lock()
			defer mu.Unlock()
			if other := ids[a.id]; other != "" {
				j.t.Errorf("%s and %s made the same payment", other, a.key)
			}
			ids[a.id] = a.key
		})
	}
	out.Wait()
	made, _, err := payment.Intents.List(j.t.Context(), j.DB, j.scope(), object.Range{Limit: 10_000})
	if err != nil || len(made) != len(accepted)+len(refused) {
		j.t.Errorf("%d payments, want %d: %v", len(made), len(accepted)+len(refused), err)
	}
	if err := settled(j.t.Context(), j.DB, func(f ledger.Finding) { j.t.Errorf("%+v", f) }); err != nil {
		j.t.Error(err)
	}
}

// While others are refused, whoever repeats a request that was let in gets its
// answer, and so do reads.
func TestOverloadKnowsWhoWasIn(t *testing.T) {
	j := newJam(t, nil)
	secret := j.Created.SecretKey
	first := j.pay(secret, "first")
	if first.status != http.StatusOK {
		t.Fatal(first.body)
	}
	j.slow.Store(true)
	flooding := make(chan []answer)
	go func() { flooding <- j.flood(secret, 4*jamRate, 600*time.Millisecond) }()
	for !j.DB.Crowded(j.scope().Key()) {
		time.Sleep(time.Millisecond)
	}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		a := j.pay(secret, "first")
		if method == http.MethodGet {
			r := httptest.NewRequestWithContext(t.Context(), method, "/v1/payment_intents/"+first.id, nil)
			r.SetBasicAuth(secret, "")
			a = j.send(r)
		}
		if a.status != http.StatusOK || a.id != first.id {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
	}
	all := <-flooding
	if _, refused, others := byStatus(all); len(refused) == 0 || others > 0 {
		t.Errorf("of %d, %d were refused, and %d answered otherwise", len(all), len(refused), others)
	}
}

// A key that sends more often than it may is told when to come again, others
// and other servers' requests are not counted to it.
func TestRateLimit(t *testing.T) {
	j := newJam(t, func(c *Config) { c.RateLimit, c.RateBurst = 0.01, 3 })
	secret, other := j.Created.SecretKey, j.neighbour("Corner Shop")
	for i := range 5 {
		a := j.pay(secret, fmt.Sprint(i))
		switch {
		case i < 3 && a.status != http.StatusOK:
			t.Errorf("request %d: %d %s", i, a.status, a.body)
		case i >= 3 && (a.status != http.StatusTooManyRequests || a.header.Get("Stripe-Rate-Limited-Reason") != "global-rate" || len(a.header.Get("Retry-After")) < 2):
			t.Errorf("request %d: %d %v", i, a.status, a.header)
		}
	}
	if a := j.pay(other, "0"); a.status != http.StatusOK {
		t.Errorf("another's: %d", a.status)
	}
	if n := j.Rest.Refused()[rest.TooOften]; n != 2 {
		t.Errorf("%d were refused, want 2", n)
	}
	if n := j.Rest.Limits.Rates.Keys(); n != 2 {
		t.Errorf("%d keys are counted, want 2", n)
	}
}

// More requests than may be answered at once are refused, but for repetitions.
func TestTooManyAtOnce(t *testing.T) {
	j := newJam(t, func(c *Config) { c.MaxRequests = 2 })
	secret := j.Created.SecretKey
	if a := j.pay(secret, "first"); a.status != http.StatusOK {
		t.Fatal(a.body)
	}
	inside, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = j.DB.Run(t.Context(), db.Step{Name: "test.hold", Scope: j.scope().Key(), Do: func(*db.Tx) error {
			inside <- struct{}{}
			<-end
			return nil
		}})
	}()
	<-inside
	var out sync.WaitGroup
	for i := range 2 {
		out.Go(func() {
			if a := j.pay(secret, fmt.Sprint("held-", i)); a.status != http.StatusOK {
				t.Errorf("one of those within: %d %s", a.status, a.body)
			}
		})
	}
	for j.DB.Figures().Queued < 2 {
		time.Sleep(time.Millisecond)
	}
	if a := j.pay(secret, "third"); a.status != http.StatusTooManyRequests || a.header.Get("Stripe-Rate-Limited-Reason") != "global-concurrency" || a.header.Get("Retry-After") != "1" {
		t.Errorf("one too many: %d %v", a.status, a.header)
	}
	repeated := make(chan answer)
	go func() { repeated <- j.pay(secret, "first") }()
	for j.DB.Figures().Queued < 3 {
		time.Sleep(time.Millisecond)
	}
	close(end)
	if a := <-repeated; a.status != http.StatusOK || !a.replayed {
		t.Errorf("a repetition: %d %s", a.status, a.body)
	}
	out.Wait()
	if a := j.pay(secret, "third"); a.status != http.StatusOK || a.replayed {
		t.Errorf("the refused one, repeated: %d %s", a.status, a.body)
	}
}
