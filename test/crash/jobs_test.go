//go:build unix && !probe

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// eachKind is how many jobs there are of a kind, in one moment.
const eachKind = 4

// effects are what jobs do, by the event that tells of it once for each.
var effects = map[string]string{
	"test_helpers.test_clock.ready":             "a clock has been moved",
	"test_helpers.test_clock.deleted":           "a clock has been deleted",
	"charge.expired":                            "an authorisation has been released at its end",
	"charge.dispute.closed":                     "a dispute that nobody answered has ended",
	"charge.dispute.created":                    "what a provider told has been applied",
	"charge.refunded":                           "what was not wanted has been given back",
	"customer_cash_balance_transaction.created": "a cash balance has money",
}

// TestJobsRunOnce: three nodes, of which one after another is killed, do jobs of
// each kind at once. Each has its effect once: by the events, and where a provider
// is asked for something, by its own book.
func TestJobsRunOnce(t *testing.T) {
	severalNodes(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	seed := number(t, "FLORIN_SEED", 1)
	t.Logf("FLORIN_SEED=%d", seed)
	box := florintest.NewSandbox(t, florintest.SandboxOptions{})
	o := florintest.Options{Sandbox: box.URL, Args: []string{timeout}, Env: []string{"FLORIN_SANDBOX_SECRET=" + florintest.PushSecret}}
	nodes := florintest.Nodes(t, 3, o)
	if err := box.PushTo(ctx, nodes[0]); err != nil {
		t.Fatal(err)
	}
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	w := &works{t: t, ctx: ctx, c: c}
	now := time.Now()
	for range eachKind {
		w.prepare(now)
	}
	w.owe(nodes[0])
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		random, kills := rand.New(rand.NewPCG(seed, 11)), 0
		for ; ; kills++ {
			select {
			case <-stop:
				stopped <- kills
				return
			case <-time.After(time.Duration(50+random.IntN(400)) * time.Millisecond):
			}
			n := nodes[random.IntN(len(nodes))]
			if err := n.Kill(); err != nil {
				t.Error(err)
			}
			if err := n.Restart(ctx); err != nil {
				t.Error(err)
			}
		}
	}()
	w.work(now)
	close(stop)
	t.Logf("%d kills", <-stopped)
	w.count(box)
}

// works is what there is for jobs to do.
type works struct {
	t        *testing.T
	ctx      context.Context
	c        *client
	keys     int
	clocks   []string
	held     []string // intents whose authorisations end with their clocks' advance
	disputes []string // intents whose disputes nobody answers
	unwanted []string // charges
	told     []string // intents whose disputes are told while nodes die
	rich     []string // customers with cash
}

func (w *works) post(path string, pairs ...string) thing {
	w.t.Helper()
	w.keys++
	a, err := w.c.do(w.ctx, &call{Key: fmt.Sprint("work-", w.keys), Path: path, Form: fields(pairs...)}, func() {})
	o, bad := a.thing()
	if err != nil || bad != nil || a.Status != http.StatusOK {
		w.t.Fatalf("%s: %d %s %v %v", path, a.Status, a.Body, err, bad)
	}
	return o
}

// prepare makes a clock with one thing of each kind on it.
func (w *works) prepare(now time.Time) {
	w.t.Helper()
	clock := w.post("/v1/test_helpers/test_clocks", "frozen_time", fmt.Sprint(now.Unix()))
	w.clocks = append(w.clocks, clock.ID)
	pay := func(card, capture string) string {
		customer := w.post("/v1/customers", "test_clock", clock.ID)
		method := w.post("/v1/payment_methods/"+card+"/attach", "customer", customer.ID)
		return w.post("/v1/payment_intents", "amount", "2345", "currency", "usd", "customer", customer.ID, "payment_method", method.ID,
			"capture_method", capture, "confirm", "true", "return_url", "https://shop.example/back").ID
	}
	w.held = append(w.held, pay("pm_card_visa", "manual"))
	w.disputes = append(w.disputes, pay("pm_card_createDispute", "automatic"))
	w.unwanted = append(w.unwanted, w.post("/v1/payment_intents", saleOf("pm_card_visa")...).LatestCharge)
	w.rich = append(w.rich, w.post("/v1/customers", "email", "jenny@example.com").ID)
}

