package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"github.com/florinpay/florin/internal/app"
)

type sandboxCommand struct {
	Listen string `help:"Address to listen on; loopback only." default:"127.0.0.1:8421" env:"FLORIN_SANDBOX_LISTEN"`
	Book   string `help:"File in which every operation is kept." default:"florin.sandbox.book" type:"path" env:"FLORIN_SANDBOX_BOOK"`
	Seed   uint64 `help:"Seed of random faults." env:"FLORIN_SANDBOX_SEED"`
	Faults int    `help:"Random faults, per thousand operations." default:"0" env:"FLORIN_SANDBOX_FAULTS"`
	PushTo string `help:"Where to tell unasked what happened: the server's address and /providers/sandbox/test/notifications." env:"FLORIN_SANDBOX_PUSH_TO" placeholder:"URL"`
	Secret string `help:"Secret that signs what is told; the server needs the same." env:"FLORIN_SANDBOX_SECRET" placeholder:"TEXT"`
}

// Run answers until a signal comes.
func (s *sandboxCommand) Run(ctx context.Context, _ *slog.Logger) error {
	if err := loopback(s.Listen); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	fmt.Printf("The sandbox acquirer is ready at http://%s, its book at http://%s/book\n", ln.Addr(), ln.Addr())
	return app.Sandbox{Book: s.Book, Seed: s.Seed, Faults: s.Faults, PushTo: s.PushTo, PushSecret: s.Secret}.Serve(ctx, ln)
}

// loopback refuses addresses that other machines could reach: sandbox and receiver ask
// nobody who he is.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q: want HOST:PORT", address)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s: only loopback addresses are listened on here (127.0.0.1, [::1], localhost), since nobody is asked for credentials", address)
}
