//go:build unix

package clients

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v86/webhook"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// commandLine is Stripe's command line, installed with the Node client.
type commandLine struct {
	t      *testing.T
	server *florintest.Server
	url    string
	home   string
}

// newCommandLine finds the program, and skips the test without it.
func newCommandLine(t *testing.T, s *florintest.Server) *commandLine {
	t.Helper()
	return &commandLine{t, s, watched(t, s), t.TempDir()}
}

// stripeProgram is the program that npm ci has installed for this machine.
func stripeProgram(t *testing.T) string {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	path, err := filepath.Abs(filepath.Join("node/node_modules/@stripe", "cli-"+runtime.GOOS+"-"+arch, "bin/stripe"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("Stripe's command line is not installed: run npm ci in test/clients/node")
	}
	return path
}

// command is the program with arguments. It asks nobody but the server: where
// it would look for a newer version of itself there is nothing.
func (c *commandLine) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), stripeProgram(c.t), append(args, "--api-base", c.url, "--api-key", c.server.SecretKey)...)
	cmd.Env = []string{"HOME=" + c.home, "XDG_CONFIG_HOME=" + c.home, "PATH=" + os.Getenv("PATH"), "DO_NOT_TRACK=1", "STRIPE_DEVICE_NAME=test", "CLICOLOR=0", "CI=1"}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// trigger is an event that the command line can have happen.
type trigger struct {
	event, object string
	// lacks says why it does not work yet; empty: it does.
	lacks string
}

// triggers are all of the families of events that are about balances, charges,
// customers, disputes, payments, payouts, refunds and setups; see stripe trigger
// --help. Its account.updated and account.application.deauthorized are not of
// these: they happen to a connected account that it makes first. What happens to
// the merchant's own account is tested in internal/door/rest (TestOwnAccountUpdated).
var triggers = []trigger{
	{"balance.available", "balance", ""},
	{"cash_balance.funds_available", "cash_balance", ""},
	{"charge.captured", "charge", ""},
	{"charge.dispute.closed", "dispute", ""},
	{"charge.dispute.created", "dispute", ""},
	{"charge.dispute.updated", "dispute", ""},
	{"charge.failed", "charge", ""},
	{"charge.refund.updated", "refund", ""},
	{"charge.refunded", "charge", ""},
	{"charge.succeeded", "charge", ""},
	{"customer.created", "customer", ""},
	{"customer.deleted", "customer", ""},
	{"customer.source.created", "card", ""},
	{"customer.source.updated", "card", ""},
	{"customer.updated", "customer", ""},
	{"customer_cash_balance_transaction.created", "customer_cash_balance_transaction", ""},
	{"payment_intent.amount_capturable_updated", "payment_intent", ""},
	{"payment_intent.canceled", "payment_intent", ""},
	{"payment_intent.created", "payment_intent", ""},
	{"payment_intent.partially_funded", "payment_intent", ""},
	{"payment_intent.payment_failed", "payment_intent", ""},
	{"payment_intent.processing", "payment_intent", ""},
	{"payment_intent.requires_action", "payment_intent", ""},
	{"payment_intent.succeeded", "payment_intent", ""},
	{"payment_method.attached", "payment_method", ""},
	{"payment_method.detached", "payment_method", ""},
	{"payment_method.updated", "payment_method", ""},
	{"payout.created", "payout", ""},
	{"payout.updated", "payout", ""},
	{"setup_intent.canceled", "setup_intent", ""},
	{"setup_intent.created", "setup_intent", ""},
	{"setup_intent.requires_action", "setup_intent", ""},
	{"setup_intent.setup_failed", "setup_intent", ""},
	{"setup_intent.succeeded", "setup_intent", ""},
	{"test_helpers.test_clock.advancing", "test_helpers.test_clock", ""},
	{"test_helpers.test_clock.created", "test_helpers.test_clock", ""},
	{"test_helpers.test_clock.deleted", "test_helpers.test_clock", ""},
	{"test_helpers.test_clock.ready", "test_helpers.test_clock", ""},
}

// TestTrigger has every event happen that the command line can have happen, and
// sees that it did, with its object, unless it is listed as lacking something.
func TestTrigger(t *testing.T) {
	t.Parallel()
	stripeProgram(t)
	s := florintest.Start(t, florintest.Options{})
	c := newCommandLine(t, s)
	works := 0
	for _, tr := range triggers {
		t.Run(tr.event, func(t *testing.T) {
			switch problem := c.tries(tr); {
			case problem == "":
				works++
				if tr.lacks != "" {
					t.Logf("it works, and the list says that it lacks %s", tr.lacks)
				}
			case tr.lacks == "":
				t.Error(problem)
			default:
				t.Logf("it does not work, for want of %s: %s", tr.lacks, problem)
			}
		})
	}
	t.Logf("stripe trigger: %d/%d", works, len(triggers))
	finish(t, s)
}

