package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crypto/rand"
)

// load is all clients of a run.
type load struct {
	config  Config
	target  *target
	clients []*client
	// seen is for the progress, over the whole run.
	seen struct{ requests, payments, errors atomic.Int64 }
}

// newLoad connects the clients.
func newLoad(ctx context.Context, c Config, address, key string) (*load, error) {
	to, err := newTarget(address, key)
	if err != nil {
		return nil, err
	}
	l := &load{config: c, target: to}
	run := "bench-" + strings.ToLower(rand.Text()[:8])
	for n := range c.Clients {
		l.clients = append(l.clients, &client{
			load: l, number: n, name: fmt.Sprintf("%s-%d-", run, n), journeys: mixes[c.Mix], next: n,
			conn: conn{target: to, clock: c.Clock},
		})
	}
	for _, c := range l.clients {
		if err := c.conn.dial(ctx); err != nil {
			l.close()
			return nil, fmt.Errorf("connect client %d: %w", c.number, err)
		}
	}
	return l, nil
}

func (l *load) close() {
	for _, c := range l.clients {
		c.conn.close()
	}
}

// limit ends a round: no journey begins once the time is over or the requests
// are used up.
type limit struct {
	end  time.Time    // zero: no end
	left atomic.Int64 // counts if end is zero
}

func (l *limit) begin(now time.Time, requests int) bool {
	if l.end.IsZero() {
		return l.left.Add(-int64(requests))+int64(requests) > 0
	}
	return now.Before(l.end)
}

// counted reports whether an answer that came now counts for the rate.
func (l *limit) counted(now time.Time) bool { return l.end.IsZero() || !now.After(l.end) }

// stats is what one client saw in one round.
type stats struct {
	latency            [kinds]*histogram
	requests, payments int64 // answered before the round's end, as they should be
}

func (s *stats) record(k kind, d time.Duration) {
	if s.latency[k] == nil {
		s.latency[k] = new(histogram)
	}
	s.latency[k].record(d)
}

func (s *stats) add(o *stats) {
	s.requests += o.requests
	s.payments += o.payments
	for k, h := range o.latency {
		if h == nil {
			continue
		}
		if s.latency[k] == nil {
			s.latency[k] = new(histogram)
		}
		s.latency[k].add(h)
	}
}

// round lets all clients go until the limit, and calls ended when it is reached.
// It returns when the last client has its last answer.
func (l *load) round(ctx context.Context, until *limit, ended func()) (*stats, error) {
	var running sync.WaitGroup
	each := make([]stats, len(l.clients))
	for i, c := range l.clients {
		running.Go(func() { c.run(ctx, until, &each[i]) })
	}
	if !until.end.IsZero() {
		_ = l.config.Clock.Sleep(ctx, until.end.Sub(l.config.Clock.Now())) // the clients end with ctx
		ended()
	}
	running.Wait()
	if until.end.IsZero() {
		ended()
	}
	var sum stats
	for i := range each {
		sum.add(&each[i])
	}
	return &sum, context.Cause(ctx)
}

// toRead is how many payments each client makes first where it is to read.
const toRead = 10

// prepare makes the payments that are going to be read.
func (l *load) prepare(ctx context.Context) error {
	if !reads(mixes[l.config.Mix]) {
		return nil
	}
	var running sync.WaitGroup
	for _, c := range l.clients {
		running.Go(func() {
			for range toRead {
				o := c.order()
				if c.step(ctx, pay, &o, &limit{}, &stats{}) {
					c.readable = append(c.readable, o)
				}
			}
		})
	}
	running.Wait()
	for _, c := range l.clients {
		if len(c.readable) == 0 && ctx.Err() == nil {
			return fmt.Errorf("no payment could be made to be read: %v", c.errors)
		}
	}
	return context.Cause(ctx)
}

// errors are the errors of all clients by kind, in no order.
func (l *load) errors() map[string]*ErrorCount {
	all := map[string]*ErrorCount{}
	for _, c := range l.clients {
		for kind, e := range c.errors {
			if all[kind] == nil {
				all[kind] = &ErrorCount{Kind: kind, Example: e.Example}
			}
			all[kind].Count += e.Count
		}
	}
	return all
}
