package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// Sandbox is a sandbox acquirer as a process of its own.
type Sandbox struct {
	// Book is the file in which every operation is kept.
	Book string
	// Seed and Faults make so many of a thousand operations go wrong at random.
	Seed   uint64
	Faults int
}

// Serve answers on ln until ctx ends.
func (s Sandbox) Serve(ctx context.Context, ln net.Listener) error {
	book, err := sandbox.OpenFileBook(s.Book)
	if err != nil {
		return err
	}
	simulator := sandbox.NewSimulator(book, sandbox.Options{Seed: s.Seed, FaultRate: s.Faults})
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
		return a.connect(strings.TrimSuffix(c.Sandbox, "/"), options, c)
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
	go func() { ended <- sandbox.NewSimulator(book, sandbox.Options{Clock: c.Clock}).Serve(running, ln) }()
	a.close = append(a.close, func() error {
		stop()
		return <-ended
	})
	return a.connect("http://"+ln.Addr().String(), options, c)
}

// connect makes the connector to a sandbox, and the way to its pages.
func (a *App) connect(base string, o sandbox.ConnectorOptions, c Config) (p provider.Provider, err error) {
	if a.pages, err = passPages(base, c.Logger); err != nil {
		return p, fmt.Errorf("sandbox: %w", err)
	}
	return sandbox.New(base, o), nil
}

// openBook opens the embedded sandbox's book: a file beside a SQLite database,
// which one process holds as it holds the database, and a schema of its own in
// a PostgreSQL database, where every node sees one book.
func (a *App) openBook(ctx context.Context, c Config) (sandbox.Book, error) {
	if path, ok := strings.CutPrefix(c.DB, "sqlite:"); ok {
		book, err := sandbox.OpenFileBook(strings.TrimSuffix(path, ".db") + ".sandbox.book")
		if err != nil {
			return nil, err
		}
		a.close = append(a.close, book.Close)
		return book, nil
	}
	book, err := sandbox.OpenDBBook(ctx, c.DB, db.Options{Clock: c.Clock, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, book.Close)
	a.forget = append(a.forget, book.ForgetTrains)
	return book, nil
}
