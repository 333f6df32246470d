//go:build unix

package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
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
	intents    map[string]thing                           // by id
	refunds    []thing
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

// inspect waits until nothing is open and then checks everything.
func inspect(t *testing.T, l *load, server *florintest.Server, box *florintest.Sandbox) *world {
	t.Helper()
	w := &world{t: t, load: l, server: server, box: box, intents: map[string]thing{}, reversed: map[string]bool{}}
	d := reader(t, server.DB)
	defer func() { _ = d.Close() }()
	w.settle(d)
	w.read()
	w.acknowledged()
	w.book()
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

// settle waits until no attempt is open.
func (w *world) settle(d *db.DB) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.load.ctx, settleLimit)
	defer cancel()
	for {
		open, err := w.readAttempts(ctx, d)
		if err == nil && open == 0 {
			return
		}
		if sleep(ctx, 250*time.Millisecond) != nil {
			w.t.Fatalf("%d attempts are still open after %s (%v)", open, settleLimit, err)
		}
	}
}

func (w *world) readAttempts(ctx context.Context, d *db.DB) (open int, err error) {
	w.attempts = map[string]*object.Object[payment.Attempt]{}
	err = payment.Attempts.Scan(ctx, d, func(a *object.Object[payment.Attempt]) error {
		w.attempts[payment.Reference(a.Scope, payment.AttemptID(a.Key))] = a
		if a.Body.Open() {
			open++
		}
		return nil
	})
	return open, err
}

// read asks both sides for all that they have.
func (w *world) read() {
	w.t.Helper()
	c, ctx := w.load.client, w.load.ctx
	intents, err := c.list(ctx, "/v1/payment_intents")
	if err == nil {
		w.refunds, err = c.list(ctx, "/v1/refunds")
	}
	if err == nil {
		w.operations, err = w.box.Operations(ctx)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range intents {
		w.intents[o.ID] = o
	}
	for _, op := range w.operations {
		if op.Kind == sandbox.Reversal && op.State == sandbox.Approved {
			w.reversed[op.Original] = true
		}
	}
}

// acknowledged checks that each key made what its answer says, once, and that
// nothing is there that nobody asked for.
func (w *world) acknowledged() {
	w.t.Helper()
	made := map[string][]thing{} // by key
	for _, o := range w.intents {
		made[o.Metadata["order"]] = append(made[o.Metadata["order"]], o)
	}
	for _, o := range w.refunds {
		made[o.Metadata["order"]] = append(made[o.Metadata["order"]], o)
	}
	for _, l := range w.load.calls {
		o, err := l.Answer.thing()
		list := made[l.Key]
		delete(made, l.Key)
		switch creates := l.Path == "/v1/payment_intents" || l.Path == "/v1/refunds"; {
		case err != nil:
			w.differ("%s: %v", l.Key, err)
		case !creates && l.Answer.acknowledged() && w.intents[o.ID].ID == "":
			w.lost++
			w.t.Errorf("%s: %s was acknowledged and its intent is not there", l.Key, l.Path)
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
		if err != nil || o.Object != "payment_intent" {
			continue
		}
		now := w.intents[o.ID]
		if w.restored && now.ID == "" && o.AmountReceived == 0 {
			continue // the acquirer has never heard of it
		}
		final := o.Status == "succeeded" || o.Status == "canceled"
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
