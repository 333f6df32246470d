// Command florin is the payments platform: see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "development"

type cli struct {
	Serve   serveCommand   `cmd:"" help:"Run the platform: API, jobs and, by default, the sandbox."`
	Migrate migrateCommand `cmd:"" help:"Bring a database's schema up to date, and stop."`
	Verify  verifyCommand  `cmd:"" help:"Check every invariant of the books. Exit status 1 when one is broken."`
	Sandbox sandboxCommand `cmd:"" help:"Run the sandbox acquirer as a process of its own."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	var c cli
	parser := kong.Must(&c,
		kong.Name("florin"),
		kong.Description("Florin is your own omnichannel payments platform. It speaks Stripe's API."),
		kong.UsageOnError(),
	)
	run, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	run.BindTo(ctx, (*context.Context)(nil))
	if err := run.Run(slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
		if !errors.Is(err, errBroken) {
			fmt.Fprintln(os.Stderr, "florin:", err)
		}
		stop()
		os.Exit(1)
	}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println("florin", version)
	return err
}
