package world

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/app"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/providertest"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// node is one life of one API node: a process, as far as the others can tell.
type node struct {
	w     *world
	index int
	name  string // "n1.2": the second life of node 1
	clock *shifted
	up    atomic.Bool // it serves
	dead  atomic.Bool // it reaches nothing any more

	life     context.Context // ends with it
	end      context.CancelFunc
	app      *app.App
	pipe     *providertest.Pipe
	server   *http.Server
	requests sync.WaitGroup
	// hooks leads to the merchants' servers, as it reaches them.
	hooks     *providertest.Pipe
	receivers *http.Server
	heard     map[string]int // how often it was sent each message
}

// shifted is the clock of a machine that is wrong by some time.
type shifted struct {
	*course
	by   atomic.Int64
	late time.Duration // how many times as long it waits for what is soon
}

func (c *shifted) Now() time.Time { return c.course.Now().Add(time.Duration(c.by.Load())) }

// Sleep implements [clock.Clock]. A machine that has much to do comes late to what
// it does once or twice a second, and what is polled for in vain costs a world
// the most.
func (c *shifted) Sleep(ctx context.Context, d time.Duration) error {
	if d <= time.Second {
		d *= c.late
	}
	return c.course.Sleep(ctx, d)
}

func (c *shifted) jump(to time.Duration) { c.by.Store(int64(to)) }

// boot starts node i after a while, and again until it is up.
func (w *world) boot(i int, after time.Duration) {
	w.boots.Go(func() {
		for time.Sleep(after); ; time.Sleep(time.Second) {
			n := w.newNode(i)
			if err := n.start(); err == nil {
				return
			}
			w.lives.Go(n.bury)
		}
	})
}

func (w *world) newNode(i int) *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.started[i]++
	n := &node{w: w, index: i, name: fmt.Sprintf("n%d.%d", i, w.started[i]), clock: w.clocks[i], pipe: providertest.NewPipe(), hooks: providertest.NewPipe(), heard: map[string]int{}}
	n.life, n.end = context.WithCancel(context.Background())
	w.nodes[i] = n
	return n
}

