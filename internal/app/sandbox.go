package app

import (
	"context"
	"errors"
	"fmt"
	"net"

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
		return sandbox.New(c.Sandbox, options), nil
	}
	book, err := sandbox.OpenFileBook(bookPath(c.DB))
	if err != nil {
		return provider.Provider{}, err
	}
	a.close = append(a.close, book.Close)
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
	return sandbox.New("http://"+ln.Addr().String(), options), nil
}
