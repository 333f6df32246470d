package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/ledger"
)

// errBroken ends verify with status 1; what is broken is printed already.
var errBroken = errors.New("the books are broken")

type verifyCommand struct {
	DB   string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	JSON bool   `name:"json" help:"One JSON object: {\"ok\", \"findings\": [{\"check\", \"account\", \"livemode\", \"table\", \"key\", \"problem\"}]}."`
}

// finding is a broken row as --json shows it.
type finding struct {
	Check    string `json:"check"`
	Account  int64  `json:"account"`
	Livemode bool   `json:"livemode"`
	Table    string `json:"table"`
	Key      int64  `json:"key"`
	Problem  string `json:"problem"`
}

// Run checks the books and prints what is broken.
func (v *verifyCommand) Run(ctx context.Context, log *slog.Logger) (err error) {
	if path, ok := strings.CutPrefix(v.DB, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database at %s", path)
		}
	}
	d, err := db.Open(ctx, v.DB, db.Options{Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	findings := []finding{}
	err = app.Verify(ctx, d, func(f ledger.Finding) {
		findings = append(findings, finding{f.Check, f.Scope.Account, f.Scope.Livemode, f.Table, f.Key, f.Problem})
	})
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

func (v *verifyCommand) print(findings []finding) error {
	if v.JSON {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": len(findings) == 0, "findings": findings})
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
