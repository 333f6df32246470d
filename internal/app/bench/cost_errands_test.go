//go:build unix

package bench

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"sync"
	"time"
)

// costAmount is that of all payments, so that none is longer than another.
const costAmount = 4200

// errand is something that is counted.
type errand struct {
	name string
	// each is of how many things alike one of it consists.
	each int
	// lone: one of it can't be made ready while another one is.
	lone bool
	// chance is by what share allocations and their bytes may differ, where something
	// depends on who comes first.
	chance float64
	// loose: so do the trains, and how often is looked what there is.
	loose bool
	// paged: SQLite's log is looked at. It is begun anew after some thousand pages, so
	// these come first.
	paged bool
	// hooked: from here on there is a webhook endpoint.
	hooked bool
	ready  func(c *costs) (do, check func())
}

// atOnce is how many payments share their trains where they come together, and how
// many webhooks are due together.
const atOnce = 32

// costErrands is what is counted, in this order. Nobody listens to the first ones.
var costErrands = []errand{
	{name: "payment", each: 1, paged: true, ready: asked(pay, nothing)},
	{name: fmt.Sprintf("payment of %d at once", atOnce), each: atOnce, chance: 0.08, paged: true, ready: together(atOnce, asked(pay, nothing))},
	{name: "stored card", each: 1, ready: asked(payStored, nothing)},
	{name: "authorise", each: 1, ready: asked(authorize, nothing)},
	{name: "capture", each: 1, ready: asked(capture, func(c *costs) order { return c.made(authorize) })},
	{name: "refund", each: 1, ready: asked(refund, func(c *costs) order { return c.made(pay) })},
	{name: "retrieve", each: 1, ready: asked(retrieve, func(c *costs) order { return c.paid })},
	{name: "list of ten", each: 1, ready: asked(list, nothing)},
	{name: fmt.Sprintf("index of %d payments for search", atOnce), each: atOnce, lone: true, ready: indexed},
	{name: "webhook", each: 1, lone: true, hooked: true, ready: delivered(1)},
	{name: fmt.Sprintf("webhook of %d due at once", atOnce), each: atOnce, lone: true, chance: 0.25, loose: true, hooked: true, ready: delivered(atOnce)},
}

// asked is an errand of one request.
func asked(k kind, to func(c *costs) order) func(*costs) (do, check func()) {
	return func(c *costs) (func(), func()) {
		p := c.prepare(k, to(c))
		return p.make, func() { p.id(c.t) }
	}
}

func nothing(*costs) order { return order{} }

// made makes a payment that is not counted.
func (c *costs) made(k kind) order {
	c.t.Helper()
	p := c.prepare(k, order{})
	c.tick()
	p.make()
	c.paid = order{intent: p.id(c.t)}
	return c.paid
}

// stocked makes so many payments that are not counted, all at once: that is quicker.
func (c *costs) stocked(n int) {
	c.t.Helper()
	do, check := together(n, asked(pay, nothing))(c)
	c.tick()
	do()
	check()
}

// tick moves the clock: nothing is made in the same millisecond as anything else.
func (c *costs) tick() { c.clock.Advance(time.Millisecond) }

// delivered is delivering what so many payments have to tell.
func delivered(payments int) func(c *costs) (do, check func()) {
	return func(c *costs) (do, check func()) {
		c.stocked(payments)
		before := c.told.Load()
		return c.work(c.app.Webhooks.Work), func() {
			if told := c.told.Load() - before; told != int64(payments) {
				c.t.Fatalf("%d webhooks of %d payments", told, payments)
			}
		}
	}
}

// indexed is making payments findable.
func indexed(c *costs) (do, check func()) {
	c.work(c.app.Search.CatchUp)()
	c.stocked(atOnce)
	return c.work(c.app.Search.CatchUp), func() {}
}

func (c *costs) work(f func(context.Context) error) func() {
	return func() {
		if err := f(c.t.Context()); err != nil {
			c.t.Error(err)
		}
	}
}

// together is one errand done by many at once, the steps of all in the same trains.
func together(n int, ready func(c *costs) (do, check func())) func(c *costs) (do, check func()) {
	return func(c *costs) (func(), func()) {
		var dos, checks []func()
		for range n {
			do, check := ready(c)
			dos, checks = append(dos, do), append(checks, check)
		}
		all := func() {
			c.riders.Store(int64(n))
			defer c.riders.Store(1)
			var running sync.WaitGroup
			for _, do := range dos {
				running.Go(do)
			}
			running.Wait()
		}
		return all, func() {
			for _, check := range checks {
				check()
			}
		}
	}
}

// depart has a train wait for as many riders as are to come.
func (c *costs) depart() {
	for d := c.db.Load(); d != nil && int64(d.Queued()) < c.riders.Load(); {
		runtime.Gosched()
	}
}

// stock makes what the errands need.
func (c *costs) stock() {
	c.account.customer = c.post("/v1/customers", url.Values{"name": {"Regular"}})
	c.account.method = c.post("/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {c.account.customer}})
	for range 10 { // one list is full
		c.made(pay)
	}
}
