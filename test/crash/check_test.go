//go:build unix

package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// settleLimit is how long outcomes may stay open: a request that was never
// sent counts as failed when its absence is confirmed after the acquirer's
// horizon (30 s), a margin (10 s) and a pause of at most 32 s more.
const settleLimit = 120 * time.Second

// world is what is looked at when all is over.
type world struct {
	t      *testing.T
	load   *load
	server *florintest.Server
	box    *florintest.Sandbox

	attempts   map[string]*object.Object[payment.Attempt] // by reference
	setups     map[string]*object.Object[setup.Attempt]   // by reference
	payouts    map[string]*object.Object[payout.Attempt]  // by reference
	things     map[string]thing                           // all that the API shows, by id
	intents    map[string]thing                           // by id
	refunds    []thing
	disputes   []thing
	claims     map[string]sandbox.Dispute // disputes as they stand at the acquirer, by its id
	contested  map[int64]int              // how often the acquirer got evidence, by the dispute's key
	chosen     map[string]sandbox.State   // what payers answered, by the authentication's reference
	operations []sandbox.Operation
	reversed   map[string]bool // references of approved operations that were undone

	lost, doubled, unexplained int

	// restored: the database is one that was restored from a backup. learned
	// counts the operations that it learned of from the acquirer.
	restored bool
	learned  int
}

// differ tells of a difference that nothing explains.
func (w *world) differ(format string, args ...any) {
	w.t.Helper()
	w.unexplained++
	w.t.Errorf(format, args...)
}

func look(t *testing.T, l *load, server *florintest.Server, box *florintest.Sandbox) *world {
	return &world{t: t, load: l, server: server, box: box, things: map[string]thing{}, intents: map[string]thing{}, reversed: map[string]bool{},
		claims: map[string]sandbox.Dispute{}, chosen: map[string]sandbox.State{}, contested: map[int64]int{}}
}

// inspect waits until nothing is open and then checks everything.
func inspect(t *testing.T, l *load, server *florintest.Server, box *florintest.Sandbox) *world {
	t.Helper()
	w := look(t, l, server, box)
	d := reader(t, server.DB)
	defer func() { _ = d.Close() }()
	w.settle(d)
	w.read()
	w.acknowledged()
	w.book()
	w.others(d)
	w.clearing(d)
	w.replays()
	report, err := server.Verify(l.ctx)
	if err != nil {
		t.Error(err)
	}
	for _, f := range report.Findings {
		w.differ("florin verify: %+v", f)
	}
	return w
}

// reader opens a server's database beside it.
func reader(t *testing.T, address string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), address, db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// settle waits until no attempt is open, but for those of payers who were left
// alone.
func (w *world) settle(d *db.DB) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.load.ctx, settleLimit)
	defer cancel()
	for {
		open, err := w.readAttempts(ctx, d)
		if err == nil && len(open) == 0 {
			return
		}
		if sleep(ctx, 250*time.Millisecond) != nil {
			w.t.Fatalf("%d attempts are still open after %s (%v): %s", len(open), settleLimit, err, open)
		}
	}
}

func (w *world) readAttempts(ctx context.Context, d *db.DB) (open []string, err error) {
	w.attempts = map[string]*object.Object[payment.Attempt]{}
	w.setups = map[string]*object.Object[setup.Attempt]{}
	w.payouts = map[string]*object.Object[payout.Attempt]{}
	count := func(it bool, format string, args ...any) {
		if it {
			open = append(open, fmt.Sprintf(format, args...))
		}
	}
	err = payment.Attempts.Scan(ctx, d, func(a *object.Object[payment.Attempt]) error {
		w.attempts[payment.Reference(a.Scope, payment.AttemptID(a.Key))] = a
		count(a.Body.Open() && !leftAlone(a),
			"%s %d is %s, due %s after %d tries", a.Body.Operation, a.Key, a.Body.State, a.Body.Due, a.Body.Tries)
		return nil
	})
	if err == nil {
		err = setup.Attempts.Scan(ctx, d, func(a *object.Object[setup.Attempt]) error {
			w.setups[setup.Reference(a.Scope, setup.AttemptID(a.Key))] = a
			count(a.Body.State == setup.Trying,
				"setup %d is due %s after %d tries", a.Key, a.Body.Due, a.Body.Tries)
			return nil
		})
	}
	if err == nil {
		err = payout.Attempts.Scan(ctx, d, func(a *object.Object[payout.Attempt]) error {
			w.payouts[payout.Reference(a.Scope, a.Key)] = a
			count(a.Body.Open() && !tomorrow(a), "payout %d is %s, due %s after %d tries", a.Key, a.Body.State, a.Body.Due, a.Body.Tries)
			return nil
		})
	}
	return open, err
}

// leftAlone reports whether an attempt waits for a payer, who has a day.
func leftAlone(a *object.Object[payment.Attempt]) bool {
	return a.Body.Operation == payment.OpAuthenticate && a.Body.State == payment.Pending
}

// tomorrow reports whether a payout is on its way at the bank for hours.
func tomorrow(a *object.Object[payout.Attempt]) bool {
	return a.Body.State == payout.Waiting && time.Until(a.Body.Due) > time.Hour
}

