package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// load is all clients of a run.
type load struct {
	config   Config
	target   *target
	clients  []*client
	accounts []*account
	// readable are the payments that clients read.
	readable []order
	// seen is for the progress, over the whole run; latencies since the last look.
	seen struct {
		requests, payments, errors atomic.Int64
		latency                    histogram
	}
}

// newLoad connects the clients. They pay on all accounts, and read what is
// readable, and what they make themselves to be read.
func newLoad(ctx context.Context, c Config, address string, accounts []*account, readable []order) (*load, error) {
	to, err := newTarget(address)
	if err != nil {
		return nil, err
	}
	l := &load{config: c, target: to, accounts: accounts, readable: readable}
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

// stats is what the clients saw in one round.
type stats struct {
	latency            [kinds]histogram
	late               histogram    // in an open loop: from when an errand was due until it was sent
	requests, payments atomic.Int64 // answered before the round's end, as they should be
}

// round lets all clients go until the gate closes, and calls ended then. It
// returns when the last client has its last answer.
func (l *load) round(ctx context.Context, g *gate, ended func()) (*stats, error) {
	var running sync.WaitGroup
	s := new(stats)
	for _, c := range l.clients {
		running.Go(func() { c.run(ctx, g, s) })
	}
	if !g.end.IsZero() {
		_ = l.config.Clock.Sleep(ctx, g.end.Sub(l.config.Clock.Now())) // the clients end with ctx
		ended()
	}
	running.Wait()
	if g.end.IsZero() {
		ended()
	}
	return s, context.Cause(ctx)
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

// now is the time on the run's clock.
func (l *load) now() time.Time { return l.config.Clock.Now() }
