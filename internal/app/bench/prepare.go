package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
)

// account is a merchant of the run.
type account struct {
	key string // its secret key
	// customer and method are a customer with a stored card; empty: not made yet.
	customer, method string
	subscribed       bool // its webhook endpoint is made
	// newest are the newest objects of lists when somebody last looked.
	newest map[string]string
}

// pick gives the account of an errand: the first for so many of a hundred as are
// hot, otherwise any of the others, each as often as another.
func pick(accounts []*account, hot int, errand uint64) *account {
	if len(accounts) == 1 {
		return accounts[0]
	}
	draw := rand.New(rand.NewPCG(errand, uint64(len(accounts))))
	switch {
	case hot == 0:
		return accounts[draw.IntN(len(accounts))]
	case draw.IntN(100) < hot:
		return accounts[0]
	}
	return accounts[1+draw.IntN(len(accounts)-1)]
}

// toRead is how many payments each client makes first where it is to read.
const toRead = 10

// prepare makes what the run needs: webhook endpoints that are told at hook, if
// that is not empty, customers with a card, and payments to be read.
func (l *load) prepare(ctx context.Context, hook string) error {
	mix := mixes[l.config.Mix]
	err := l.each(ctx, len(l.accounts), func(c *client, n int) error {
		if err := c.subscribe(ctx, l.accounts[n], hook); err != nil || !uses(mix, payStored) {
			return err
		}
		return c.store(ctx, l.accounts[n])
	})
	if err != nil || len(l.readable) > 0 || !uses(mix, retrieve) && !uses(mix, list) {
		return err
	}
	var mu sync.Mutex
	aside := new(stats)
	return l.each(ctx, len(l.clients)*toRead, func(c *client, _ int) error {
		o := c.order()
		if !c.step(ctx, pay, &o, &gate{clock: l.config.Clock}, aside, l.now()) {
			return fmt.Errorf("no payment could be made to be read: %v", c.errors)
		}
		mu.Lock()
		defer mu.Unlock()
		l.readable = append(l.readable, o)
		return nil
	})
}

// each has the clients do something n times, and ends at the first error.
func (l *load) each(ctx context.Context, n int, f func(c *client, n int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var next atomic.Int64
	for _, c := range l.clients {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(c, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// eventTypes are what --webhooks subscribes to.
var eventTypes = map[string]string{WebhooksNone: "", WebhooksOne: succeeded, WebhooksAll: "*"}

// subscribe makes the webhook endpoint of an account.
func (c *client) subscribe(ctx context.Context, a *account, hook string) error {
	types := eventTypes[c.load.config.Webhooks]
	if hook == "" || types == "" || a.subscribed {
		return nil
	}
	_, err := c.make(ctx, a, "/v1/webhook_endpoints", url.Values{"url": {hook + hookPath}, "enabled_events[]": {types}})
	a.subscribed = err == nil
	return err
}

// store makes a customer with a card.
func (c *client) store(ctx context.Context, a *account) (err error) {
	if a.method != "" {
		return nil
	}
	if a.customer, err = c.make(ctx, a, "/v1/customers", url.Values{"name": {"Regular"}}); err == nil {
		a.method, err = c.make(ctx, a, "/v1/payment_methods/pm_card_visa/attach", url.Values{"customer": {a.customer}})
	}
	return err
}

// make makes an object and gives its id.
func (c *client) make(ctx context.Context, a *account, path string, form url.Values) (id string, err error) {
	status, body, _, err := c.conn.do(ctx, request{method: http.MethodPost, path: path, form: form.Encode(), key: c.key(), secret: a.key})
	if err != nil || status != http.StatusOK {
		e := refusal(status, body, err)
		return "", fmt.Errorf("POST %s: %s: %s", path, e.Kind, e.Example)
	}
	made, err := read(body)
	if err == nil && made.id == "" {
		err = fmt.Errorf("POST %s: 200 with no id", path)
	}
	return made.id, err
}