// read asks both sides for all that they have.
func (w *world) read() {
	w.t.Helper()
	c, ctx := w.load.client, w.load.ctx
	kinds := []string{"payment_intents", "refunds", "disputes", "setup_intents", "payouts", "customers"}
	if w.load.account != "" {
		kinds = append(kinds, "accounts/"+w.load.account+"/external_accounts")
	}
	for _, kind := range kinds {
		list, err := c.list(ctx, "/v1/"+kind)
		if err != nil {
			w.t.Fatal(err)
		}
		switch kind {
		case "refunds":
			w.refunds = list
		case "disputes":
			w.disputes = list
		}
		for _, o := range list {
			w.things[o.ID] = o
			if kind == "payment_intents" {
				w.intents[o.ID] = o
			}
		}
	}
	w.readSandbox()
}

// readSandbox reads the acquirer's book.
func (w *world) readSandbox() {
	w.t.Helper()
	list, err := w.box.Operations(w.load.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.operations = nil
	for _, op := range list {
		for _, n := range op.Notices {
			if n.Dispute != nil {
				w.claims[n.Dispute.ID] = *n.Dispute
			}
		}
		switch {
		case op.Kind == sandbox.Event:
			continue
		case op.Kind == sandbox.Challenge:
			w.chosen[op.Original] = op.State
			continue
		case op.Kind == sandbox.Reversal && op.State == sandbox.Approved:
			w.reversed[op.Original] = true
		case op.Kind == sandbox.Sale && op.State == sandbox.Pending && !time.Now().Before(op.Settles):
			// A debit has ended by time alone.
			op.State = sandbox.Declined
			if op.Result == approvedCode {
				op.State = sandbox.Approved
			}
		}
		w.operations = append(w.operations, op)
	}
}

// approvedCode is the acquirer's for what it approves.
const approvedCode = "00"

// acknowledged checks that each key made what its answer says, once, and that
// nothing is there that nobody asked for.
func (w *world) acknowledged() {
	w.t.Helper()
	made := map[string][]thing{} // by key
	for _, o := range w.things {
		made[o.Metadata["order"]] = append(made[o.Metadata["order"]], o)
	}
	for _, l := range w.load.calls {
		o, err := l.Answer.thing()
		list := made[l.Key]
		delete(made, l.Key)
		switch creates := creates[l.Path]; {
		case err != nil:
			w.differ("%s: %v", l.Key, err)
		case !creates && l.Answer.acknowledged() && w.things[o.ID].ID == "":
			w.lost++
			w.t.Errorf("%s: %s was acknowledged and %s is not there", l.Key, l.Path, o.ID)
		case creates && len(list) > 1:
			w.doubled++
			w.t.Errorf("%s made %d objects: %+v", l.Key, len(list), list)
		case creates && l.Answer.acknowledged() && (len(list) == 0 || list[0].ID != o.ID):
			w.lost++
			w.t.Errorf("%s was answered %d with %s; there is %+v", l.Key, l.Answer.Status, o.ID, list)
		case creates && !l.Answer.acknowledged() && len(list) > 0:
			w.differ("%s was refused (%d %s); there is %+v", l.Key, l.Answer.Status, l.Answer.Body, list)
		}
	}
	for order, list := range made {
		if order != "" { // jobs and what was made to prepare them name no order
			w.differ("nobody was told of %+v", list)
		}
	}
	w.outcomes()
}

// outcomes checks that what an answer called made is made.
func (w *world) outcomes() {
	w.t.Helper()
	for _, l := range w.load.calls {
		o, err := l.Answer.thing()
		if err != nil {
			continue
		}
		now := w.things[o.ID]
		if w.restored && now.ID == "" && o.AmountReceived == 0 {
			continue // the acquirer has never heard of it
		}
		final := o.Object != "refund" && slices.Contains([]string{"succeeded", "canceled", "won", "lost"}, o.Status)
		if final && now.Status != o.Status || o.Status == "succeeded" && now.AmountReceived != o.AmountReceived {
			w.lost++
			w.t.Errorf("%s was told that %s is %s with %d received; it is %s with %d", l.Key, o.ID, o.Status, o.AmountReceived, now.Status, now.AmountReceived)
		}
	}
}

// replays sends every request once more under its key: it is answered as it
// was, byte for byte.
func (w *world) replays() {
	w.t.Helper()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		wrong []error
		queue = make(chan *call)
	)
	for range 8 {
		group.Go(func() {
			for l := range queue {
				if err := w.replay(l); err != nil {
					mu.Lock()
					wrong = append(wrong, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, l := range w.load.calls {
		queue <- l
	}
	close(queue)
	group.Wait()
	if len(wrong) > 10 {
		wrong = append(wrong[:10], fmt.Errorf("and %d more", len(wrong)-10))
	}
	if err := errors.Join(wrong...); err != nil {
		w.t.Error(err)
	}
}

func (w *world) replay(l *call) error {
	a, err := w.load.client.do(w.load.ctx, l, func() {})
	switch {
	case err != nil:
		return err
	case a.Status != l.Answer.Status || a.Body != l.Answer.Body:
		return fmt.Errorf("%s %s was answered %d %s, and again %d %s", l.Path, l.Key, l.Answer.Status, l.Answer.Body, a.Status, a.Body)
	case !a.Replayed && a.Status == http.StatusOK:
		return fmt.Errorf("%s %s was executed once more", l.Path, l.Key)
	}
	return nil
}
