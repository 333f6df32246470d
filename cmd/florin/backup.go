package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/kit/clock"
)

type backupCommand struct {
	DB            string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	Heads         string `help:"File with the heads of seals (default: florin.heads beside the master key's file)." env:"FLORIN_HEADS" type:"path"`
	MasterKeyFile string `env:"FLORIN_MASTER_KEY_FILE" type:"path" hidden:""` // says where the heads are by default
	JSON          bool   `name:"json" help:"Answer in JSON, for programs."`
	To            string `arg:"" help:"File to make." type:"path"`
}

// Run backs up.
func (b *backupCommand) Run(ctx context.Context, log *slog.Logger) error {
	tell := &progress{to: os.Stderr, quiet: b.JSON}
	m, size, err := app.Backup{DB: b.DB, Heads: b.Heads, MasterKeyFile: b.MasterKeyFile, To: b.To, Build: version, Progress: tell.tell}.Run(ctx, log)
	if err != nil {
		return err
	}
	database, _ := m.Section("database")
	if b.JSON {
		return writeJSON(os.Stdout, map[string]any{"file": b.To, "bytes": size, "at": database.Dump.At, "schema": database.Dump.Schema, "master_key": m.MasterKey, "sections": m.Sections})
	}
	var names []string
	for _, s := range m.Sections {
		names = append(names, fmt.Sprintf("%s (%s)", s.Name, megabytes(s.Bytes)))
	}
	_, err = fmt.Printf("%s holds all that was committed by %s: %s; %s in all.\nIt needs master key %s, which is not in it. Keep that key elsewhere, and as well.\n",
		b.To, moment(database.Dump.At), strings.Join(names, ", "), megabytes(size), m.MasterKey)
	return err
}

type restoreCommand struct {
	DB            string `name:"db" help:"Database: sqlite:PATH or postgres://…" default:"sqlite:florin.db" env:"FLORIN_DB"`
	MasterKey     string `help:"Master key that seals the database." env:"FLORIN_MASTER_KEY" hidden:""`
	MasterKeyFile string `help:"File of the master key (default: florin.key beside the database, made on an empty one)." env:"FLORIN_MASTER_KEY_FILE" type:"path"`
	Heads         string `help:"File that keeps the heads of seals (default: florin.heads beside the master key's file)." env:"FLORIN_HEADS" type:"path"`
	SkipLearning  bool   `help:"Serve at once: do not ask the providers what happened since the backup. What was paid since then may be paid again."`
	JSON          bool   `name:"json" help:"Answer in JSON, for programs."`
	From          string `arg:"" help:"Backup to restore." type:"path"`
}

// Run restores.
func (r *restoreCommand) Run(ctx context.Context, log *slog.Logger) error {
	tell := &progress{to: os.Stderr, quiet: r.JSON}
	m, kept, err := app.Restore{From: r.From, DB: r.DB, Heads: r.Heads, MasterKey: r.MasterKey, MasterKeyFile: r.MasterKeyFile, SkipLearning: r.SkipLearning, Progress: tell.tell}.Run(ctx, log)
	if err != nil {
		return err
	}
	database, _ := m.Section("database")
	if r.JSON {
		left := map[string]string{}
		for _, k := range kept {
			left[k.What] = k.Where
		}
		return writeJSON(os.Stdout, map[string]any{"at": database.Dump.At, "schema": database.Dump.Schema, "master_key": m.MasterKey, "kept": left})
	}
	for _, k := range kept {
		fmt.Printf("left as it is, since it is there: %s, %s\n", k.What, k.Where)
	}
	if r.SkipLearning {
		_, err = fmt.Printf("Restored as of %s. What happened since then is not asked for.\n", moment(database.Dump.At))
		return err
	}
	_, err = fmt.Printf("Restored as of %s. florin serve now first learns from the providers what happened since then,\nand refuses changes until it has.\n", moment(database.Dump.At))
	return err
}

// progress prints how far work has come, once a second.
type progress struct {
	to    io.Writer
	quiet bool
	last  time.Time
}

func (p *progress) tell(what string, done, total int64) {
	now := clock.System{}.Now()
	if p.last.IsZero() {
		p.last = now
	}
	if p.quiet || now.Sub(p.last) < time.Second {
		return
	}
	p.last = now
	if total > 0 {
		fmt.Fprintf(p.to, "%s: %s of about %s\n", what, megabytes(done), megabytes(total))
		return
	}
	fmt.Fprintf(p.to, "%s: %s\n", what, megabytes(done))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
