package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run measures and checks what c says, once. Errors and failed checks of what is
// measured are in the report; an error means that there is none.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.URL != "" {
		r, err := measure(ctx, c, nil)
		if err == nil {
			r.judge()
		}
		return r, err
	}
	list, err := runs(ctx, c, 1)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// runs makes so many runs on one database.
func runs(ctx context.Context, c Config, n int) (list []*Report, err error) {
	h, err := raise(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.clear(ctx)) }()
	for range n {
		r, err := h.run(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// run starts a server, measures it, then stops it and looks at what is left.
func (h *host) run(ctx context.Context) (*Report, error) {
	if err := h.begin(ctx); err != nil {
		return nil, errors.Join(err, h.stop())
	}
	return h.attend(ctx)
}

// attend measures what was started, as long as it runs.
func (h *host) attend(ctx context.Context) (*Report, error) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	h.watch(cancel, over)
	c := h.config
	c.URL, c.Key = h.server.url, h.accounts[0].key
	r, err := measure(running, c, h)
	close(over)
	if why := context.Cause(running); why != nil {
		return nil, why // what failed then failed because of it
	}
	if err != nil {
		return nil, err
	}
	if err := h.finish(ctx, r); err != nil {
		return nil, err
	}
	r.judge()
	return r, nil
}

// measure sends the load and compares what the clients were told with Florin
// and, where it was started here, with the sandbox.
func measure(ctx context.Context, c Config, h *host) (*Report, error) {
	accounts, readable, address := []*account{{key: c.Key}}, []order(nil), ""
	var before Count
	if h != nil {
		accounts = h.accounts
		if err := before.addBook(ctx, h.sandbox.url); err != nil {
			return nil, fmt.Errorf("before the run: %w", err)
		}
		if h.filled != nil {
			readable = h.filled.sample
			for i := range readable {
				readable[i].account = accounts[0]
			}
		}
		if h.receiver != nil {
			address = h.receiver.url
		}
	}
	books, err := newBooks(ctx, c.URL, accounts, h != nil)
	if err != nil {
		return nil, fmt.Errorf("the server at %s: %w", c.URL, err)
	}
	r := newReport(c, h)
	l, err := newLoad(ctx, c, c.URL, accounts, readable)
	if err != nil {
		return nil, err
	}
	defer l.close()
	m := &measurement{load: l, host: h, report: r}
	if address != "" {
		m.hook = &hook{url: address}
	}
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	progress(c, "checking")
	payments, refunds := l.acknowledged(&r.Check)
	if err := books.florin(ctx, &r.Check, payments, refunds); err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	if h != nil {
		r.Check.Sandbox = &Count{}
		if err := r.Check.Sandbox.addBook(ctx, h.sandbox.url); err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
		r.Check.Sandbox.subtract(before)
	}
	return r, nil
}

// measurement is a load on a server while it is measured.
type measurement struct {
	load   *load
	host   *host // nil: the server ran already
	hook   *hook // nil: there are no webhooks
	report *Report
}

// run prepares, warms up, measures, and waits for the webhooks.
func (m *measurement) run(ctx context.Context) (err error) {
	l, c := m.load, m.load.config
	address := ""
	if m.hook != nil {
		address = m.hook.url
		if m.hook.first, err = m.hook.ask(ctx, false); err != nil {
			return err
		}
	}
	progress(c, "preparing")
	if err := l.prepare(ctx, address); err != nil {
		return err
	}
	if m.host != nil {
		if m.report.first, err = m.host.stored(ctx); err != nil {
			return err
		}
		m.report.prepared = l.seen.payments.Load()
	}
	if c.Warmup > 0 {
		g := newGate(c, c.Warmup, 0)
		stop := m.sample(ctx, g, "warming up ", nil)
		_, err := l.round(ctx, g, func() {})
		if stop(); err != nil {
			return err
		}
	}
	if m.hook != nil {
		if _, err := m.hook.ask(ctx, true); err != nil {
			return err
		}
	}
	if err := m.measured(ctx); err != nil || m.hook == nil {
		return err
	}
	payments := l.seen.payments.Load()
	got, took, err := m.hook.drain(ctx, c, payments)
	w := m.report.Webhooks
	w.Deliveries, w.Undelivered, w.Lag, w.DrainSeconds = got.Deliveries, max(0, payments-got.Payments), got.Lag, took.Seconds()
	return err
}

// measured makes the round that is measured.
func (m *measurement) measured(ctx context.Context) (err error) {
	l, c, r := m.load, m.load.config, m.report
	var from, to reading
	if m.host != nil {
		if from, err = m.host.read(ctx); err != nil {
			return err
		}
	}
	d := c.Duration
	if c.Requests > 0 {
		d = 0
	}
	g := newGate(c, d, c.Requests)
	profiled := make(chan error, 1)
	if c.Profile != "" {
		go func() { profiled <- profile(ctx, m.host.server.admin, c.Profile, c.Duration) }()
	} else {
		profiled <- nil
	}
	stop := m.sample(ctx, g, "", &r.Samples)
	var took time.Duration
	var failed error
	s, err := l.round(ctx, g, func() {
		now := l.now()
		took = now.Sub(g.begun)
		if c.Rate > 0 {
			r.Open.Due, r.Open.Unsent = g.due(now), g.behind(now)
		}
		if m.host != nil {
			to, failed = m.host.read(ctx)
		}
		if m.hook != nil && failed == nil {
			r.Webhooks.AtEnd, failed = m.undelivered(ctx)
		}
	})
	stop()
	if err := errors.Join(err, failed, <-profiled); err != nil {
		return err
	}
	r.fill(s, l.errors(), took)
	if m.host != nil {
		r.used(from, to)
	}
	return nil
}

// undelivered is of how many payments the clients know and the receiver does not.
func (m *measurement) undelivered(ctx context.Context) (int64, error) {
	payments := m.load.seen.payments.Load()
	got, err := m.hook.ask(ctx, false)
	return max(0, payments-got.Payments), err
}

func progress(c Config, line string) {
	_, _ = fmt.Fprintln(c.Progress, line) // nobody looks, then
}

// finish stops what was started, and looks at what it left.
func (h *host) finish(ctx context.Context, r *Report) error {
	if err := h.stop(); err != nil {
		return err
	}
	last, err := h.stored(ctx)
	if err != nil {
		return err
	}
	r.keeps(last)
	r.Check.Findings, err = h.verify(ctx)
	return err
}
