package payment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// step is one random operation.
func (c *chaos) step(r *rand.Rand) {
	n := r.IntN(100)
	fit := payment.Status("")
	switch {
	case n < 30:
		fit = payment.RequiresPaymentMethod
	case n < 50:
		fit = payment.RequiresCapture
	case n < 65:
		fit = payment.Succeeded
	}
	i, ok := c.pick(r, fit)
	switch {
	case !ok || n < 14:
		c.begin(r)
	case n < 18:
		c.change(r, i)
	case n < 30:
		method := c.card(r)
		c.ask(r, "confirm", func(q *idem.Request) (*idem.Reply, error) {
			return c.Confirm(context.Background(), c.scope, i, payment.ConfirmParams{Method: method}, q)
		})
	case n < 42:
		c.take(r, i)
	case n < 50:
		c.ask(r, "cancel", func(q *idem.Request) (*idem.Reply, error) {
			return c.Cancel(context.Background(), c.scope, i, "abandoned", q)
		})
	case n < 55:
		c.contest(r)
	case n < 65:
		amount := r.Int64N(3500)
		c.ask(r, "refund", func(q *idem.Request) (*idem.Reply, error) {
			return c.Refund(context.Background(), c.scope, payment.RefundParams{Intent: i, Amount: amount}, q)
		})
	case n < 70 && !c.honest:
		c.overtake(r)
	case n < 80:
		c.trip(r)
	case n < 90:
		if c.honest {
			c.way.Lock()
			defer c.way.Unlock()
		}
		c.pass(time.Duration(r.Int64N(int64(40 * time.Second))))
	default:
		c.way.RLock()
		defer c.way.RUnlock()
		if _, err := c.Sweep(context.Background(), 100); err != nil {
			c.t.Error(err)
		}
		_ = c.ReadNotices(context.Background()) // the feed may be what goes wrong
	}
}

// take captures an authorisation, all or a part of it, or has it raised.
func (c *chaos) take(r *rand.Rand, i payment.IntentID) {
	amount, more := r.Int64N(6000), r.IntN(2) == 0 // of at most 5000, and 0 is all
	if r.IntN(4) == 0 {
		c.ask(r, "increment", func(q *idem.Request) (*idem.Reply, error) {
			return c.Increment(context.Background(), c.scope, i, payment.IncrementParams{Amount: 3000 + amount}, q)
		})
		return
	}
	if more {
		amount = 1 + amount/3
	}
	c.ask(r, "capture", func(q *idem.Request) (*idem.Reply, error) {
		return c.Capture(context.Background(), c.scope, i, payment.CaptureParams{Amount: amount, More: more}, q)
	})
}

// change updates an intent: its amount too, which is refused once it is confirmed.
func (c *chaos) change(r *rand.Rand, i payment.IntentID) {
	p := payment.UpdateParams{Changes: payment.Changes{Description: new("changed")}}
	if r.IntN(2) == 0 {
		p.Amount = 1000 + r.Int64N(4001)
	}
	c.ask(r, "update", func(q *idem.Request) (*idem.Reply, error) {
		return c.Update(context.Background(), c.scope, i, p, q)
	})
}

