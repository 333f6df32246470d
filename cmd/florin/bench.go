package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/app/bench"
	"github.com/florinpay/florin/internal/kit/clock"
)

type benchCommand struct {
	URL         string        `name:"url" help:"Measure this running server instead of starting one." placeholder:"http://HOST:PORT"`
	Key         string        `help:"Secret test key, for --url." env:"FLORIN_SECRET_KEY" placeholder:"sk_test_…"`
	DB          string        `name:"db" help:"PostgreSQL database in which the run makes a schema of its own, and drops it; default: SQLite in a temporary folder." placeholder:"postgres://…"`
	BesideBooks bool          `help:"Run although the PostgreSQL database holds books (they are left alone, but their server is loaded)."`
	Dir         string        `help:"Where to make the temporary folder; its disk is what SQLite is measured on." type:"existingdir"`
	Clients     int           `help:"Connections, each with one request under way." default:"64"`
	Rate        int           `help:"Open loop: begin so many errands a second, at equal distances, whether those before are done or not; latency counts from when each was due. Default: each client begins its next when it is done." placeholder:"N"`
	Mix         string        `help:"What they do: payment, stored_card, authorize_capture, refund, read, payment_and_read or mixed." default:"payment"`
	Merchants   int           `help:"Accounts that are paid, 1 to 10000." default:"1"`
	Hot         int           `help:"Let so many of a hundred payments go to one account, and the others to all others." placeholder:"PERCENT"`
	Webhooks    string        `help:"What the webhook endpoint of each account is told: one (payment_intent.succeeded), all or none; with --url, none." default:"one" enum:"one,all,none"`
	Receive     string        `help:"Be the receiver of webhooks that a run starts: listen here, and measure nothing." placeholder:"HOST:PORT"`
	Duration    time.Duration `help:"Time to measure." default:"10s"`
	Warmup      time.Duration `help:"Time before that." default:"2s"`
	Requests    int64         `help:"Measure so many requests, or a few more, instead of a time."`
	Fill        int64         `help:"Store so many payments before anything is measured, without sockets." placeholder:"PAYMENTS"`
	Into        string        `help:"With --fill: fill this database, until the account of --key has so many payments, leave it, and measure nothing." placeholder:"sqlite:PATH"`
	Book        string        `help:"With --into: file of the sandbox's book (default: the embedded sandbox's of that database)." type:"path"`
	Runs        int           `help:"Repeat the run so often, each on fresh books (with --fill, all on the same), and report medians." default:"1"`
	Plot        string        `help:"Draw the run over time into this SVG file; of several, the middle one." type:"path" placeholder:"FILE"`
	Markdown    string        `help:"Write the figures into this Markdown file, between the lines <!-- bench NAME --> and <!-- /bench NAME -->." type:"path" placeholder:"FILE"`
	Section     string        `help:"The NAME of --markdown." default:"sqlite"`
	CPUProfile  string        `name:"cpu-profile" help:"Write the CPU profile of the server that is started to this file, for go tool pprof." type:"path"`
	JSON        bool          `name:"json" help:"Print the report as one JSON object."`
}

// Run measures, prints the report, and fails where the books don't agree.
func (b *benchCommand) Run(ctx context.Context, log *slog.Logger) error {
	switch {
	case b.Receive != "":
		return b.receive(ctx)
	case b.Into != "":
		return b.fill(ctx, log)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	section := bench.Section{File: b.Markdown, Name: b.Section}
	if b.Markdown != "" {
		if err := section.Check(); err != nil {
			return err // now, and not after hours
		}
	}
	series, err := bench.Repeat(ctx, bench.Config{
		URL: b.URL, Key: b.Key, Binary: binary, DB: b.DB, BesideBooks: b.BesideBooks, Dir: b.Dir, Clients: b.Clients, Rate: b.Rate,
		Mix: b.Mix, Merchants: b.Merchants, Hot: b.Hot, Webhooks: b.Webhooks, Warmup: b.Warmup, Duration: b.Duration, Requests: b.Requests,
		Fill: b.Fill, Runs: b.Runs, Profile: b.CPUProfile, Progress: os.Stderr, Log: log, Version: version, Command: shownCommand(os.Args[1:]),
	})
	if err != nil {
		return err
	}
	if b.Markdown != "" {
		err = section.Write(series)
	}
	if b.Plot != "" {
		err = errors.Join(err, plot(b.Plot, series.Middle()))
	}
	if err = errors.Join(err, b.print(series)); err == nil && !series.OK() {
		err = errBroken // what is wrong is printed already
	}
	return err
}

// print writes the report of the one run, or the figures of several.
func (b *benchCommand) print(s *bench.Series) error {
	switch {
	case b.JSON && b.Runs > 1:
		return writeJSON(os.Stdout, s)
	case b.JSON:
		return writeJSON(os.Stdout, s.Runs[0])
	case b.Runs > 1:
		return s.Print(os.Stdout)
	}
	return s.Runs[0].Print(os.Stdout)
}

func plot(file string, r *bench.Report) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return r.Plot(f)
}

// shownCommand is the command line as it may be shown to anyone: without the key, and
// without the database's address, which may hold a password.
func shownCommand(args []string) string {
	out := []string{"florin"}
	for i, arg := range args {
		name, _, given := strings.Cut(arg, "=")
		switch secret := name == "--db" || name == "--key" || name == "--into"; {
		case secret && given:
			arg = name + "=…"
		case i > 0 && (args[i-1] == "--db" || args[i-1] == "--key" || args[i-1] == "--into"):
			arg = "…"
		}
		out = append(out, arg)
	}
	return strings.Join(out, " ")
}

// receive is the process that takes the webhooks of a run.
func (b *benchCommand) receive(ctx context.Context) error {
	if err := loopback(b.Receive); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", b.Receive)
	if err != nil {
		return err
	}
	fmt.Printf("The receiver is ready at http://%s\n", ln.Addr())
	return bench.Receive(ctx, ln, clock.System{})
}

// fill stores payments in a database that stays.
func (b *benchCommand) fill(ctx context.Context, log *slog.Logger) error {
	done, err := bench.Fill(ctx, bench.Filling{
		DB: b.Into, Book: b.Book, SecretKey: b.Key, PublishableKey: "pk_test_" + rand.Text(), Payments: b.Fill, Progress: os.Stderr, Log: log,
		MasterKey: os.Getenv("FLORIN_MASTER_KEY"), MasterKeyFile: os.Getenv("FLORIN_MASTER_KEY_FILE"), Heads: os.Getenv("FLORIN_HEADS"),
	})
	if err == nil {
		fmt.Printf("%d payments stored in %.1f s, %.0f a second; there were %d before\n", done.Stored, done.Seconds, done.Rate(), done.Before)
	}
	return err
}
