package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type breaksCommand struct {
	List    breaksList    `cmd:"" help:"List differences between the books and what providers and banks say, the oldest first."`
	Show    breaksShow    `cmd:"" help:"Show a difference with all that is known of it."`
	Assign  breaksAssign  `cmd:"" help:"Say who looks into a difference."`
	Resolve breaksResolve `cmd:"" help:"End a difference: say who decides, why and by what evidence, and book it."`
}

type breaksList struct {
	onDatabase
	State string `help:"List those of one state only: open, resolved or all." enum:"open,resolved,all" default:"open" placeholder:"STATE"`
}

// Run lists breaks.
func (c *breaksList) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		list, err := o.Breaks(ctx, c.State)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"breaks": list})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("BREAK", "ACCOUNT", "MODE", "TYPE", "STATE", "DIFFERENCE", "PROVIDER", "SUBJECT", "AGE", "OWNER")
			for _, b := range list {
				row(b.ID, b.Account, mode(b.Livemode), b.Type, b.State, cmp.Or(b.Difference, "-"), cmp.Or(b.Provider, "-"), b.Subject, b.Age(o.Now()).Round(time.Second), cmp.Or(b.Owner, "-"))
			}
		})
	})
}

// ofBreak names a break.
type ofBreak struct {
	onDatabase
	Break string `arg:"" help:"Id of the difference: brk_…"`
}

type breaksShow struct{ ofBreak }

// Run shows a break.
func (c *breaksShow) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		b, err := o.Break(ctx, c.Break)
		if err != nil {
			return err
		}
		return c.shown(o, b)
	})
}

// shown prints a break.
func (c *ofBreak) shown(o *app.Operator, b app.Break) error {
	if c.JSON {
		return writeJSON(os.Stdout, b)
	}
	return writeTable(os.Stdout, func(row func(...any)) {
		row("break", b.ID)
		row("account", b.Account)
		row("mode", mode(b.Livemode))
		row("type", b.Type)
		row("state", b.State)
		row("about", b.Subject)
		row("provider", cmp.Or(b.Provider, "-"))
		row("the books say", cmp.Or(b.Ours, "nothing"))
		row("they say", cmp.Or(b.Theirs, "nothing"))
		row("difference", cmp.Or(b.Difference, "-"))
		row("in provider_clearing", yes(b.Clearing))
		row("found in", cmp.Or(b.File, "-"))
		row("line", b.Line)
		row("note", cmp.Or(b.Note, "-"))
		row("found at", moment(b.Created))
		row("age", b.Age(o.Now()).Round(time.Second))
		row("owner", cmp.Or(b.Owner, "-"))
		if r := b.Resolution; r != nil {
			row("resolved at", moment(r.At))
			row("by", r.By)
			row("why", r.Why)
			row("evidence", cmp.Or(r.Evidence, "-"))
			row("booked as", cmp.Or(r.Posting, "-"))
		}
	})
}

type breaksAssign struct {
	ofBreak
	Owner string `required:"" help:"Who looks into it; empty: nobody."`
}

// Run assigns a break.
func (c *breaksAssign) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		b, err := o.AssignBreak(ctx, c.Break, c.Owner)
		if err != nil {
			return err
		}
		return c.shown(o, b)
	})
}

type breaksResolve struct {
	ofBreak
	By       string `required:"" help:"Who decides."`
	Why      string `required:"" help:"Why it is explained."`
	Evidence string `help:"What shows it: the number of a letter, of a case at the provider, …"`
	Posting  string `help:"Where a difference that stands in provider_clearing goes: cost (the provider keeps or gives it) or bank (it was received or paid). none where there is none." enum:"none,cost,bank" default:"none"`
}

// Run resolves a break.
func (c *breaksResolve) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		b, err := o.ResolveBreak(ctx, c.Break, app.Ruling{By: c.By, Why: c.Why, Evidence: c.Evidence, Posting: c.Posting})
		if err != nil {
			return err
		}
		if err := c.shown(o, b); err != nil || c.JSON {
			return err
		}
		_, err = fmt.Println("\nthe difference is resolved")
		return err
	})
}
