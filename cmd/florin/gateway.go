package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/florinpay/florin/internal/app/gateway"
	"github.com/florinpay/florin/internal/kit/clock"
)

type gatewayCommand struct {
	Listen string   `help:"Loopback address to stand in for Stripe's hosts at." default:"127.0.0.1:443" env:"FLORIN_GATEWAY_LISTEN"`
	To     string   `help:"Address of the Florin that requests go to." default:"http://127.0.0.1:8420" env:"FLORIN_GATEWAY_TO" placeholder:"URL"`
	Host   []string `help:"Hosts to stand in for, names of stripe.com, separated by commas (default: those that Stripe's libraries call)." env:"FLORIN_GATEWAY_HOST" placeholder:"NAME"`
	CA     string   `name:"ca" help:"Folder of the gateway's certificate authority, which is made there if there is none." default:"." type:"path" env:"FLORIN_GATEWAY_CA"`
}

// Run answers until a signal comes.
func (c *gatewayCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := gateway.Loopback(c.Listen); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		program, _ := os.Executable()
		return gateway.Advise(fmt.Errorf("--listen: %w", err), c.Listen, program)
	}
	authority, err := gateway.Open(c.CA, clock.System{}.Now())
	if err != nil {
		return err
	}
	g, err := gateway.New(authority, c.Host, c.To, clock.System{}, log)
	if err != nil {
		return err
	}
	fmt.Println(g.Tell(ln.Addr(), c.To))
	return g.Serve(ctx, ln)
}
