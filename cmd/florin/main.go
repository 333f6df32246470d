// Command florin is the payments platform: see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/kit/fault"
)

// version is set by the build.
var version = "development"

type cli struct {
	Config      string `help:"Configuration file, in YAML (default: florin.yaml, if there is one; empty: none)." env:"FLORIN_CONFIG" placeholder:"FILE"`
	PrintConfig bool   `help:"Print the settings of the command and where each one comes from, and stop."`

	Serve   serveCommand   `cmd:"" help:"Run the platform: API, jobs and, by default, the sandbox."`
	Migrate migrateCommand `cmd:"" help:"Bring a database's schema up to date, and stop."`
	Verify  verifyCommand  `cmd:"" help:"Check every invariant of the books. Exit status 1 when one is broken."`
	Backup  backupCommand  `cmd:"" help:"Back up a database, also while it is served, into one file."`
	Restore restoreCommand `cmd:"" help:"Bring a backup back, to an empty place."`
	Sandbox sandboxCommand `cmd:"" help:"Run the sandbox acquirer as a process of its own."`
	Gateway gatewayCommand `cmd:"" help:"Stand in for Stripe's hosts on this machine, for clients that have them built in."`
	Account accountCommand `cmd:"" help:"Make accounts and show them."`
	Key     keyCommand     `cmd:"" help:"Make, restrict, roll, end and list API keys."`
	Breaks  breaksCommand  `cmd:"" help:"List, assign and resolve differences between the books and what providers and banks say."`
	Job     jobCommand     `cmd:"" help:"List jobs, and try dead ones again or discard them."`
	Resolve resolveCommand `cmd:"" help:"Settle an operation of which nobody could find out what became of it, with evidence."`
	Webhook webhookCommand `cmd:"" help:"List webhook endpoints and deliveries, replay events, roll secrets."`
	Bench   benchCommand   `cmd:"" help:"Measure payments per second, latencies and costs, and check the books afterwards."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	parser, file := newParser(new(cli))
	run, err := parser.Parse(os.Args[1:])
	if bad, ok := errors.AsType[*configError](err); ok {
		fmt.Fprintln(os.Stderr, "florin:", bad) // the usage of the command line is no help
		os.Exit(1)
	}
	parser.FatalIfErrorf(err)
	if flagOf(parser.Model.Node, "print-config").Target.Bool() {
		parser.FatalIfErrorf(file.print(os.Stdout, run))
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	run.BindTo(ctx, (*context.Context)(nil))
	if err := run.Run(slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		if !errors.Is(err, errBroken) {
			fmt.Fprintln(os.Stderr, "florin:", said(err))
		}
		stop()
		os.Exit(1)
	}
}

// newParser makes what reads the command line, the environment and the
// configuration file into c.
func newParser(c *cli) (*kong.Kong, *settings) {
	file := &settings{}
	return kong.Must(c,
		kong.Name("florin"),
		kong.Description("Florin is your own omnichannel payments platform. It speaks Stripe's API."),
		kong.Vars{"resources": strings.Join(app.Resources(), ", ")},
		kong.Bind(file),
		kong.Resolvers(file),
		kong.UsageOnError(),
	), file
}

// said is an error as a person is told it.
func said(err error) string {
	if e, ok := fault.As(err); ok {
		return e.Message
	}
	return err.Error()
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println("florin", version)
	return err
}
