package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// cell is one combination that is measured, once per repetition.
type cell struct {
	variant variant
	trains  int
	refuse  int // of 100 payments
}

// settings hold for all cells of a run.
type settings struct {
	clients, most, scopes, bodySize int
	warm, measure                   time.Duration
	http                            bool
	pg                              *pgServer // nil if no cell needs one
}

// figures is what one repetition of a cell gave.
type figures struct {
	PaymentsPerSecond float64 `json:"payments_per_second"`
	OwnMicros         float64 `json:"own_cpu_us_per_payment"`
	ServerMicros      float64 `json:"server_cpu_us_per_payment"`
	Commits           int64   `json:"commits"`
	StepsPerTrain     float64 `json:"stepsper_train"`
	RefusedShare      float64 `json:"refused_share_of_payments"`
	ForeignCores      float64 `json:"foreign_cores"` // processors kept busy by others
	// Of a payment, over HTTP or not.
	MedianMicros float64 `json:"p50_us"`
	P99Micros    float64 `json:"p99_us"`
	// BytesPerPayment is what the database takes, over the whole repetition.
	BytesPerPayment float64 `json:"bytes_per_payment"`
}

// measureCell runs one cell on a new database and checks its books.
func measureCell(ctx context.Context, c cell, s settings) (f figures, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dir, err := os.MkdirTemp("", "florin-prototype-db")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	at := place{dir: dir, scopes: s.scopes}
	if c.variant.pg {
		at.dsn = s.pg.dsn
		if err := pgSetup(ctx, at.dsn, s.scopes); err != nil {
			return f, err
		}
	}
	before, err := stored(ctx, c, at)
	if err != nil {
		return f, err
	}
	r := &run{settings: s, source: newSource(s.scopes, c.refuse, s.bodySize)}
	if err := r.start(ctx, c, at, cancel); err != nil {
		return f, err
	}
	f, err = r.watch(ctx, c)
	if e := r.stop(); err == nil {
		err = e
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = r.verify(ctx, c, at)
	}
	for _, e := range r.engines {
		err = errors.Join(err, e.close())
	}
	f.MedianMicros, f.P99Micros = r.latencies()
	if err == nil {
		var after int64
		after, err = stored(ctx, c, at)
		f.BytesPerPayment = float64(after-before) / float64(r.payments.Load())
	}
	return f, err
}

// run is one repetition of a cell.
type run struct {
	settings
	source   *source
	station  station
	engines  []engine
	tally    tally
	payments atomic.Int64
	booked   atomic.Int64 // amounts of accepted payments
	ended    atomic.Bool
	front    *endToEnd
	clients  sync.WaitGroup
	loops    sync.WaitGroup
	times    times
}

func (r *run) start(ctx context.Context, c cell, at place, fail context.CancelCauseFunc) error {
	for range c.trains {
		e, err := c.variant.open(ctx, at)
		if err != nil {
			return err
		}
		r.engines = append(r.engines, e)
		t := &train{queue: make(chan *work, r.settings.clients), eng: e, most: r.most, tally: &r.tally, fail: fail}
		r.station.trains = append(r.station.trains, t)
		r.loops.Add(1)
		go t.loop(&r.loops)
	}
	pay := r.direct
	if r.http {
		front, err := serveEndToEnd(r.source, &r.station, r.settings.clients)
		if err != nil {
			return err
		}
		r.front = front
		pay = r.overHTTP
	}
	for range r.settings.clients {
		r.clients.Go(func() {
			if err := pay(ctx); err != nil {
				fail(err)
			}
		})
	}
	return nil
}

// direct makes payments one after another without HTTP.
func (r *run) direct(ctx context.Context) error {
	w := &work{done: make(chan struct{}, 1)}
	var took []time.Duration
	defer func() { r.times.keep(took) }()
	for !r.ended.Load() && ctx.Err() == nil {
		p := r.source.draw()
		began := time.Now()
		err := p.ride(&r.station, w, nil)
		if r.times.on.Load() {
			took = append(took, time.Since(began))
		}
		if err == nil {
			r.booked.Add(p.amount)
		} else if !errors.Is(err, errRefused) {
			return err
		}
		r.payments.Add(1)
	}
	return nil
}

// overHTTP makes payments one after another over a connection of its own.
func (r *run) overHTTP(ctx context.Context) error {
	conn, err := dialWire(r.front.payAddr)
	if err != nil {
		return err
	}
	defer conn.conn.Close()
	form := []byte("amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&description=An+order&metadata%5Border%5D=6735")
	var took []time.Duration
	defer func() { r.times.keep(took) }()
	for !r.ended.Load() && ctx.Err() == nil {
		began := time.Now()
		status, answer, err := conn.post("/v1/payment_intents", form)
		if err != nil {
			return err
		}
		if r.times.on.Load() {
			took = append(took, time.Since(began))
		}
		if status != 200 {
			return fmt.Errorf("status %d: %s", status, answer)
		}
		r.payments.Add(1)
	}
	return nil
}

// stop lets the payments in flight end, then the trains.
func (r *run) stop() error {
	r.ended.Store(true)
	r.clients.Wait()
	var err error
	if r.front != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = r.front.close(ctx)
	}
	for _, t := range r.station.trains {
		close(t.queue)
	}
	r.loops.Wait()
	return err
}

// mark is a reading of all counters at one moment.
type mark struct {
	at                      time.Time
	own, server, busy       time.Duration
	payments, trains, steps int64
	refused                 int64
}

func (r *run) mark(c cell) (m mark, err error) {
	m.at = time.Now()
	m.payments, m.trains = r.payments.Load(), r.tally.trains.Load()
	m.steps, m.refused = r.tally.steps.Load(), r.tally.refused.Load()
	if m.own, err = ownCPU(); err != nil {
		return m, err
	}
	if m.busy, err = busyCPU(); err != nil {
		return m, err
	}
	if c.variant.pg {
		m.server, err = treeCPU(r.pg.pid)
	}
	return m, err
}

// watch lets the run warm up, then measures a stretch of it.
func (r *run) watch(ctx context.Context, c cell) (f figures, err error) {
	if err := pause(ctx, r.warm); err != nil {
		return f, err
	}
	from, err := r.mark(c)
	if err != nil {
		return f, err
	}
	r.times.on.Store(true)
	if err := pause(ctx, r.measure); err != nil {
		return f, err
	}
	to, err := r.mark(c)
	if err != nil {
		return f, err
	}
	payments := float64(to.payments - from.payments)
	if payments == 0 {
		return f, errors.New("no payment in the time measured")
	}
	span := to.at.Sub(from.at)
	own, server := to.own-from.own, to.server-from.server
	f = figures{
		PaymentsPerSecond: payments / span.Seconds(),
		OwnMicros:         float64(own.Microseconds()) / payments,
		ServerMicros:      float64(server.Microseconds()) / payments,
		Commits:           to.trains - from.trains,
		StepsPerTrain:     float64(to.steps-from.steps) / float64(max(1, to.trains-from.trains)),
		RefusedShare:      float64(to.refused-from.refused) / payments,
		ForeignCores:      max(0, (to.busy-from.busy-own-server).Seconds()/span.Seconds()),
	}
	return f, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