// start puts the node together and lets it serve.
func (n *node) start() (err error) {
	w := n.w
	options := sandbox.ConnectorOptions{Clock: n.clock, DialContext: w.wire.Dial, Secret: pushSecret, ReplayWindow: w.made.replay}
	if w.made.hasty {
		options.Timeout, options.Horizon = hastyTimeout, hastyHorizon
	}
	connector := sandbox.New("http://sandbox.invalid", options)
	if w.made.mute {
		connector.Inquire = nil
	}
	teller := bank.New("bank.invalid", bank.ConnectorOptions{Clock: n.clock, DialContext: w.bankWire.Dial, Secret: pushSecret})
	n.app, err = app.New(n.life, app.Config{
		DB: w.address, Database: w.db.Facade(n.clock, n), Heads: w.headsOf(n.index), SecretKey: secretKey, Seed: int64(w.seed), Clock: n.clock,
		Logger: slog.New(slog.DiscardHandler), Provider: n.watched(connector), Bank: n.watchedBank(teller), WebhookDial: n.hooks.Dial,
	})
	if err != nil {
		return err
	}
	n.app.Start()
	handler := n.app.Handler()
	n.server = &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n.requests.Add(1)
		defer n.requests.Done()
		actor := r.Header.Get(actorHeader)
		if strings.HasPrefix(r.URL.Path, "/providers/") {
			actor = n.message(rw, r)
		}
		handler.ServeHTTP(rw, r.WithContext(context.WithValue(r.Context(), actorKey{}, actor)))
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.lives.Go(func() { _ = n.server.Serve(n.pipe) })
	n.receivers = &http.Server{Handler: http.HandlerFunc(n.receive), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	w.lives.Go(func() { _ = n.receivers.Serve(n.hooks) })
	n.up.Store(true)
	return nil
}

// message names the actor that takes a provider's message: by the message, and
// how often it has come to the node. Its connection is used for nothing else.
func (n *node) message(rw http.ResponseWriter, r *http.Request) string {
	rw.Header().Set("Connection", "close")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "" // it is read again, and refused
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	told := struct{ ID string }{"what is none"}
	_ = json.Unmarshal(body, &told) // some can't be read
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.heard[told.ID]++
	return fmt.Sprintf("%s #%d", words(told.ID), n.heard[told.ID])
}

// crash ends a node's life in the middle of whatever it is at: it reaches
// neither the database nor a provider nor a client any more. Another life begins
// after a while.
func (w *world) crash(n *node) {
	if n.dead.Swap(true) {
		return
	}
	w.history.add("%s dies", n.name)
	n.end()
	_ = n.pipe.Close()
	_ = n.server.Close()
	_ = n.hooks.Close()
	_ = n.receivers.Close()
	w.lives.Go(n.bury)
	away := w.between(10*time.Millisecond, maxDowntime)
	if w.made.dying {
		away += 2 * maxDowntime
	}
	w.boot(n.index, away)
}

// bury waits until everything that a dead node was at has come to its end.
func (n *node) bury() {
	if n.app != nil {
		_ = n.app.Close(context.Background()) // it can't reach what it wants to tidy up
	}
	n.requests.Wait()
}

// shut ends a node that has nothing under way. (Shutdown of package http would
// wait random whiles.)
func (n *node) shut() error {
	if err := n.server.Close(); err != nil {
		return err
	}
	n.requests.Wait()
	return errors.Join(n.app.Close(context.Background()), n.receivers.Close())
}

type actorKey struct{}

// actorHeader names the client's actor to the node, for the history.
const actorHeader = "World-Actor"

// label names an actor of the node at a point.
func (n *node) label(ctx context.Context, point, on string) string {
	actor, _ := ctx.Value(actorKey{}).(string)
	if actor == "" {
		actor = cmp.Or(job.Working(ctx), "-")
	}
	return fmt.Sprintf("%-5s %-4s %s %s", n.name, actor, point, on)
}

var errAway = fault.New(fault.Unavailable, "", "The database can't be reached.")

// Read implements [db.Gate].
func (n *node) Read(context.Context) error {
	if n.dead.Load() {
		return errAway
	}
	return nil
}

// Step implements [db.Gate].
func (n *node) Step(ctx context.Context, s db.Step, run func(db.Step) error) error {
	if n.dead.Load() {
		return errAway // nobody sees what a dead process still tries, in whatever order
	}
	on := ""
	if len(s.Needs) > 0 {
		on = s.Needs[0].String()
	}
	name := n.label(ctx, s.Name, on)
	dies := func(v verdict) bool { return n.dead.Load() && !(v.fault == crashBefore && v.applied) }
	v := n.w.turns.park(&parked{name: name, place: atStep, what: s.Name, node: n})
	if v.fault == slowBefore {
		n.w.stall(v.delay)
	}
	if dies(v) || v.fault == commitFails {
		return errAway
	}
	do := s.Do
	s.Do = func(tx *db.Tx) error {
		if n.dead.Load() && !v.applied {
			return errAway // it never reached the database
		}
		return do(tx)
	}
	err := run(s)
	if s.Name == recordsHook && err == nil {
		n.w.mail.recorded(n.name, on)
	}
	if v.fault == slowAfter {
		n.w.stall(v.delay)
	}
	n.w.turns.park(&parked{name: name + result(err), place: atDone, what: s.Name, node: n})
	if v.fault == crashAfter { // only now: whoever was woken by the commit has parked too
		n.w.crash(n)
	}
	if n.dead.Load() || v.fault == commitLost && err == nil {
		return errAway
	}
	return err
}

func result(err error) string {
	if err != nil {
		return " refused: " + err.Error()
	}
	return " done"
}
