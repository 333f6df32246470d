//go:build unix

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/clock"
	florintest "github.com/florinpay/florin/test/florin"
)

// command runs "florin bench" and gives its report. Nothing may be left in the
// folder that it was given.
func command(t *testing.T, args ...string) (r Report, text string, err error) {
	t.Helper()
	text, err = into(t, &r, args...)
	return r, text, err
}

func into(t *testing.T, r any, args ...string) (text string, err error) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, florintest.Binary(t), append([]string{"bench", "--json", "--dir=" + dir}, args...)...)
	var out, shown bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &shown
	err = cmd.Run()
	if left, bad := os.ReadDir(dir); bad != nil || len(left) > 0 {
		t.Errorf("%v were left behind, %v", left, bad)
	}
	if out.Len() > 0 {
		if bad := json.Unmarshal(out.Bytes(), r); bad != nil {
			t.Fatalf("%v: %s", bad, &out)
		}
	}
	return shown.String(), err
}

// database gives the arguments for the engine that is tested: SQLite, or an
// empty database on the PostgreSQL server.
func database(t *testing.T) []string {
	if !florintest.Postgres() {
		return nil
	}
	return []string{"--db=" + florintest.Database(t)}
}

func TestRequests(t *testing.T) {
	for _, mix := range Mixes() {
		t.Run(mix, func(t *testing.T) {
			const clients, requests = 8, 100
			r, shown, err := command(t, append(database(t), "--mix="+mix, "--clients=8", "--requests=100", "--warmup=100ms")...)
			if err != nil {
				t.Fatalf("%v\n%s", err, shown)
			}
			if r.Requests < requests || r.Requests > requests+clients || len(r.Errors) > 0 || !r.OK() {
				t.Errorf("%d requests, errors %v, problems %v", r.Requests, r.Errors, r.Check.Problems)
			}
			if (r.Payments == 0) != (mix == "read") || r.Webhooks.Undelivered != 0 || len(r.Short) > 0 || r.Latencies[0].Count != r.Requests || r.Latencies[0].P50 <= 0 || r.Latencies[0].Max < r.Latencies[0].P999 {
				t.Errorf("%d payments, latencies %+v", r.Payments, r.Latencies)
			}
			if d := r.Disk; d == nil || mix != "read" && (d.Database < 1000 || d.Book < 100) {
				t.Errorf("disk %+v", d)
			}
			c := r.Check
			if c.Acknowledged.Payments < r.Payments || *c.Florin != c.Acknowledged || *c.Sandbox != c.Acknowledged || c.Findings == nil {
				t.Errorf("%+v, Florin %+v, sandbox %+v", c, c.Florin, c.Sandbox)
			}
		})
	}
}

