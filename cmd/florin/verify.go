package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"

	"github.com/florinpay/florin/internal/app"
)

// errBroken ends verify with status 1; what is broken is printed already.
var errBroken = errors.New("the books are broken")

type verifyCommand struct {
	DB   string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	JSON bool   `name:"json" help:"One JSON object: {\"ok\", \"findings\": [{\"check\", \"account\", \"livemode\", \"table\", \"key\", \"problem\"}]}."`
}

// Run checks the books and prints what is broken.
func (v *verifyCommand) Run(ctx context.Context, log *slog.Logger) error {
	findings, err := app.Verify(ctx, v.DB, log)
	if err != nil {
		return err
	}
	if err := v.print(findings); err != nil {
		return err
	}
	if len(findings) > 0 {
		return errBroken
	}
	return nil
}

func (v *verifyCommand) print(findings []app.Finding) error {
	if v.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": len(findings) == 0, "findings": slices.Concat([]app.Finding{}, findings)})
	}
	for _, f := range findings {
		fmt.Printf("%-14s %s %d: %s\n", f.Check, f.Table, f.Key, f.Problem)
	}
	if len(findings) == 0 {
		fmt.Println("the books are in order")
	} else {
		fmt.Printf("%d problems\n", len(findings))
	}
	return nil
}
