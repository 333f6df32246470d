//go:build unix && probe

package crash

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/test/florin"
)

// left is what a process leaves behind that dies in the midst of something.
type left struct {
	name string
	// kill is where it dies, and next where the one does that takes over first;
	// empty: none does.
	kill, next string
	// later: the others begin when it has died, since any of them might do what it
	// shall die of.
	later bool
	// prepare, if set, comes before, and to and form are the request of which it dies.
	prepare func(*journey) bool
	to      string // empty: the dispute that was prepared
	form    []string
	// status is of what the request made, in the end.
	status string
}

var lefts = []left{
	{name: "a payment", kill: "payment.after-send", to: "/v1/payment_intents", form: saleOf("pm_card_visa"), status: "succeeded"},
	{name: "a payout", kill: "payout.after-send", to: "/v1/payouts", form: []string{"amount", "1234", "currency", "usd", "method", "instant"}, status: "paid"},
	{name: "a setup", kill: "setup.after-send", to: "/v1/setup_intents", form: []string{"payment_method", "pm_card_visa", "confirm", "true"}, status: "succeeded"},
	{name: "evidence", kill: "payment.after-send", prepare: (*journey).prepareDispute, form: []string{"evidence[uncategorized_text]", "winning_evidence", "submit", "true"}, status: "won"},
	{name: "a payment's resolver", kill: "payment.after-send", next: "payment.claimed", to: "/v1/payment_intents", form: saleOf("pm_card_visa"), status: "succeeded"},
	{name: "a payout's resolver", kill: "payout.after-send", next: "payout.claimed", to: "/v1/payouts", form: []string{"amount", "1234", "currency", "usd", "method", "instant"}, status: "paid"},
	{name: "a setup's resolver", kill: "setup.after-send", next: "setup.claimed", to: "/v1/setup_intents", form: []string{"payment_method", "pm_card_visa", "confirm", "true"}, status: "succeeded"},
	{name: "what a provider told", kill: "news.heard", later: true, to: "/v1/payment_intents", form: saleOf("pm_card_createDispute"), status: "succeeded"},
	{name: "a webhook", kill: "webhook.after-send", later: true, to: "/v1/payment_intents", form: saleOf("pm_card_visa"), status: "succeeded"},
}

// prepareDispute makes a dispute.
func (j *journey) prepareDispute() bool {
	if !j.pay("pm_card_createDispute") {
		return false
	}
	return j.until("waits for a dispute", func() (bool, error) {
		list, err := j.l.client.list(j.l.ctx, "/v1/disputes")
		if len(list) > 0 {
			j.dispute = list[0]
		}
		return len(list) > 0, err
	})
}

// TestNodesTakeOverEverything: whatever a node was at when it died, and whatever
// its heir was at that died as well, is finished by a third within ten seconds,
// once, though the leases are longer.
func TestNodesTakeOverEverything(t *testing.T) {
	severalNodes(t)
	florintest.Binary(t, "probe")
	const at = 3 // at once
	for group := range at {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for i := group; i < len(lefts); i += at {
				t.Run(lefts[i].name, func(t *testing.T) { lefts[i].takenOver(t) })
			}
		})
	}
}

func (c left) takenOver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	o := florintest.Options{Tags: []string{"probe"}, Env: []string{"FLORIN_SANDBOX_SECRET=" + florintest.PushSecret}} // time-outs of 10 s, so leases of 20 s
	box := florintest.NewSandbox(t, florintest.SandboxOptions{})
	o.Sandbox = box.URL
	first := florintest.New(t, o)
	check(box.PushTo(ctx, first))
	check(first.Restart(ctx))
	second, third := first.Twin(t, o), first.Twin(t, o)
	l, hook := mixed(ctx, t, "left", newClient(first), box)
	j := l.begin()
	j.parked = func() {}
	if c.prepare != nil && !c.prepare(j) {
		t.FailNow()
	}
	told(ctx, t, first, hook) // so that it dies of what follows
	check(first.Stop())
	check(first.Restart(ctx, "FLORIN_KILL="+c.kill))
	if c.next != "" {
		check(second.Restart(ctx, "FLORIN_KILL="+c.next))
	} else if !c.later {
		check(second.Restart(ctx))
		check(third.Restart(ctx))
	}
	if c.to == "" {
		c.to = "/v1/disputes/" + j.dispute.ID
	}
	form := fields(c.form...)
	if creates[c.to] {
		form.Set("metadata[order]", "left")
	}
	go func() { _, _ = l.client.try(ctx, http.MethodPost, c.to, form, "left") }()
	died(ctx, t, first, c.kill)
	if c.next != "" {
		died(ctx, t, second, c.next)
	}
	killed := time.Now()
	if c.next != "" || c.later {
		check(third.Restart(ctx))
	}
	l.client = newClient(third)
	d := reader(t, third.DB)
	defer func() { _ = d.Close() }()
	for !c.over(ctx, t, j, d, hook) {
		if time.Since(killed) > 3*heirLimit {
			t.Fatalf("nobody has taken over after %s", time.Since(killed))
		}
		_ = sleep(ctx, 20*time.Millisecond)
	}
	took := time.Since(killed)
	t.Logf("taken over in %s", took.Round(time.Millisecond))
	if took > heirLimit {
		t.Errorf("it took %s until others had taken over, longer than %s", took, heirLimit)
	}
	l.send("left", c.to, fields(c.form...), 2, func() {})
	inspect(t, l, third, box)
	told(ctx, t, third, hook)
}

// over reports whether nothing is left of it.
func (c left) over(ctx context.Context, t *testing.T, j *journey, d *db.DB, hook *receiver) bool {
	t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(c.to, "/v1/"), "/")
	list, err := j.l.client.list(ctx, "/v1/"+path)
	if err != nil {
		t.Fatal(err)
	}
	done := false
	for _, o := range list {
		done = done || o.Status == c.status && (o.Metadata["order"] == "left" || o.ID == j.dispute.ID)
	}
	switch c.kill {
	case "webhook.after-send":
		missing, _, err := hook.missing(ctx, d)
		return done && err == nil && len(missing) == 0
	case "news.heard":
		applied, err := news.OfState(ctx, d, news.Applied, 10)
		waiting, bad := news.OfState(ctx, d, news.Received, 10)
		return done && err == nil && bad == nil && len(applied) > 0 && len(waiting) == 0
	}
	return done
}