// owe leaves jobs that give the unwanted charges back.
func (w *works) owe(server *florintest.Server) {
	w.t.Helper()
	d := reader(w.t, server.DB)
	defer func() { _ = d.Close() }()
	err := d.ClaimNode(w.ctx)
	if err == nil {
		err = payment.Charges.Scan(w.ctx, d, func(ch *object.Object[payment.Charge]) error {
			if !slices.Contains(w.unwanted, payment.Charges.ID(ch.Scope, ch.Key)) {
				return nil
			}
			return d.Run(w.ctx, db.Step{Name: "crash.owe", Scope: ch.Scope.Key(), Do: func(tx *db.Tx) error {
				return job.Enqueue(tx, ch.Scope, tx.NewKey(), payment.GiveBackJob, tx.Now().Add(time.Second), payment.GiveBackPayload{Charge: payment.ChargeID(ch.Key)})
			}})
		})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// work has everything fall due, and waits until it is done.
func (w *works) work(now time.Time) {
	w.t.Helper()
	for i, clock := range w.clocks {
		w.post("/v1/test_helpers/test_clocks/"+clock+"/advance", "frozen_time", fmt.Sprint(now.Add(12*24*time.Hour).Unix()))
		w.post("/v1/test_helpers/customers/"+w.rich[i]+"/fund_cash_balance", "amount", "1500", "currency", "usd")
		w.told = append(w.told, w.post("/v1/payment_intents", saleOf("pm_card_createDisputeProductNotReceived")...).ID)
	}
	w.until("the clocks are moved", w.clocks, "/v1/test_helpers/test_clocks/", func(o thing) bool { return o.Status == "ready" })
	w.until("authorisations end", w.held, "/v1/payment_intents/", func(o thing) bool { return o.Status == "canceled" })
	w.until("money is given back", w.unwanted, "/v1/charges/", func(o thing) bool { return o.AmountRefunded == o.Amount })
	w.until("disputes are lost", w.disputes, "", func(o thing) bool { return o.Status == "lost" })
	w.until("disputes are told", w.told, "", func(o thing) bool { return o.Status == "needs_response" })
	for _, clock := range w.clocks {
		for {
			a, err := w.c.try(w.ctx, http.MethodDelete, "/v1/test_helpers/test_clocks/"+clock, nil, "")
			if err == nil && (a.Status == http.StatusOK || a.Status == http.StatusNotFound) {
				break
			}
			if sleep(w.ctx, 50*time.Millisecond) != nil {
				w.t.Fatalf("%s is not deleted: %+v %v", clock, a, err)
			}
		}
	}
	for begun := time.Now(); ; {
		list, err := w.c.list(w.ctx, "/v1/customers")
		if err == nil && len(list) == eachKind { // those on no clock
			return
		}
		if sleep(w.ctx, 100*time.Millisecond) != nil || time.Since(begun) > settleLimit {
			w.t.Fatalf("%d customers are left, %v", len(list), err)
		}
	}
}

// until waits until all of some objects are as wanted; an empty path finds the
// disputes of intents.
func (w *works) until(what string, ids []string, path string, good func(thing) bool) {
	w.t.Helper()
	begun := time.Now()
	for _, id := range ids {
		for {
			var o thing
			var list []thing
			var err error
			if path != "" {
				o, err = w.c.retrieve(w.ctx, path+id)
			} else if list, err = w.c.list(w.ctx, "/v1/disputes", "&payment_intent="+id); len(list) > 0 {
				o = list[0]
			}
			if err == nil && good(o) {
				break
			}
			if sleep(w.ctx, 100*time.Millisecond) != nil || time.Since(begun) > settleLimit {
				w.t.Fatalf("%s: %s is %+v, %v", what, id, o, err)
			}
		}
	}
}

// count counts the effects.
func (w *works) count(box *florintest.Sandbox) {
	w.t.Helper()
	seen := map[string]map[string]int{} // by type and object
	for after := ""; ; {
		body, err := w.c.get(w.ctx, "/v1/events?limit=100"+after)
		var page struct {
			Data []struct {
				ID   string
				Type string
				Data struct{ Object thing }
			}
			HasMore bool `json:"has_more"`
		}
		if err == nil {
			err = json.Unmarshal(body, &page)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Data {
			if seen[e.Type] == nil {
				seen[e.Type] = map[string]int{}
			}
			seen[e.Type][e.Data.Object.ID]++
			after = "&starting_after=" + e.ID
		}
		if !page.HasMore {
			break
		}
	}
	for typ, what := range effects {
		want := eachKind
		if typ == "charge.dispute.created" {
			want = 2 * eachKind
		}
		if len(seen[typ]) != want {
			w.t.Errorf("%s: %d times instead of %d", what, len(seen[typ]), want)
		}
		for id, n := range seen[typ] {
			if n != 1 {
				w.t.Errorf("%s %d times: %s", what, n, id)
			}
		}
	}
	list, err := box.Operations(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	done := map[sandbox.Kind]map[string]int{sandbox.Refund: {}, sandbox.Reversal: {}}
	for _, op := range list {
		if of := done[op.Kind]; of != nil && op.State == sandbox.Approved {
			of[op.Original]++
		}
	}
	for kind, of := range done {
		if len(of) != eachKind {
			w.t.Errorf("the acquirer has %d of kind %s, instead of %d", len(of), kind, eachKind)
		}
		for original, n := range of {
			if n != 1 {
				w.t.Errorf("the acquirer was asked for %d of kind %s on %s", n, kind, original)
			}
		}
	}
}
