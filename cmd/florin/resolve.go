package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/florinpay/florin/internal/app"
)

type resolveCommand struct {
	onDatabase
	Attempt       string `arg:"" help:"The operation, as a break names it: att_…, or poa_… of a payout."`
	Succeeded     bool   `help:"It happened at the provider." xor:"outcome"`
	Failed        bool   `help:"It did not happen." xor:"outcome"`
	Evidence      string `help:"How you know: a case number at the provider, a line of a statement. It is kept." required:"" placeholder:"TEXT"`
	By            string `help:"Who says so; default: the user of this machine." env:"FLORIN_OPERATOR" placeholder:"NAME"`
	MasterKey     string `env:"FLORIN_MASTER_KEY" hidden:""`
	MasterKeyFile string `help:"File of the master key (default: florin.key beside the database)." env:"FLORIN_MASTER_KEY_FILE" type:"path"`
}

// Run settles the operation.
func (c *resolveCommand) Run(ctx context.Context, log *slog.Logger) error {
	if c.Succeeded == c.Failed {
		return errors.New("say what became of it: --succeeded or --failed")
	}
	p := app.Resolution{Attempt: c.Attempt, Succeeded: c.Succeeded, Evidence: c.Evidence, By: cmp.Or(c.By, os.Getenv("USER"))}
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		state, err := o.Resolve(ctx, p, app.Config{DB: c.DB, MasterKey: c.MasterKey, MasterKeyFile: c.MasterKeyFile, Logger: log})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"attempt": c.Attempt, "state": state})
		}
		_, err = fmt.Printf("%s is %s now\n", c.Attempt, state)
		return err
	})
}