// contest answers one of the disputes that there are, if any is open.
func (c *chaos) contest(r *rand.Rand) {
	var open []int64
	err := dispute.Disputes.Scan(context.Background(), c.DB, func(o *object.Object[dispute.Dispute]) error {
		if s := o.Body.Status; s == dispute.NeedsResponse || s == dispute.WarningNeedsResponse {
			open = append(open, o.Key)
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	if len(open) == 0 {
		c.begin(r)
		return
	}
	key, text := open[r.IntN(len(open))], []string{"", "winning_evidence", "losing_evidence", "escalate_inquiry_evidence", "else"}[r.IntN(5)]
	c.ask(r, "contest", func(q *idem.Request) (*idem.Reply, error) {
		if text == "" {
			return c.disputes().Close(context.Background(), c.scope, key, q)
		}
		return c.disputes().Update(context.Background(), c.scope, key, dispute.Params{Evidence: dispute.Evidence{"uncategorized_text": text}}, q)
	})
}

// cards to confirm with: two that pay and two that don't.
var cards = []string{"pm_card_visa", "pm_card_mastercard", "pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_visa_chargeDeclinedInsufficientFunds"}

// complaining are cards whose payments are disputed, or whose refunds fail or take
// time.
var complaining = []string{"pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_card_createMultipleDisputes", "pm_card_createIssuerFraudRecord",
	"pm_card_refundFail", "pm_card_pendingRefund"}

// card chooses one to pay with. Where a provider can neither be asked nor be told
// again, what is disputed could not be undone, and nobody would ever know.
func (c *chaos) card(r *rand.Rand) string {
	if c.seed%5 != 4 && r.IntN(3) == 0 {
		return complaining[r.IntN(len(complaining))]
	}
	return cards[r.IntN(len(cards))]
}

// pick chooses one of the last intents, mostly one in a fitting status.
func (c *chaos) pick(r *rand.Rand, fit payment.Status) (payment.IntentID, bool) {
	c.mu.Lock()
	recent := slices.Clone(c.intents[max(0, len(c.intents)-8):])
	c.mu.Unlock()
	if len(recent) == 0 {
		return 0, false
	}
	chosen := recent[r.IntN(len(recent))]
	if r.IntN(4) == 0 {
		return chosen, true
	}
	for _, i := range recent {
		o, ok, err := payment.Intents.Read(context.Background(), c.DB, c.scope, int64(i))
		if err != nil || !ok {
			c.t.Error(ok, err)
		} else if o.Body.Status == fit {
			chosen = i
		}
	}
	return chosen, true
}

func (c *chaos) begin(r *rand.Rand) {
	p := payment.CreateParams{Amount: money.New(1000+r.Int64N(4001), []money.Currency{"usd", "eur"}[r.IntN(2)]), CaptureMethod: []string{"automatic", "manual"}[r.IntN(2)]}
	if r.IntN(4) > 0 {
		p.Method, p.Confirm = c.card(r), r.IntN(4) > 0
	}
	if r.IntN(2) == 0 {
		yes := payment.IfAvailable
		p.Changes.Card = &payment.CardChanges{Incremental: &yes, Multicapture: &yes, Overcapture: &yes}
	}
	c.ask(r, "create", func(q *idem.Request) (*idem.Reply, error) {
		reply, err := c.Create(context.Background(), c.scope, p, q)
		if err == nil && !reply.Replayed {
			if o, ok := reply.Main.(*object.Object[payment.Intent]); ok {
				c.mu.Lock()
				c.intents = append(c.intents, payment.IntentID(o.Key))
				c.mu.Unlock()
			}
		}
		return reply, err
	})
}

// ask does an operation, sometimes without a key, sometimes twice at once under
// one, and sometimes once more later.
func (c *chaos) ask(r *rand.Rand, what string, do func(*idem.Request) (*idem.Reply, error)) {
	q := key(fmt.Sprint(c.seed, " ", what, " ", c.keys.Add(1)))
	how := r.IntN(6)
	if how < 2 {
		q.Key = ""
	}
	var wg sync.WaitGroup
	if how == 2 {
		wg.Go(func() { c.judge(what, do, q) })
	}
	first := c.judge(what, do, q)
	wg.Wait()
	if how != 3 || first == nil {
		return
	}
	again := c.judge(what, do, q)
	if again == nil {
		c.t.Errorf("%s: a finished request was refused when it was repeated", what)
		return
	}
	if diff := cmp.Diff([]any{first.Kind, first.Shown, first.Error}, []any{again.Kind, again.Shown, again.Error}); diff != "" || !again.Replayed {
		c.t.Errorf("%s: replayed %v, and otherwise: %s", what, again.Replayed, diff)
	}
}

// judge does it once. Only refusals that a caller may get are taken.
func (c *chaos) judge(what string, do func(*idem.Request) (*idem.Reply, error), q *idem.Request) *idem.Reply {
	own := *q // a request is one caller's
	c.way.RLock()
	reply, err := do(&own)
	c.way.RUnlock()
	switch k := fault.KindOf(err); {
	case err == nil && reply.Error == nil:
		c.total.add(what, 1)
		return reply
	case err == nil:
		c.total.add(what+" refused", 1)
		return reply
	case k == fault.Locked, k == fault.KeyInUse, k == fault.Overloaded, k == fault.Unavailable:
		c.total.add(k.String(), 1)
	default:
		c.t.Errorf("%s: %v", what, err)
	}
	return nil
}

var (
	faultModes = []sandbox.Mode{sandbox.Lost, sandbox.Late, sandbox.Reset, sandbox.Refused, sandbox.Garbage, sandbox.SlowProcess}
	faultKinds = []sandbox.Kind{sandbox.Authorize, sandbox.Sale, sandbox.Capture, sandbox.Increment, sandbox.Refund, sandbox.Reversal, sandbox.Inquiry, sandbox.Contest, sandbox.Feed, ""}
)

// trip makes the next request of a kind go wrong, or all until the next trip.
func (c *chaos) trip(r *rand.Rand) {
	c.down.Store(r.IntN(12) == 0)
	f := sandbox.Fault{Mode: faultModes[r.IntN(len(faultModes))], Kind: faultKinds[r.IntN(len(faultKinds))], Delay: time.Duration(r.Int64N(int64(slowest)))}
	if c.honest && f.Mode == sandbox.SlowProcess {
		f.Mode = sandbox.Lost
	}
	if err := c.sim.Inject(f); err != nil {
		c.t.Error(err)
	}
	c.total.add(string(f.Mode), 1)
}

// overtake has the provider dawdle over a payment until our clock is past the
// horizon that it promised, so that it is called failed and succeeds late.
func (c *chaos) overtake(r *rand.Rand) {
	for _, kind := range []sandbox.Kind{sandbox.Sale, sandbox.Authorize} {
		if err := c.sim.Inject(sandbox.Fault{Mode: sandbox.SlowProcess, Kind: kind, Delay: slowest}); err != nil {
			c.t.Error(err)
		}
	}
	c.begin(r)
	for range 3 {
		c.pass(31 * time.Second)
		if _, err := c.Sweep(context.Background(), 100); err != nil {
			c.t.Error(err)
		}
	}
}

// pass moves our clock, but not so fast that the provider, which processes
// what it was sent within a window of real time, could come to it after we have
// asked for the last time whether it did.
func (c *chaos) pass(d time.Duration) {
	const window, most = 2 * (slowest + patience), 100 * time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for len(c.passed) > 0 && now.Sub(c.passed[0].at) > window {
		c.recent -= c.passed[0].d
		c.passed = c.passed[1:]
	}
	if c.recent+d > most {
		return
	}
	c.recent += d
	c.passed = append(c.passed, jump{now, d})
	c.clock.Advance(d)
}

// jump is a move of our clock.
type jump struct {
	at time.Time
	d  time.Duration
}

// settle lets everything come to its end without further trouble.
func (c *chaos) settle() {
	c.down.Store(false)
	c.sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodDelete, "/faults", nil))
	time.Sleep(slowest + patience)
	c.quiet(c.shop)
	c.rest()
	c.listen()
	for _, charge := range c.unwanted() {
		err := c.GiveBack(context.Background(), c.scope, charge)
		if err != nil { // its refund may be one that takes time
			c.listen()
			c.rest()
			err = c.GiveBack(context.Background(), c.scope, charge)
		}
		if err != nil && !c.contradicted(charge) {
			c.t.Errorf("nothing is wrong any more: %v", err)
		}
		c.total.add("given back", 1)
	}
	c.rest()
	c.listen()
	c.quiet(c.shop)
	c.rest()
	if err := dispute.Disputes.Scan(context.Background(), c.DB, func(o *object.Object[dispute.Dispute]) error {
		c.total.add("dispute "+string(o.Body.Status), 1)
		return nil
	}); err != nil {
		c.t.Error(err)
	}
}

// listen takes in what the simulator has to tell, and what it does later.
func (c *chaos) listen() {
	for range 2 {
		time.Sleep(2 * later)
		c.clock.Advance(10 * time.Minute)
		if _, err := c.Vault.ExpireCVC(context.Background(), 1000); err != nil {
			c.t.Error(err)
		}
		if err := c.ReadNotices(context.Background()); err != nil {
			c.t.Error(err)
		}
	}
}

// contradicted reports whether an operation on a charge happened after it was
// called failed, so that the provider has nothing more to give back.
func (c *chaos) contradicted(charge payment.ChargeID) (found bool) {
	err := payment.Attempts.Scan(context.Background(), c.DB, func(a *object.Object[payment.Attempt]) error {
		found = found || a.Body.Charge == charge && a.Body.Note == contradicted
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	return found
}
