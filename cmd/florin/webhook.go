package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app"
)

type webhookCommand struct {
	List       webhookList       `cmd:"" help:"List webhook endpoints."`
	Deliveries webhookDeliveries `cmd:"" help:"List what was sent to an endpoint, and what came back."`
	Replay     webhookReplay     `cmd:"" help:"Send events to an endpoint again: one, or those of a time."`
	Enable     webhookEnable     `cmd:"" help:"Enable an endpoint that was disabled."`
	Disable    webhookDisable    `cmd:"" help:"Disable an endpoint: nothing is sent to it."`
	Roll       webhookRoll       `cmd:"" help:"Give an endpoint a new secret."`
}

type webhookList struct{ onDatabase }

// Run lists endpoints.
func (c *webhookList) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		list, err := o.Endpoints(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"webhook_endpoints": list})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("ENDPOINT", "ACCOUNT", "MODE", "STATUS", "URL", "EVENTS", "VERSION", "CREATED", "REASON")
			for _, e := range list {
				row(e.ID, e.Account, mode(e.Livemode), e.Status, e.URL, strings.Join(e.Events, " "), cmp.Or(e.Version, "-"), moment(e.Created), cmp.Or(e.Reason, "-"))
			}
		})
	})
}

// ofEndpoint names an endpoint.
type ofEndpoint struct {
	onDatabase
	Endpoint string `arg:"" help:"Id of the endpoint: we_…"`
}

type webhookDeliveries struct {
	ofEndpoint
	Status string `help:"List those of one status only: pending, delivered, failed or stopped." enum:",pending,delivered,failed,stopped" default:"" placeholder:"STATUS"`
	Limit  int    `help:"List at most so many deliveries." default:"20"`
}

// Run lists deliveries.
func (c *webhookDeliveries) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		list, err := o.Deliveries(ctx, c.Endpoint, c.Status, max(0, c.Limit))
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"deliveries": list})
		}
		return writeTable(os.Stdout, func(row func(...any)) {
			row("EVENT", "TYPE", "STATUS", "TRIES", "LAST", "TOOK", "ANSWER", "NEXT", "PROBLEM")
			for _, d := range list {
				last, took, answer, next, problem := "-", "-", "-", "-", ""
				if n := len(d.Attempts); n > 0 {
					a := d.Attempts[n-1]
					last, took, problem = moment(a.At), a.Took.Round(time.Millisecond).String(), a.Problem
					if a.Response > 0 {
						answer = fmt.Sprint(a.Response)
					}
				}
				if !d.Next.IsZero() {
					next = moment(d.Next)
				}
				row(d.Event, d.Type, d.Status, len(d.Attempts), last, took, answer, next, cmp.Or(firstLine(problem), "-"))
			}
		})
	})
}

type webhookReplay struct {
	ofEndpoint
	Event      string   `help:"Replay this event." placeholder:"evt_…" xor:"what"`
	Since      lapse    `help:"Replay what has happened since so long ago: 90m, 24h, 7d." placeholder:"TIME" xor:"what"`
	Until      lapse    `help:"Leave out what has happened since so long ago." default:"now"`
	Type       []string `help:"Replay events of this type only; may be given several times." placeholder:"TYPE"`
	OnlyFailed bool     `help:"Replay what was sent to the endpoint and never acknowledged, and nothing else."`
}

// Run replays events.
func (c *webhookReplay) Run(ctx context.Context, log *slog.Logger) error {
	if c.Event == "" && c.Since == 0 {
		return errors.New("say what to replay: --event evt_… or --since 24h")
	}
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		p := app.ReplayParams{Endpoint: c.Endpoint, Event: c.Event, Types: c.Type, OnlyFailed: c.OnlyFailed}
		if c.Since > 0 {
			p.Since = o.Now().Add(-time.Duration(c.Since))
		}
		if c.Until > 0 {
			p.Until = o.Now().Add(-time.Duration(c.Until))
		}
		n, err := o.ReplayEvents(ctx, p)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, map[string]any{"webhook_endpoint": c.Endpoint, "events_replayed": n})
		}
		_, err = fmt.Printf("%d events will be sent to %s again by the server that runs, or by the next one that is started\n", n, c.Endpoint)
		return err
	})
}

type webhookEnable struct{ ofEndpoint }

// Run enables the endpoint.
func (c *webhookEnable) Run(ctx context.Context, log *slog.Logger) error {
	return c.enable(ctx, log, true)
}

type webhookDisable struct{ ofEndpoint }

// Run disables the endpoint.
func (c *webhookDisable) Run(ctx context.Context, log *slog.Logger) error {
	return c.enable(ctx, log, false)
}

func (c *ofEndpoint) enable(ctx context.Context, log *slog.Logger, enable bool) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		e, err := o.EnableEndpoint(ctx, c.Endpoint, enable)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, e)
		}
		_, err = fmt.Printf("%s (%s) is %s\n", e.ID, e.URL, e.Status)
		return err
	})
}

type webhookRoll struct {
	ofEndpoint
	ExpireIn      lapse  `help:"When the old secret ends: now, or at most 24h from now; until then both sign." default:"now"`
	MasterKey     string `env:"FLORIN_MASTER_KEY" hidden:""`
	MasterKeyFile string `help:"File of the master key (default: florin.key beside the database)." env:"FLORIN_MASTER_KEY_FILE" type:"path"`
}

// Run makes the new secret and shows it, this once.
func (c *webhookRoll) Run(ctx context.Context, log *slog.Logger) error {
	return app.Operate(ctx, c.DB, log, func(o *app.Operator) error {
		e, err := o.RollEndpoint(ctx, c.Endpoint, time.Duration(c.ExpireIn), app.Config{DB: c.DB, MasterKey: c.MasterKey, MasterKeyFile: c.MasterKeyFile})
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(os.Stdout, e)
		}
		_, err = fmt.Printf("the new secret of %s (%s), shown this once:\n\n  %s\n", e.ID, e.URL, e.Secret)
		return err
	})
}
