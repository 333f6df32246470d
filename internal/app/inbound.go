package app

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/base/push"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/door/inbound"
	"github.com/florinpay/florin/internal/provider"
)

// testEndpoint names the connections to providers in test mode.
const testEndpoint = "test"

// hear opens the listener that the embedded simulators tell unasked what
// happened. It takes connections from now on, and answers once [App.answer] is
// called.
func (a *App) hear(c Config) (err error) {
	if c.Provider.Name != "" {
		return nil // who brings a provider has it send to the platform's own address
	}
	if a.hearing, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen to the simulators: %w", err)
	}
	a.close = append(a.close, func() error {
		if a.answered == nil {
			return a.hearing.Close()
		}
		return a.answered()
	})
	return nil
}

// answer begins to answer what the embedded simulators tell.
func (a *App) answer(ctx context.Context) {
	if a.hearing == nil {
		return
	}
	mux := http.NewServeMux()
	a.inbound.Mount(mux)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	const grace = time.Second
	go func() { ended <- listen.Serve(running, a.server(mux), a.hearing, grace, func() {}) }()
	a.answered = func() error {
		stop()
		return <-ended
	}
}

// pushes says where the simulator of a provider sends to; nowhere, where nobody
// listens.
func (a *App) pushes(name string) push.Options {
	if a.hearing == nil {
		return push.Options{}
	}
	return push.Options{URL: "http://" + a.hearing.Addr().String() + inbound.Path(news.From{Provider: name, Endpoint: testEndpoint}), Secret: a.pushSecret(name)}
}

// pushSecret signs what an embedded simulator sends. Every node makes the same.
func (a *App) pushSecret(name string) string {
	return hex.EncodeToString(a.Master.MAC("provider push", []byte(name)))
}

// newsOf makes the service that takes what providers send unasked.
func (a *App) newsOf(c Config, acquirer, payer provider.Provider) *news.Service {
	v := &news.Service{DB: a.DB, Log: c.Logger, Breaks: a.Settle, Sources: map[news.From]news.Source{}}
	if acquirer.Parse != nil {
		v.Sources[news.From{Provider: acquirer.Name, Endpoint: testEndpoint}] = news.Source{Parse: acquirer.Parse, Hear: a.heard}
	}
	if payer.Parse != nil {
		v.Sources[news.From{Provider: payer.Name, Endpoint: testEndpoint}] = news.Source{Parse: payer.Parse, Hear: a.Payout.Pushed}
	}
	return v
}

// heard takes what an acquirer tells. What became of a card that is set up is
// asked for by those who wait for it.
func (a *App) heard(ctx context.Context, source string, n provider.Notice) error {
	if _, _, ok := setup.Attempts.Prefix.ParseShard(n.Reference); ok {
		return nil
	}
	return a.Payment.Pushed(ctx, source, n)
}
