//go:build unix && probe

package crash

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	"setup.claimed":    {1},
	// What the sandbox tells unasked: see trouble.
	"news.verified": {1, 3},
	"news.stored":   {1, 3},
	"news.heard":    {1, 3},
	"news.applied":  {1, 3},
	"payment.heard": {1, 3},
	// Postings are sealed every ten seconds.
	"seal.before-heads":   {1, 2},
	"seal.after-heads":    {1},
	"setup.before-send":   {1, 4},
	"setup.after-send":    {1, 4},
	"setup.settled":       {1, 4},
	"payout.before-send":  {1, 4},
	"payout.after-send":   {1, 4},
	"payout.settled":      {1, 4},
	"webhook.before-send": {1, 6, 40},
	"webhook.after-send":  {1, 6, 40},
	"webhook.recorded":    {1, 6, 40},
}

// elsewhere are the kill points that other tests reach: TestPayoutsLeftBehind and
// TestKilledWhileReconciling.
var elsewhere = []string{"payout.claimed", "payout.notices-applied",
	"settle.fetched", "settle.begun", "settle.kept", "settle.before-post", "settle.posted"}

// alone are those for which a server has a life of its own: they need something
// to be prepared, or longer than a lease.
var alone = []string{"job.claimed", "job.handled", "payment.claimed"}

// otherVisits are those of a kill point that is not listed.
var otherVisits = []int{1, 3, 7, 12}

// stop is a visit of a kill point.
type stop struct {
	point string
	visit int
}

func (s stop) String() string { return fmt.Sprintf("%s:%d", s.point, s.visit) }

// early reports whether a server meets it while it sets up its first account.
func (s stop) early() bool { return strings.HasPrefix(s.point, "db.") && s.visit <= 2 }

// chainLength is how many times one server is killed.
const chainLength = 6

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

// TestKillPoints ends the server at every kill point. What is left is inspected
// when a server has died several times, each time at another point: that takes as
// long as after one.
func TestKillPoints(t *testing.T) {
	florintest.Binary(t, "probe") // once, before the clocks of the cases run
	florintest.Binary(t)
	names := killPoints(t)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(visits)), elsewhere) {
		if !slices.Contains(names, name) {
			t.Errorf("there is no kill point %s any more", name)
		}
	}
	var early, single, many []stop
	for _, name := range names {
		if slices.Contains(elsewhere, name) {
			continue
		}
		at := visits[name]
		if at == nil {
			at = otherVisits
		}
		for _, n := range at {
			switch s := (stop{name, n}); {
			case slices.Contains(alone, name):
				single = append(single, s)
			case s.early():
				early = append(early, s)
			default:
				many = append(many, s)
			}
		}
	}
	for _, s := range single {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			killAt(t, s.point, s.visit)
		})
	}
	for i, chain := range chains(many) {
		if i == 0 {
			chain = append(early, chain...)
		}
		t.Run(fmt.Sprint("chain ", i), func(t *testing.T) {
			t.Parallel()
			killChain(t, chain)
		})
	}
}

// chains deals stops out, so that those of one point are in different chains.
func chains(list []stop) [][]stop {
	dealt := make([][]stop, (len(list)+chainLength-1)/chainLength)
	for i, s := range list {
		dealt[i%len(dealt)] = append(dealt[i%len(dealt)], s)
	}
	return dealt
}

// killChain kills a server again and again while it is under load of every kind.
func killChain(t *testing.T, list []stop) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	box := florintest.NewSandbox(t, florintest.SandboxOptions{})
	server := florintest.New(t, florintest.Options{Sandbox: box.URL, Args: []string{timeout}, Tags: []string{"probe"}, Env: []string{"FLORIN_SANDBOX_SECRET=" + florintest.PushSecret}})
	check(box.PushTo(ctx, server))
	strike := func(s stop, troubled bool) {
		t.Helper()
		t.Logf("dies at %s", s)
		kill := "FLORIN_KILL=" + s.String()
		check(server.Begin(kill))
		if troubled {
			trouble(ctx, t, box)
		}
		died(ctx, t, server, kill)
	}
	kills := len(list)
	for ; list[0].early(); list = list[1:] {
		strike(list[0], false)
	}
	check(server.Restart(ctx))
	l, hook := mixed(ctx, t, "chain", newClient(server), box)
	check(server.Kill())
	var dead atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Whatever happens, every journey and tale is played once.
		l.round(6, func() bool { return l.begun() < 2*len(tales) || !dead.Load() })
	}()
	func() {
		defer func() {
			dead.Store(true)
			l.over.Store(true)
		}()
		for _, s := range list {
			strike(s, true)
		}
	}()
	begun := time.Now()
	check(server.Restart(ctx))
	ready := time.Since(begun)
	<-done
	w := inspect(t, l, server, box)
	told(ctx, t, server, hook)
	w.report(kills, []time.Duration{ready})
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
		{Mode: sandbox.Reset, Kind: sandbox.Authenticate, Count: 2},
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
