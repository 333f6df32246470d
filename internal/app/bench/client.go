package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/florinpay/florin/internal/core/payment"
)

// client does one journey after another over its one connection.
type client struct {
	load     *load
	number   int
	name     string // the beginning of its idempotency keys
	serial   int64  // of its requests
	orders   uint64
	journeys []journey
	next     int // of journeys, counted on
	conn     conn

	told   told
	errors map[string]*ErrorCount
}

// told is what a client was told, for the check at the end.
type told struct {
	payments, refunds []receipt
	// unsure are the requests of which the client does not know what became.
	unsurePayments, unsureRefunds int64
}

// receipt is a payment or refund that was acknowledged.
type receipt struct{ key, amount int64 }

// pauseAfterError keeps a client from hammering at a server that refuses.
const pauseAfterError = 10 * time.Millisecond

func (c *client) run(ctx context.Context, g *gate, s *stats) {
	for ; ctx.Err() == nil; c.next++ {
		j := c.journeys[c.next%len(c.journeys)]
		due, ok := g.pass(ctx, len(j))
		if !ok {
			return
		}
		o := c.order()
		if j[0] == retrieve {
			o = c.load.readable[rand.IntN(len(c.load.readable))]
		}
		for _, k := range j {
			if !c.step(ctx, k, &o, g, s, due) {
				if due.IsZero() {
					_ = c.conn.clock.Sleep(ctx, pauseAfterError) // the loop sees ctx
				}
				break
			}
			due = time.Time{} // the next is due when this one is done
		}
	}
}

// order is a new order, its amount between 10 and 100 dollars.
func (c *client) order() order {
	c.orders++
	errand := uint64(c.number)<<40 | c.orders
	return order{amount: 1000 + int64(errand*7919+errand>>40*31)%9000, account: pick(c.load.accounts, c.load.config.Hot, errand)}
}

// key is a new idempotency key.
func (c *client) key() string {
	c.serial++
	return c.name + strconv.FormatInt(c.serial, 10)
}

// step sends one request and judges the answer. Its latency counts from when it
// was due or, where that is zero, from now.
func (c *client) step(ctx context.Context, k kind, o *order, g *gate, s *stats, due time.Time) bool {
	r := k.request(*o, c.key())
	r.secret = o.account.key
	began := c.conn.clock.Now()
	if due.IsZero() {
		due = began
	} else {
		s.late.record(began.Sub(due))
	}
	status, body, sent, err := c.conn.do(ctx, r)
	now := c.conn.clock.Now()
	if err != nil || status != http.StatusOK {
		if err != nil && ctx.Err() != nil && !sent {
			return false // the run was broken off
		}
		c.failed(k, sent && (err != nil || status >= http.StatusInternalServerError), refusal(status, body, err))
		return false
	}
	answer, err := read(body)
	wrong := ""
	if err != nil {
		wrong = "200 with something else"
	} else {
		wrong = k.wrong(*o, answer)
	}
	if wrong == "" {
		wrong = c.acknowledge(k, o, answer)
	}
	if wrong != "" {
		c.failed(k, true, ErrorCount{Kind: wrong, Example: clip(body)})
		return false
	}
	c.count(k, g, s, now, now.Sub(due))
	return true
}

// count counts an answer that is as it should be.
func (c *client) count(k kind, g *gate, s *stats, now time.Time, took time.Duration) {
	s.latency[k].record(took)
	seen := &c.load.seen
	seen.latency.record(took)
	seen.requests.Add(1)
	paid := int64(0)
	if k.pays() {
		paid = 1
		seen.payments.Add(1)
	}
	if g.counted(now) {
		s.requests.Add(1)
		s.payments.Add(paid)
	}
}

// acknowledge keeps what was told, or says what is wrong about it.
func (c *client) acknowledge(k kind, o *order, s shown) string {
	switch k {
	case pay, payStored, authorize, capture:
		key, ok := payment.Intents.Prefix.Parse(s.id)
		if !ok {
			return "200 with no id of a payment intent"
		}
		o.intent = s.id
		if k != authorize {
			c.told.payments = append(c.told.payments, receipt{key, o.amount})
		}
	case refund:
		key, ok := payment.Refunds.Prefix.Parse(s.id)
		if !ok {
			return "200 with no id of a refund"
		}
		c.told.refunds = append(c.told.refunds, receipt{key, o.amount})
	}
	return ""
}

// failed counts a request that did not go as it should. unsure tells that it may
// have had its effect nevertheless.
func (c *client) failed(k kind, unsure bool, e ErrorCount) {
	c.load.seen.errors.Add(1)
	if c.errors == nil {
		c.errors = map[string]*ErrorCount{}
	}
	e.Kind = kindNames[k] + ": " + e.Kind
	if c.errors[e.Kind] == nil {
		c.errors[e.Kind] = &e
	}
	c.errors[e.Kind].Count++
	switch {
	case !unsure:
	case k.pays():
		c.told.unsurePayments++
	case k == refund:
		c.told.unsureRefunds++
	}
}

// refusal is what an answer that is no success counts as.
func refusal(status int, body []byte, err error) ErrorCount {
	if err != nil {
		return ErrorCount{Kind: "no answer (" + cause(err) + ")", Example: err.Error()}
	}
	var text struct {
		Error struct{ Type, Code, Message string }
	}
	e := ErrorCount{Kind: strconv.Itoa(status), Example: clip(body)}
	if json.Unmarshal(body, &text) == nil && text.Error.Type != "" {
		e.Kind = fmt.Sprintf("%d %s", status, text.Error.Type)
		if text.Error.Code != "" {
			e.Kind = fmt.Sprintf("%d %s", status, text.Error.Code)
		}
		e.Example = text.Error.Message
	}
	return e
}

func clip(text []byte) string {
	const most = 200
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
