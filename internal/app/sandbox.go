package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// Sandbox is a sandbox acquirer as a process of its own.
type Sandbox struct {
	// Book is the file in which every operation is kept: see [sandbox.OpenBook].
	Book string
	// Seed and Faults make so many of a thousand operations go wrong at random.
	Seed   uint64
	Faults int
	// PushTo is where it tells unasked what happened, signed with PushSecret; empty:
	// nowhere.
	PushTo, PushSecret string
}

// Serve answers on ln until ctx ends.
func (s Sandbox) Serve(ctx context.Context, ln net.Listener) error {
	book, err := sandbox.OpenBook(ctx, s.Book, db.Options{})
	if err != nil {
		return err
	}
	simulator := sandbox.NewSimulator(book, sandbox.Options{Seed: s.Seed, FaultRate: s.Faults, Push: push.Options{URL: s.PushTo, Secret: s.PushSecret}})
	return errors.Join(simulator.Serve(ctx, ln), book.Close())
}

// sandbox connects to the sandbox, which it starts within this process unless
// there is one elsewhere.
func (a *App) sandbox(ctx context.Context, c Config) (provider.Provider, error) {
	options := sandbox.ConnectorOptions{Clock: c.Clock, Timeout: c.ProviderTimeout}
	if c.Sandbox != "embedded" {
		if u, err := url.Parse(c.Sandbox); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return provider.Provider{}, fmt.Errorf("the sandbox %q is neither embedded nor an http:// address", c.Sandbox)
		}
		a.pages = pagesOf(c.Sandbox)
		options.Secret = c.SandboxSecret
		return sandbox.New(c.Sandbox, options), nil
	}
	book, err := a.openBook(ctx, c)
	if err != nil {
		return provider.Provider{}, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return provider.Provider{}, fmt.Errorf("sandbox: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	simulator := sandbox.NewSimulator(book, sandbox.Options{Clock: c.Clock, Deposit: a.deposit, Push: a.pushes(sandbox.Name)})
	go func() { ended <- simulator.Serve(running, ln) }()
	a.close = append(a.close, func() error {
		stop()
		return <-ended
	})
	a.pages = pagesOf("http://" + ln.Addr().String())
	options.Secret = a.pushSecret(sandbox.Name)
	if c.SandboxWithin {
		options.Within = simulator
	}
	return sandbox.New("http://"+ln.Addr().String(), options), nil
}

// deposit has the embedded bank book what the embedded sandbox pays out.
func (a *App) deposit(ctx context.Context, d sandbox.Deposit) error {
	if a.received == nil {
		return nil
	}
	return a.received.Receive(ctx, bank.Deposit{Reference: d.Reference, Amount: d.Amount, Currency: d.Currency, At: d.At, Note: "SETTLEMENT " + d.Reference})
}

// pagesOf passes on the sandbox's pages, which payers visit: the sandbox itself
// listens where they can't come.
func pagesOf(base string) http.Handler {
	target, err := url.Parse(base)
	if err != nil {
		return http.NotFoundHandler() // such a base was refused before
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/sandbox")
			r.Out.URL.RawPath = ""
			r.Out.Header.Del("Cookie") // none of the sandbox's business
			r.Out.Header.Del("Authorization")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the sandbox does not answer", http.StatusBadGateway)
		},
	}
}

// openBook opens the embedded sandbox's book: the file that was named, else one
// beside a SQLite database, and a schema of its own in a PostgreSQL database,
// where every node sees one book.
func (a *App) openBook(ctx context.Context, c Config) (sandbox.Book, error) {
	o := db.Options{Clock: c.Clock, Logger: c.Logger}
	path, sqlite := strings.CutPrefix(c.DB, "sqlite:")
	if sqlite || c.SandboxBook != "" {
		book, err := sandbox.OpenBook(ctx, cmp.Or(c.SandboxBook, sandboxBook(path)), o)
		if err != nil {
			return nil, err
		}
		a.close = append(a.close, book.Close)
		return book, nil
	}
	book, err := sandbox.OpenDBBook(ctx, c.DB, o)
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, book.Close)
	a.forget = append(a.forget, book.ForgetTrains)
	return book, nil
}