// tries has the command line trigger an event, and tells what went wrong.
func (c *commandLine) tries(tr trigger) string {
	c.t.Helper()
	before := c.newest(tr.event)
	out, err := c.command("trigger", tr.event).CombinedOutput()
	leak.CheckReply(c.t, "stripe trigger "+tr.event, out)
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	if got := c.awaits(tr, before); got.Data.Object.Object != tr.object {
		return fmt.Sprintf("the event %q is about a %q and not a %s: %s", got.ID, got.Data.Object.Object, tr.object, out)
	}
	return ""
}

// shownEvent is what the tests look at of an event.
type shownEvent struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		Object struct {
			Object string `json:"object"`
		} `json:"object"`
	} `json:"data"`
}

// asks sends a request with the server's secret key and decodes the answer.
func (c *commandLine) asks(method, path, form string, into any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(form))
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth(c.server.SecretKey, "")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil || answer.StatusCode != http.StatusOK {
		c.t.Fatalf("%s %s: %d %v: %s", method, path, answer.StatusCode, err, text)
	}
}

// newest is the last event of a type, or an empty one.
func (c *commandLine) newest(typ string) (e shownEvent) {
	c.t.Helper()
	var page struct {
		Data []shownEvent `json:"data"`
	}
	c.asks(http.MethodGet, "/v1/events?limit=1&type="+url.QueryEscape(typ), "", &page)
	if len(page.Data) > 0 {
		e = page.Data[0]
	}
	return e
}

// awaits gives the event of a trigger that comes after another, if it comes
// soon: some are a job's.
func (c *commandLine) awaits(tr trigger, after shownEvent) shownEvent {
	c.t.Helper()
	for range 50 {
		if e := c.newest(tr.event); e.ID != after.ID {
			return e
		}
		if tr.lacks != "" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return shownEvent{}
}

// lines reads what a command prints until it ends.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) follow(r io.Reader) {
	for in := bufio.NewScanner(r); in.Scan(); {
		l.mu.Lock()
		l.text = append(l.text, in.Text())
		l.mu.Unlock()
	}
}

// has waits until a line has all of the texts.
func (l *lines) has(t *testing.T, parts ...string) string {
	t.Helper()
	for range 200 {
		l.mu.Lock()
		for _, line := range l.text {
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
				l.mu.Unlock()
				return line
			}
		}
		l.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("no line has %q in:\n%s", parts, strings.Join(l.text, "\n"))
	return ""
}

// run starts the command line and gives what it prints.
func (c *commandLine) run(args ...string) *lines {
	c.t.Helper()
	cmd := c.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	l := &lines{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.follow(out)
		_ = cmd.Wait()
	}()
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	})
	return l
}

// TestListen has the command line forward events to a server that verifies them
// with Stripe's library.
func TestListen(t *testing.T) {
	t.Parallel()
	stripeProgram(t)
	s := florintest.Start(t, florintest.Options{})
	c := newCommandLine(t, s)
	c.url = s.URL // the websocket is the server's own
	secret, err := c.command("listen", "--print-secret").Output()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		leak.CheckReply(t, "what is forwarded", body)
		e, verified := webhook.ConstructEvent(body, r.Header.Get("Stripe-Signature"), strings.TrimSpace(string(secret)))
		if err != nil || verified != nil {
			t.Error(err, verified)
		}
		got <- string(e.Type)
		_, _ = w.Write([]byte("thanks"))
	}))
	defer receiver.Close()
	everything := c.run("listen", "--all-snapshot", "--no-wss", "--skip-update", "--forward-to", receiver.URL+"/hook")
	some := c.run("listen", "--events", "customer.created,charge.refunded", "--latest", "--skip-update")
	requests := c.run("logs", "tail", "--no-wss")
	everything.has(t, "Ready!", strings.TrimSpace(string(secret)))
	some.has(t, "Ready!")
	requests.has(t, "Ready!")
	if out, err := c.command("trigger", "charge.succeeded").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := c.command("customers", "create").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := c.command("customers", "retrieve", "cus_nothing").CombinedOutput(); err == nil && !strings.Contains(string(out), "resource_missing") {
		t.Fatalf("%v: %s", err, out)
	}
	for want := map[string]bool{"payment_intent.created": true, "charge.succeeded": true, "payment_intent.succeeded": true, "customer.created": true}; len(want) > 0; {
		select {
		case typ := <-got:
			if !want[typ] {
				t.Errorf("%s came, twice or unasked", typ)
			}
			delete(want, typ)
		case <-time.After(10 * time.Second):
			t.Fatalf("%v did not come", want)
		}
	}
	everything.has(t, "<--", "[200]", "/hook")
	some.has(t, "-->", "customer.created")
	some.mu.Lock()
	if slices.ContainsFunc(some.text, func(line string) bool { return strings.Contains(line, "charge.succeeded") }) {
		t.Error("an event came that was not asked for")
	}
	some.mu.Unlock()
	requests.has(t, "[200] POST /v1/payment_intents")
	requests.has(t, "[404] GET /v1/customers/cus_nothing")
	requests.has(t, "resource_missing")
}
