//go:build unix && probe

package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// visits are at which visits of a kill point the server is killed, so that
// different operations are hit. At the first visits of those of the database
// the server is just setting up its first account.
var visits = map[string][]int{
	"db.before-commit": {1, 2, 5, 14, 31, 60},
	"db.after-commit":  {1, 2, 5, 14, 31, 60},
	"job.claimed":      {1}, // all that is due is claimed at once
	"job.handled":      {1, 2},
	"payment.claimed":  {1, 3}, // each takes a minute: a lease has to end
	// The sandbox tells unasked of those alone whose answer is lost: see trouble.
	"news.verified": {1, 3},
	"news.stored":   {1, 3},
	"news.heard":    {1, 3},
	"payment.heard": {1, 3},
	// Postings are sealed every ten seconds.
	"seal.before-heads": {1, 2},
	"seal.after-heads":  {1},
}

// payoutPoints are those of a payout's way, which TestPayoutKillPoints goes: the
// load of the others pays nobody out. notReached are those that neither comes to,
// since they need a bank that keeps silent or returns payouts; what becomes of a
// payout whose sender dies there is tested in internal/core/payout, where the
// sender's goroutine ends.
var (
	payoutPoints = []string{"payout.before-send", "payout.after-send", "payout.settled"}
	notReached   = []string{"payout.claimed", "payout.notices-applied"}
)

// otherVisits are those of a kill point that is not listed.
var otherVisits = []int{1, 3, 7, 12}

var pointPattern = regexp.MustCompile(`\bprobe\.Point\("([^"]+)"\)`)

// killPoints finds every kill point in the source.
func killPoints(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("../../internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range pointPattern.FindAllSubmatch(source, -1) {
			names = append(names, string(match[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 0 {
		t.Fatal("no kill point in the source: the pattern finds none")
	}
	return names
}

// TestKillPoints ends the server at every kill point.
func TestKillPoints(t *testing.T) {
	florintest.Binary(t, "probe") // once, before the clocks of the cases run
	florintest.Binary(t)
	names := killPoints(t)
	for name := range visits {
		if !slices.Contains(names, name) {
			t.Errorf("there is no kill point %s any more", name)
		}
	}
	for _, name := range names {
		if slices.Contains(payoutPoints, name) || slices.Contains(notReached, name) {
			continue
		}
		at := visits[name]
		if at == nil {
			at = otherVisits
		}
		for _, n := range at {
			t.Run(fmt.Sprintf("%s:%d", name, n), func(t *testing.T) {
				t.Parallel()
				killAt(t, name, n)
			})
		}
	}
}

func killAt(t *testing.T, point string, n int) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	unasked := point != "payment.claimed" // what is told unasked need not be looked after
	begin := florintest.StartSandbox
	if unasked {
		begin = florintest.NewSandbox
	}
	box := begin(t, florintest.SandboxOptions{})
	server := florintest.New(t, florintest.Options{Sandbox: box.URL, Args: []string{timeout}, Tags: []string{"probe"}, Env: []string{"FLORIN_SANDBOX_SECRET=" + florintest.PushSecret}})
	if unasked {
		if err := box.PushTo(t.Context(), server); err != nil {
			t.Fatal(err)
		}
	}
	var given []string
	if strings.HasPrefix(point, "job.") {
		given = oweRefunds(ctx, t, server, 3)
	}
	kill := fmt.Sprintf("FLORIN_KILL=%s:%d", point, n)
	if err := server.Begin(kill); err != nil {
		t.Fatal(err)
	}
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "kill"}
	var dead atomic.Bool
	done := make(chan struct{})
	go func() {
		// Whatever happens, the whole script is played once.
		l.round(6, func() bool { return l.begun() < 16 || !dead.Load() })
		close(done)
	}()
	trouble(ctx, t, box)
	died(ctx, t, server, kill)
	dead.Store(true)
	begun := time.Now()
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	ready := time.Since(begun)
	<-done
	for _, charge := range given {
		awaitRefund(l, charge)
	}
	inspect(t, l, server, box).report(1, []time.Duration{ready})
}

func (l *load) begun() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.journeys
}

// trouble makes some outcomes unknown, so that there is something to resolve.
func trouble(ctx context.Context, t *testing.T, box *florintest.Sandbox) {
	t.Helper()
	for _, f := range []sandbox.Fault{
		{Mode: sandbox.Reset, Kind: sandbox.Sale, Count: 2},
		{Mode: sandbox.Garbage, Kind: sandbox.Capture},
		{Mode: sandbox.Reset, Kind: sandbox.Refund, Count: 2},
		{Mode: sandbox.Lost, Kind: sandbox.Authorize},
		{Mode: sandbox.Garbage, Kind: sandbox.Reversal},
	} {
		if err := box.AddFault(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
}

// died waits until the server has killed itself.
func died(ctx context.Context, t *testing.T, server *florintest.Server, kill string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := server.Wait(ctx)
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("%s: the kill point was not reached: %v", kill, err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s: the server ended otherwise: %v", kill, err)
	}
}

// oweRefunds takes payments and leaves jobs that give them back, as a success
// that came too late does. It gives the charges.
func oweRefunds(ctx context.Context, t *testing.T, server *florintest.Server, count int) (charges []string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(server.Restart(ctx))
	c := newClient(server)
	for i := range count {
		s := creating(3000+i, "usd", "automatic", "pm_card_visa")
		a, err := c.do(ctx, &call{Key: fmt.Sprintf("owed-%d", i), Path: s.path(nil), Form: s.form(nil)}, func() {})
		check(err)
		o, err := a.thing()
		check(err)
		charges = append(charges, o.LatestCharge)
	}
	check(server.Stop())
	d, err := db.Open(ctx, server.DB, db.Options{})
	check(err)
	defer func() { check(d.Close()) }()
	check(d.ClaimNode(ctx))
	check(payment.Charges.Scan(ctx, d, func(ch *object.Object[payment.Charge]) error {
		return d.Run(ctx, db.Step{Name: "crash.owe", Scope: ch.Scope.Key(), Do: func(tx *db.Tx) error {
			return job.Enqueue(tx, ch.Scope, tx.NewKey(), payment.GiveBackJob, tx.Now(), payment.GiveBackPayload{Charge: payment.ChargeID(ch.Key)})
		}})
	}))
	return charges
}

// awaitRefund waits until a charge is given back. A job whose runner was killed
// is free again after a minute.
func awaitRefund(l *load, charge string) {
	l.t.Helper()
	for {
		o, err := l.client.retrieve(l.ctx, "/v1/charges/"+charge)
		if err == nil && o.AmountRefunded == o.Amount {
			return
		}
		if err == nil {
			err = sleep(l.ctx, 250*time.Millisecond)
		}
		if err != nil {
			l.t.Fatalf("%s was not given back: %+v, %v", charge, o, err)
		}
	}
}