func TestDuration(t *testing.T) {
	r, shown, err := command(t, append(database(t), "--clients=4", "--duration=1s", "--warmup=0s")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	if r.Seconds < 1 || r.Seconds > 5 || r.Payments == 0 || !r.OK() || !strings.Contains(shown, "payments/s") {
		t.Errorf("%d payments in %.2f s, problems %v; shown: %s", r.Payments, r.Seconds, r.Check.Problems, shown)
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return // the rest is for where processes can be looked at
	}
	names := []string{"client", "serve", "sandbox", "receiver"}
	if florintest.Postgres() {
		names = append(names, "postgres")
	}
	for i, p := range r.Processes {
		if p.Name != names[i] || p.CPUMicros < 0 {
			t.Errorf("process %d: %+v", i, p)
		}
	}
	if r.Steps < 2 || r.StepsPerTrain < 1 {
		t.Errorf("%.1f steps per payment, %.1f in a transaction", r.Steps, r.StepsPerTrain)
	}
	if len(r.Processes) != len(names) || r.Disk == nil || (r.Disk.Log > 0) != florintest.Postgres() {
		t.Errorf("%+v, disk %+v", r.Processes, r.Disk)
	}
}

// Several runs on the same filled database are each checked by themselves, and
// leave a table and a plot.
func TestRuns(t *testing.T) {
	dir := t.TempDir()
	table, drawn := filepath.Join(dir, "table.md"), filepath.Join(dir, "plot.svg")
	if err := os.WriteFile(table, []byte("<!-- bench x -->\n<!-- /bench x -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var s Series
	shown, err := into(t, &s, append(database(t), "--runs=2", "--fill=50", "--merchants=3", "--mix=payment_and_read", "--requests=40", "--clients=4", "--warmup=0s",
		"--markdown="+table, "--section=x", "--plot="+drawn)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	if len(s.Runs) != 2 || !s.OK() || s.Runs[1].Check.Acknowledged.Payments < 10 || figureOf(&s, "payments/s").Lowest <= 0 {
		t.Errorf("%+v", s)
	}
	for file, want := range map[string]string{table: "| payments/s | ", drawn: "</svg>"} {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %s", file, err, text)
		}
	}
}

// In an open loop what is due and was not sent is told, and what was sent is what
// was due. Many merchants are paid, the hot one most, and all are told.
func TestOpenLoop(t *testing.T) {
	r, shown, err := command(t, append(database(t), "--rate=60", "--merchants=5", "--hot=50", "--mix=mixed", "--webhooks=all", "--clients=8", "--duration=1s", "--warmup=0s")...)
	if err != nil || !r.OK() {
		t.Fatalf("%v, problems %v\n%s", err, r.Check.Problems, shown)
	}
	o := r.Open
	if o == nil || o.Due != 60 || o.Late.Count != o.Due-o.Unsent || r.Latencies[0].Count < o.Late.Count {
		t.Errorf("%+v, latencies %+v", o, r.Latencies)
	}
	// created, the charge and the intent that succeeded, of each payment
	if w := r.Webhooks; w == nil || w.Undelivered != 0 || w.Deliveries < 3*r.Check.Acknowledged.Payments || w.Lag.P50 <= 0 {
		t.Errorf("%d payments, webhooks %+v", r.Check.Acknowledged.Payments, w)
	}
	if len(r.Samples) == 0 || r.Samples[0].Payments <= 0 || r.Samples[0].P99 < r.Samples[0].P50 || !strings.Contains(shown, "unsent") {
		t.Errorf("%+v", r.Samples)
	}
}

// A database with books is refused, unless the run is told to go beside them;
// then they are left as they are, and nothing of the run stays.
func TestBesideBooks(t *testing.T) {
	if !florintest.Postgres() {
		t.Skip("FLORIN_TEST_DB names no PostgreSQL server")
	}
	address := dbtest.Address(t)
	_, shown, err := command(t, "--db="+address, "--requests=1")
	if err == nil || !strings.Contains(shown, "holds books") {
		t.Errorf("%v: %s", err, shown)
	}
	before := postgresSize(t, address)
	if _, shown, err = command(t, "--db="+address, "--beside-books", "--requests=10", "--warmup=0s"); err != nil {
		t.Errorf("%v: %s", err, shown)
	}
	// The system's catalogues keep room for tables that came and went.
	if after := postgresSize(t, address); after > before+4<<20 {
		t.Errorf("the database had %d bytes and has %d", before, after)
	}
}

func postgresSize(t *testing.T, address string) int64 {
	t.Helper()
	u, err := db.MeasureServer(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u.Bytes
}

// running is a load on a server that runs already, as with --url.
func running(t *testing.T, mix string) (*load, *books) {
	t.Helper()
	s := florintest.Start(t, florintest.Options{})
	c := Config{URL: s.URL, Key: s.SecretKey, Clients: 4, Mix: mix, Requests: 40, Clock: clock.System{}}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	b, err := newBooks(t.Context(), c.URL, []*account{{key: c.Key}}, true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoad(t.Context(), c, c.URL, []*account{{key: c.Key}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if _, err := l.round(t.Context(), newGate(c, 0, c.Requests), func() {}); err != nil {
		t.Fatal(err)
	}
	return l, b
}

// examine is the check of what the clients were told.
func examine(t *testing.T, l *load, b *books) []string {
	t.Helper()
	var c Check
	payments, refunds := l.acknowledged(&c)
	if err := b.florin(t.Context(), &c, payments, refunds); err != nil {
		t.Fatal(err)
	}
	c.judge()
	return c.Problems
}

// What is planted in the clients' memory is found not to be in Florin, and the
// other way round.
func TestCheckNotices(t *testing.T) {
	l, b := running(t, "refund")
	if found := examine(t, l, b); len(found) > 0 {
		t.Fatalf("before anything is planted: %v", found)
	}
	told := &l.clients[0].told
	for name, test := range map[string]struct {
		plant func()
		want  string
	}{
		"a payment that Florin lost": {func() {
			told.payments = append(told.payments, receipt{key: -1, amount: 1})
		}, "1 that were acknowledged are not in /v1/payment_intents"},
		"a refund that Florin lost": {func() {
			told.refunds = append(told.refunds, receipt{key: -1, amount: 1})
		}, "1 that were acknowledged are not in /v1/refunds"},
		"a payment that nobody was told of": {func() { told.payments = told.payments[1:] }, "acknowledged are"},
		"another amount":                    {func() { told.payments[0].amount++ }, "was acknowledged with"},
		"one answer for two":                {func() { told.payments = append(told.payments, told.payments[0]) }, "two clients were told"},
	} {
		kept, payments, refunds := *told, slices.Clone(told.payments), slices.Clone(told.refunds)
		test.plant()
		if found := strings.Join(examine(t, l, b), "\n"); !strings.Contains(found, test.want) {
			t.Errorf("%s: %q, want %q", name, found, test.want)
		}
		*told = kept
		told.payments, told.refunds = payments, refunds
	}
	if found := examine(t, l, b); len(found) > 0 {
		t.Errorf("after all is taken back: %v", found)
	}
}

// What was there before a run is none of its business.
func TestSecondRun(t *testing.T) {
	l, before := running(t, "payment")
	c := l.config
	b, err := newBooks(t.Context(), c.URL, []*account{{key: c.Key}}, true)
	if err != nil {
		t.Fatal(err)
	}
	if first := before.before[0][intentsPath]; first != "" {
		t.Errorf("an empty server has %s", first)
	}
	again, err := newLoad(t.Context(), c, c.URL, []*account{{key: c.Key}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.close)
	if _, err := again.round(t.Context(), newGate(c, 0, 10), func() {}); err != nil {
		t.Fatal(err)
	}
	if found := examine(t, again, b); len(found) > 0 {
		t.Error(found)
	}
}

// A refusal is counted by its kind, and tells whether something may have been
// done nevertheless.
func TestErrors(t *testing.T) {
	s := florintest.Start(t, florintest.Options{})
	c := Config{Clients: 1, Mix: "payment", Requests: 3, Clock: clock.System{}}
	l, err := newLoad(t.Context(), c, s.URL, []*account{{key: "sk_test_wrong"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	round := func() {
		if _, err := l.round(t.Context(), newGate(c, 0, c.Requests), func() {}); err != nil {
			t.Fatal(err)
		}
	}
	round()
	refused := l.errors()["payment: 401 invalid_request_error"]
	if refused == nil || refused.Count != 3 || l.clients[0].told.unsurePayments != 0 {
		t.Errorf("%v, %d unsure", l.clients[0].errors, l.clients[0].told.unsurePayments)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	round()
	if sum := l.clients[0].told.unsurePayments; sum != 1 || len(l.errors()) < 2 {
		t.Errorf("%d unsure after the server was killed (the first was sent, the others were not), errors %v", sum, l.errors())
	}
	if l.clients[0].told.payments != nil || payment.Intents.Name == "" {
		t.Error("a payment was acknowledged")
	}
}

// When the server dies the run ends, says so, and leaves nothing.
func TestServerDies(t *testing.T) {
	c := Config{Binary: florintest.Binary(t), Dir: t.TempDir(), Clients: 2, Mix: "payment", Duration: time.Minute}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	h, err := raise(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	killed := h.server
	time.AfterFunc(300*time.Millisecond, func() { _ = killed.cmd.Process.Kill() })
	if _, err := h.attend(t.Context()); err == nil || !strings.Contains(err.Error(), "florin serve ended: signal: killed") {
		t.Errorf("the server was killed, and the run ended with %v", err)
	}
	if err := h.clear(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(c.Dir + "/*"); len(left) > 0 || err != nil {
		t.Errorf("%v were left behind, %v", left, err)
	}
}
