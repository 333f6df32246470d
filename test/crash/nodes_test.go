//go:build unix && !probe

package crash

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/provider/sandbox"
	"github.com/florinpay/florin/test/florin"
)

// TestNodesShareKeys: of fifty requests under one key, sent at once to three
// nodes, one pays, and all are answered alike.
func TestNodesShareKeys(t *testing.T) {
	severalNodes(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	nodes := florintest.Nodes(t, 3, florintest.Options{Sandbox: box.URL, Args: []string{timeout}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	const rounds, copies = 4, 50
	for round := range rounds {
		answers := make([]answer, copies)
		var group sync.WaitGroup
		for i := range copies {
			group.Go(func() {
				var err error
				answers[i], err = c.do(ctx, &call{Key: fmt.Sprint("shared-", round), Path: "/v1/payment_intents", Form: creating(2000+round, "usd", "automatic", "pm_card_visa").form(nil)}, func() {})
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, a := range answers {
			if a.Status != http.StatusOK || a.Body != answers[0].Body {
				t.Errorf("round %d: %d %s and %d %s", round, a.Status, a.Body, answers[0].Status, answers[0].Body)
			}
		}
	}
	if ops := approved(ctx, t, box); len(ops) != rounds {
		t.Errorf("%d payments were made under %d keys", len(ops), rounds)
	}
}

// TestNodesTakeOver: of three nodes two are killed while one of them waits for
// the acquirer and one, perhaps, for a receiver of webhooks. The third has
// finished the payment and tells the receiver within ten seconds, though leases
// are longer.
func TestNodesTakeOver(t *testing.T) {
	severalNodes(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	nodes := florintest.Nodes(t, 3, florintest.Options{Sandbox: box.URL}) // time-outs of 10 s, so leases of 20 s
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := newClient(nodes[2])
	hook := receive(t)
	hook.register(ctx, t, c)
	free := hook.hold()
	defer free()
	made, err := c.do(ctx, &call{Key: "made", Path: "/v1/payment_intents", Form: creating(2000, "usd", "automatic", "").form(nil)}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	o, err := made.thing()
	if err != nil || o.ID == "" {
		t.Fatalf("%v %+v", err, made)
	}
	if err := box.AddFault(ctx, sandbox.Fault{Kind: sandbox.Sale, Mode: sandbox.Lost}); err != nil {
		t.Fatal(err)
	}
	// The first node asks the acquirer, which has it and does not answer.
	first := newClient(nodes[0])
	go func() {
		_, _ = first.try(ctx, http.MethodPost, "/v1/payment_intents/"+o.ID+"/confirm", url.Values{"payment_method": {"pm_card_visa"}}, "confirm")
	}()
	for len(approved(ctx, t, box)) == 0 {
		if sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatal("the acquirer is not asked")
		}
	}
	for _, n := range nodes[:2] {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	killed := time.Now()
	free()
	for {
		now, err := c.retrieve(ctx, "/v1/payment_intents/"+o.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.Status == "succeeded" && hook.events(t) >= 3 { // created, charge.succeeded, succeeded
			break
		}
		if took := time.Since(killed); took > 3*heirLimit {
			t.Fatalf("after %s it is %s, and %d events were told", took, now.Status, hook.events(t))
		}
		_ = sleep(ctx, 20*time.Millisecond)
	}
	took := time.Since(killed)
	t.Logf("taken over in %s", took.Round(time.Millisecond))
	if took > heirLimit {
		t.Errorf("it took %s until others had taken over, longer than %s", took, heirLimit)
	}
	if n := len(approved(ctx, t, box)); n != 1 {
		t.Errorf("%d payments were made", n)
	}
	again, err := c.do(ctx, &call{Key: "confirm", Path: "/v1/payment_intents/" + o.ID + "/confirm", Form: url.Values{"payment_method": {"pm_card_visa"}}}, func() {})
	if err != nil || again.Status != http.StatusOK || !again.Replayed {
		t.Errorf("the request whose node was killed, sent again: %v %+v", err, again)
	}
}

// TestRollingUpgrade: three nodes are replaced one by one by those of the next
// release, which migrates the database, while clients go on. None of their
// requests fails, and webhooks keep their order.
func TestRollingUpgrade(t *testing.T) {
	severalNodes(t)
	newer := florintest.Newer(t)
	box := florintest.StartSandbox(t, florintest.SandboxOptions{})
	o := florintest.Options{Sandbox: box.URL, Args: []string{timeout}}
	nodes := florintest.Nodes(t, 3, o)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := newClient(nodes[0])
	c.urls = urlsOf(nodes)
	hook := receive(t)
	hook.register(ctx, t, c)
	l := &load{t: t, ctx: ctx, client: c, tag: "rolling"}
	defer l.over.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.round(clients, func() bool { return !l.over.Load() })
	}()
	_ = sleep(ctx, time.Second)
	next := o
	next.Bin = newer
	urls, origin := urlsOf(nodes), nodes[0]
	for i, old := range nodes {
		// The new one takes the old one's address, as behind a name.
		successor := old.Successor(t, origin, next)
		if err := old.Stop(); err != nil {
			t.Errorf("node %d: %v", i, err)
		}
		if err := successor.Restart(ctx); err != nil {
			l.over.Store(true)
			<-done
			t.Fatal(err)
		}
		nodes[i] = successor
		_ = sleep(ctx, 500*time.Millisecond)
	}
	if fmt.Sprint(urls) != fmt.Sprint(urlsOf(nodes)) {
		t.Fatalf("the nodes have moved from %v to %v", urls, urlsOf(nodes))
	}
	l.over.Store(true)
	<-done
	if n := c.broken.Load(); n > 0 {
		t.Errorf("%d of %d requests failed", n, c.answered.Load())
	}
	t.Logf("%d requests were answered while three nodes were replaced", c.answered.Load())
	w := inspect(t, l, nodes[0], box)
	if w.lost+w.doubled+w.unexplained > 0 {
		t.Errorf("lost %d, doubled %d, unexplained %d", w.lost, w.doubled, w.unexplained)
	}
	told(ctx, t, nodes[0], hook)
}
