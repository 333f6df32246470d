package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/florinpay/florin/internal/app"
)

// errBroken ends verify with status 1; what is broken is printed already.
var errBroken = errors.New("the books are broken")

type verifyCommand struct {
	DB            string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	Heads         string `help:"File with the heads of seals (default: florin.heads beside the master key's file)." env:"FLORIN_HEADS" type:"path"`
	MasterKeyFile string `env:"FLORIN_MASTER_KEY_FILE" type:"path" hidden:""` // says where the heads are by default
	JSON          bool   `name:"json" help:"One JSON object: {\"ok\", \"findings\": [{\"check\", \"account\", \"livemode\", \"table\", \"key\", \"problem\"}], \"seals\": {\"sealed\", \"unsealed\", \"heads_file\", \"heads\", \"missing\"}}."`
}

// Run checks the books and prints what is broken.
func (v *verifyCommand) Run(ctx context.Context, log *slog.Logger) error {
	report, err := app.Examine(ctx, app.Books{DB: v.DB, Heads: v.Heads, MasterKeyFile: v.MasterKeyFile}, log)
	if err != nil {
		return err
	}
	if err := v.print(os.Stdout, report); err != nil {
		return err
	}
	if len(report.Findings) > 0 {
		return errBroken
	}
	return nil
}

// sealsSaid is what --json says of seals.
type sealsSaid struct {
	Sealed    int64  `json:"sealed"`   // postings
	Unsealed  int64  `json:"unsealed"` // postings
	HeadsFile string `json:"heads_file"`
	Heads     int64  `json:"heads"`   // in the file
	Missing   bool   `json:"missing"` // the file is not there
}

func (v *verifyCommand) print(w io.Writer, r app.Report) error {
	if v.JSON {
		return json.NewEncoder(w).Encode(map[string]any{"ok": len(r.Findings) == 0, "findings": append([]app.Finding{}, r.Findings...),
			"seals": sealsSaid{r.Sealing.Sealed, r.Sealing.Unsealed, r.HeadsFile, r.Heads.Lines, r.Heads.Missing}})
	}
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-14s %s %d: %s\n", f.Check, f.Table, f.Key, f.Problem)
	}
	fmt.Fprintf(&b, "%d postings are sealed, %d not yet\n", r.Sealing.Sealed, r.Sealing.Unsealed)
	switch {
	case r.Heads.Missing && r.Sealing.Seals == 0:
		fmt.Fprintf(&b, "no heads are kept yet in %s\n", r.HeadsFile)
	case r.Heads.Missing:
		fmt.Fprintf(&b, "there is no heads file at %s: seals that were cut off or made anew as a whole go unnoticed\n", r.HeadsFile)
	case r.Heads.Torn:
		fmt.Fprintf(&b, "%d heads in %s, which ends within a line that does not count\n", r.Heads.Lines, r.HeadsFile)
	default:
		fmt.Fprintf(&b, "%d heads in %s\n", r.Heads.Lines, r.HeadsFile)
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(&b, "the books are in order")
	} else {
		fmt.Fprintf(&b, "%d problems\n", len(r.Findings))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
