package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Filling says what to fill, and how far.
type Filling struct {
	// DB is the database, "sqlite:PATH" or "postgres://…".
	DB string
	// Book is the file of the sandbox's book; empty: the one that "florin serve"
	// uses for its embedded sandbox on this database.
	Book string
	// SecretKey is a secret test key of the account that pays. On an empty database
	// an account with this key is made, and with this publishable key.
	SecretKey, PublishableKey string
	// MasterKey, MasterKeyFile and Heads are as of [app.Config].
	MasterKey, MasterKeyFile, Heads string
	// Payments is how many the account has in the end. Those that it has already
	// count, so that a run that was broken off can be gone on with.
	Payments int64
	// Clients is how many payments are under way at a time; default: 512.
	Clients int

	Progress io.Writer // gets a line every two seconds, if it is set
	Log      *slog.Logger
	Clock    clock.Clock
}

// fillClients fill the trains: each has room for 256 steps.
const fillClients = 512

// collectAt is how far the heap grows before it is collected: a run that only
// fills has memory to spare and no latency to keep.
const collectAt = 400

// Filled is what a run of [Fill] did.
type Filled struct {
	Before  int64   `json:"before"` // payments that the account had
	Stored  int64   `json:"stored"` // payments
	Seconds float64 `json:"seconds"`

	// sample are some of what was stored, spread over all of it.
	sample []order
}

// Rate is how many payments were stored a second.
func (f *Filled) Rate() float64 { return float64(f.Stored) / max(f.Seconds, 1e-9) }

// Fill stores payments as fast as one process can: it serves them to itself,
// without a socket, and calls the sandbox so. All that a payment leaves behind is
// there, made by the same code that serves clients; only the wires are missing.
func Fill(ctx context.Context, f Filling) (out Filled, err error) {
	if err := f.check(); err != nil {
		return out, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	a, err := app.New(ctx, app.Config{
		DB: f.DB, SandboxBook: f.Book, SandboxWithin: true, SecretKey: f.SecretKey, PublishableKey: f.PublishableKey,
		MasterKey: f.MasterKey, MasterKeyFile: f.MasterKeyFile, Heads: f.Heads, Logger: f.Log, Clock: f.Clock,
	})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	who, err := a.Merchant.Authenticate(ctx, f.SecretKey)
	if err != nil {
		return out, fmt.Errorf("the key opens no account of this database: %w", err)
	}
	if out.Before, err = a.Payment.Stored(ctx, who.Scope); err != nil {
		return out, err
	}
	a.Start()
	began := f.Clock.Now()
	out.Stored = max(0, f.Payments-out.Before)
	p := &pump{filling: f, handler: a.Handler(), run: "fill-" + strings.ToLower(rand.Text()[:10]), want: out.Stored}
	if err = p.pay(ctx); err == nil {
		// What is left is for the schedules, which would do it in a moment.
		err = a.Search.CatchUp(ctx)
	}
	out.Seconds, out.sample = f.Clock.Now().Sub(began).Seconds(), p.sample
	return out, err
}

func (f *Filling) check() error {
	if f.Clock == nil {
		f.Clock = clock.System{}
	}
	if f.Log == nil {
		f.Log = slog.Default()
	}
	if f.Progress == nil {
		f.Progress = io.Discard
	}
	if f.Clients == 0 {
		f.Clients = fillClients
	}
	switch {
	case f.Payments < 1:
		return errors.New("--fill: want a number of payments above zero")
	case f.Clients < 1 || f.Clients > maxClients:
		return fmt.Errorf("%d clients: want 1 to %d", f.Clients, maxClients)
	case !strings.HasPrefix(f.SecretKey, "sk_test_"):
		return errors.New("--key: want a secret test key of the account to fill, sk_test_…")
	}
	return nil
}

// pump makes payments through a handler.
type pump struct {
	filling Filling
	handler http.Handler
	run     string // begins the idempotency keys
	want    int64

	begun, stored atomic.Int64

	mu     sync.Mutex
	sample []order
}

// sampleSize is about how many payments are remembered, to be read later.
const sampleSize = 4096

// pay makes all payments, and ends at the first that fails.
func (p *pump) pay(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	told := p.tell(ctx)
	var running sync.WaitGroup
	for range p.filling.Clients {
		running.Go(func() {
			for ctx.Err() == nil {
				n := p.begun.Add(1)
				if n > p.want {
					return
				}
				if err := p.one(ctx, n); err != nil {
					cancel(fmt.Errorf("after %d payments: %w", p.stored.Load(), err))
					return
				}
				p.stored.Add(1)
			}
		})
	}
	running.Wait()
	told()
	return context.Cause(ctx)
}

// busyPause is how long a payment rests that was refused because too many waited.
const busyPause = 50 * time.Millisecond

// one makes one payment, under a key of its own.
func (p *pump) one(ctx context.Context, n int64) error {
	o := order{amount: 1000 + n*7919%9000}
	r := pay.request(o, fmt.Sprintf("%s-%d", p.run, n))
	for {
		status, body, err := p.call(ctx, r)
		switch {
		case err != nil:
			return err
		case status == http.StatusTooManyRequests:
			if err := p.filling.Clock.Sleep(ctx, busyPause); err != nil {
				return context.Cause(ctx)
			}
			continue
		case status != http.StatusOK:
			e := refusal(status, body, nil)
			return fmt.Errorf("%s: %s", e.Kind, e.Example)
		}
		answer, err := read(body)
		if err != nil {
			return err
		}
		if wrong := pay.wrong(o, answer); wrong != "" {
			return fmt.Errorf("%s: %s", wrong, clip(body))
		}
		if _, ok := payment.Intents.Prefix.Parse(answer.id); !ok {
			return fmt.Errorf("200 with no id of a payment intent: %s", clip(body))
		}
		if n%max(1, p.want/sampleSize) == 0 {
			p.mu.Lock()
			defer p.mu.Unlock()
			o.intent = answer.id
			p.sample = append(p.sample, o)
		}
		return nil
	}
}

func (p *pump) call(ctx context.Context, r request) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "http://127.0.0.1"+r.path, strings.NewReader(r.form))
	if err != nil {
		return 0, nil, err
	}
	req.RemoteAddr, req.RequestURI = "127.0.0.1:0", r.path
	req.Header.Set("Authorization", "Bearer "+p.filling.SecretKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Idempotency-Key", r.key)
	a := &answered{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(a, req)
	return a.status, a.body, nil
}

// answered keeps an answer.
type answered struct {
	header http.Header
	status int
	body   []byte
}

func (a *answered) Header() http.Header { return a.header }

func (a *answered) WriteHeader(status int) { a.status = status }

func (a *answered) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

// tellEvery is how often a line is written.
const tellEvery = 2 * time.Second

// tell writes how far it is, how fast it goes and how long it will take, until
// it is stopped.
func (p *pump) tell(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	clk := p.filling.Clock
	began, at, before := clk.Now(), clk.Now(), int64(0)
	go func() {
		defer close(done)
		for clk.Sleep(ctx, tellEvery) == nil {
			now, stored := clk.Now(), p.stored.Load()
			line := fmt.Sprintf("%9d of %d payments stored, %6.0f a second", stored, p.want, float64(stored-before)/now.Sub(at).Seconds())
			if stored > 0 {
				left := time.Duration(float64(now.Sub(began)) / float64(stored) * float64(p.want-stored))
				line += fmt.Sprintf(", %s left", left.Round(time.Second))
			}
			_, _ = fmt.Fprintln(p.filling.Progress, line) // nobody looks, then
			at, before = now, stored
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
