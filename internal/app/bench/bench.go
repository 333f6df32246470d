package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run measures and checks what c says. Errors and failed checks of what is
// measured are in the report; an error means that there is none.
func Run(ctx context.Context, c Config) (*Report, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.URL != "" {
		r, err := measure(ctx, c, nil)
		if err == nil {
			r.Check.judge()
		}
		return r, err
	}
	return raiseAndMeasure(ctx, c)
}

func raiseAndMeasure(ctx context.Context, c Config) (r *Report, err error) {
	h, err := raise(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.clear(ctx)) }()
	return h.run(ctx)
}

// run measures what was started, then stops it and looks at what is left.
func (h *host) run(ctx context.Context) (*Report, error) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(chan struct{})
	h.watch(cancel, over)
	c := h.config
	c.URL, c.Key = h.server.url, h.key
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
	r.Check.judge()
	return r, nil
}

// measure sends the load and compares what the clients were told with Florin
// and, where it was started here, with the sandbox.
func measure(ctx context.Context, c Config, h *host) (*Report, error) {
	books, err := newBooks(ctx, c.URL, c.Key, h != nil)
	if err != nil {
		return nil, fmt.Errorf("the server at %s: %w", c.URL, err)
	}
	r := newReport(c, h)
	var before Count
	if h != nil {
		if c.Fill > 0 {
			if err := before.addBook(ctx, h.sandbox.url); err != nil {
				return nil, fmt.Errorf("before the run: %w", err)
			}
		}
		if r.first, err = h.stored(ctx); err != nil {
			return nil, err
		}
	}
	l, err := newLoad(ctx, c, c.URL, c.Key)
	if err != nil {
		return nil, err
	}
	defer l.close()
	if err := l.measured(ctx, h, r); err != nil {
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

// measured warms up, then measures.
func (l *load) measured(ctx context.Context, h *host, r *Report) error {
	c := l.config
	stop := l.tell(ctx)
	defer stop()
	if err := l.prepare(ctx); err != nil {
		return err
	}
	if c.Warmup > 0 {
		if _, err := l.round(ctx, &limit{end: c.Clock.Now().Add(c.Warmup)}, func() {}); err != nil {
			return err
		}
	}
	var from, to reading
	var err error
	if h != nil {
		if from, err = h.read(ctx); err != nil {
			return err
		}
	}
	until := &limit{}
	began := c.Clock.Now()
	if c.Requests > 0 {
		until.left.Store(c.Requests)
	} else {
		until.end = began.Add(c.Duration)
	}
	var took time.Duration
	var failed error
	profiled := make(chan error, 1)
	if c.Profile != "" {
		go func() { profiled <- profile(ctx, h.server.admin, c.Profile, c.Duration) }()
	} else {
		profiled <- nil
	}
	s, err := l.round(ctx, until, func() {
		took = c.Clock.Now().Sub(began)
		if h != nil {
			to, failed = h.read(ctx)
		}
	})
	if err := errors.Join(err, failed, <-profiled); err != nil {
		return err
	}
	r.fill(s, l.errors(), took)
	if h != nil {
		r.used(from, to)
	}
	return nil
}

// tell writes a line a second until it is stopped.
func (l *load) tell(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		var requests, payments int64
		for n := 1; l.config.Clock.Sleep(ctx, time.Second) == nil; n++ {
			r, p := l.seen.requests.Load(), l.seen.payments.Load()
			progress(l.config, fmt.Sprintf("%4d s  %6d payments/s  %6d requests/s  %d errors", n, p-payments, r-requests, l.seen.errors.Load()))
			requests, payments = r, p
		}
	}()
	return func() {
		cancel()
		<-done
	}
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
