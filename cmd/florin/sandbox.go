package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/florinpay/florin/internal/app"
)

type sandboxCommand struct {
	Listen string `help:"Address to listen on; loopback only." default:"127.0.0.1:8421" env:"FLORIN_SANDBOX_LISTEN"`
	Book   string `help:"File in which every operation is kept." default:"florin.sandbox.book" type:"path"`
	Seed   uint64 `help:"Seed of random faults."`
	Faults int    `help:"Random faults, per thousand operations." default:"0"`
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
	return app.Sandbox{Book: s.Book, Seed: s.Seed, Faults: s.Faults}.Serve(ctx, ln)
}
