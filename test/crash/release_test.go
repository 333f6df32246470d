//go:build unix && !probe

package crash

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// TestReleaseBuildHasNoProbes: the binary that people run does not listen to
// the variables of the probe build.
func TestReleaseBuildHasNoProbes(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"FLORIN_KILL=db.after-commit:1", "FLORIN_KILL=payment.before-send", "FLORIN_MUTANT=payment.ignore-lease"} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			box := florintest.StartSandbox(t, florintest.SandboxOptions{})
			server := florintest.Start(t, florintest.Options{Sandbox: box.URL, Env: []string{variable}})
			l := &load{t: t, ctx: ctx, client: newClient(server), tag: "release"}
			l.round(4, func() bool { return l.journeys < 8 })
			if !server.Running() {
				t.Errorf("the server has ended: %v", server.Wait(ctx))
			}
			if n := l.client.retried.Load(); n > 20 {
				t.Errorf("%d requests had to be sent again", n) // a few are: copies at once under one key
			}
			inspect(t, l, server, box)
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGracefulShutdown: a payment that is under way when the server is asked
// to end is finished and answered first.
func TestGracefulShutdown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	server := florintest.Start(t, florintest.Options{Sandbox: box.URL})
	if err := box.AddFault(ctx, sandbox.Fault{Mode: sandbox.Late, Kind: sandbox.Sale, Delay: 500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	l := &load{t: t, ctx: ctx, client: newClient(server), tag: "shutdown"}
	type result struct {
		answer
		err error
	}
	answered := make(chan result, 1)
	form := creating(4200, "usd", "automatic", "pm_card_visa").form(nil)
	form.Set("metadata[order]", "shutdown")
	go func() {
		a, err := l.client.try(ctx, http.MethodPost, "/v1/payment_intents", form, "shutdown")
		answered <- result{a, err}
	}()
	for ops := 0; ops == 0; { // the acquirer has it: it is under way
		list, err := box.Operations(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ops = len(list)
	}
	select {
	case r := <-answered:
		t.Fatalf("it was answered before the server was asked to end: %+v", r)
	default:
	}
	if err := server.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(ctx); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	r := <-answered
	o, err := r.thing()
	if err := errors.Join(r.err, err); err != nil || r.Status != http.StatusOK || o.Status != "succeeded" {
		t.Fatalf("%+v, %v", r, err)
	}
	l.calls = append(l.calls, &call{Key: "shutdown", Path: "/v1/payment_intents", Form: url.Values(form), Answer: r.answer})
	nothingOpen(t, server)
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	inspect(t, l, server, box)
}

// nothingOpen fails the test if an attempt waits for its outcome.
func nothingOpen(t *testing.T, server *florintest.Server) {
	t.Helper()
	d := reader(t, server.DB)
	defer func() { _ = d.Close() }()
	w := &world{t: t}
	if open, err := w.readAttempts(t.Context(), d); len(open) != 0 || err != nil {
		t.Errorf("attempts are open: %s, %v", open, err)
	}
}
