//go:build unix && !probe

package crash

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// TestReadyAgain has FLORIN_STORED payments in the database and ends the servers on
// it with SIGKILL under load: each has taken a payment again within [readyLimit].
// Three nodes on PostgreSQL are killed at once.
func TestReadyAgain(t *testing.T) {
	stored, restarts := number(t, "FLORIN_STORED", 500), number(t, "FLORIN_RESTARTS", 2)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Duration(stored)*10*time.Millisecond)
	defer cancel()
	s := florintest.New(t, florintest.Options{})
	begun := time.Now()
	if err := s.Fill(ctx, stored); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d payments stored in %s", stored, time.Since(begun).Round(time.Millisecond))
	nodes := []*florintest.Server{s}
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	receive(t).register(ctx, t, newClient(s)) // so that events have somewhere to go
	t.Run("one node", func(t *testing.T) { readyAgain(ctx, t, nodes, restarts) })
	if florintest.Postgres() {
		for len(nodes) < 3 {
			nodes = append(nodes, s.Twin(t, florintest.Options{}))
		}
		t.Run("three nodes", func(t *testing.T) { readyAgain(ctx, t, nodes, restarts) })
	}
	begun = time.Now()
	report, err := s.Verify(ctx)
	if err != nil || !report.OK {
		t.Errorf("%v, %+v", err, report.Findings)
	}
	t.Logf("verified in %s", time.Since(begun).Round(time.Millisecond))
}

// readyAgain kills servers under load and starts them again, so many times, and
// leaves them stopped.
func readyAgain(ctx context.Context, t *testing.T, nodes []*florintest.Server, restarts uint64) {
	for _, n := range nodes {
		if err := n.Restart(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop := pressing(ctx, nodes)
	var took []time.Duration
	for turn := range restarts {
		if err := sleep(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
		for _, n := range nodes {
			if err := n.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		waited := make(chan time.Duration, len(nodes))
		for i, n := range nodes {
			go func() { waited <- untilPaid(ctx, t, n, fmt.Sprintf("again-%d-%d-%d", len(nodes), turn, i)) }()
		}
		for range nodes {
			took = append(took, <-waited)
		}
	}
	paid := stop()
	for _, n := range nodes {
		if err := n.Stop(); err != nil {
			t.Error(err)
		}
	}
	slices.Sort(took)
	t.Logf("a payment again after %s; %d payments were taken between the kills; load of the machine: %s", took, paid, machineLoad())
	// Other processes may hold up one start or another.
	if d := took[len(took)/2]; d > readyLimit {
		t.Errorf("half of the starts took %s or more until a payment was taken, longer than %s", d, readyLimit)
	}
}

// pressing has clients pay at servers that come and go, until it is stopped, and
// then tells how many payments they were told of.
func pressing(ctx context.Context, nodes []*florintest.Server) (stop func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	var paid atomic.Int64
	for i := range clients / 2 {
		group.Go(func() {
			c := newClient(nodes[i%len(nodes)])
			for n := 0; ctx.Err() == nil; n++ {
				a, err := c.try(ctx, http.MethodPost, "/v1/payment_intents", creating(1000+n, "usd", "automatic", "pm_card_visa").form(nil), fmt.Sprintf("press-%d-%d-%d", len(nodes), i, n))
				if err == nil && a.Status == http.StatusOK {
					paid.Add(1)
					continue
				}
				_ = sleep(ctx, knock)
			}
		})
	}
	return func() int64 {
		cancel()
		group.Wait()
		return paid.Load()
	}
}

// untilPaid starts a server and gives how long it takes until it has answered a
// payment.
func untilPaid(ctx context.Context, t *testing.T, s *florintest.Server, key string) time.Duration {
	begun := time.Now()
	if err := s.Begin(); err != nil {
		t.Error(err)
		return 0
	}
	c := newClient(s)
	for {
		a, err := c.try(ctx, http.MethodPost, "/v1/payment_intents", creating(2000, "usd", "automatic", "pm_card_visa").form(nil), key)
		if err == nil && a.Status == http.StatusOK {
			took := time.Since(begun)
			if paid, err := a.thing(); err != nil || paid.Status != "succeeded" {
				t.Errorf("%s: %v", a.Body, err)
			}
			return took
		}
		if sleep(ctx, 5*time.Millisecond) != nil {
			t.Errorf("no payment was taken: %+v, %v", a, err)
			return time.Since(begun)
		}
	}
}

func machineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.TrimSpace(string(text))
}

// TestStartReadsLittle: what a server reads until it has answered a payment, and a
// list, does not grow with what is stored. Bytes are counted rather than time, so
// that a busy machine changes nothing.
func TestStartReadsLittle(t *testing.T) {
	if florintest.Postgres() {
		t.Skip("what PostgreSQL reads is another process's: see TestNothingScans")
	}
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("this system does not tell what a process reads")
	}
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s := florintest.New(t, florintest.Options{})
	var read []int64
	for _, stored := range []uint64{100, 2500} {
		if err := s.Fill(ctx, stored); err != nil {
			t.Fatal(err)
		}
		untilPaid(ctx, t, s, fmt.Sprint("first-", stored))
		if _, err := newClient(s).get(ctx, "/v1/payment_intents?"+url.Values{"limit": {"10"}}.Encode()); err != nil {
			t.Error(err)
		}
		read = append(read, bytesRead(t, s.PID()))
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("read until a payment was taken: %d bytes", read)
	const slack = 1 << 20 // trees grow higher, and schedules begin sooner or later
	if read[1] > read[0]+slack {
		t.Errorf("with 100 payments stored a start reads %d bytes, with 2,500 it reads %d", read[0], read[1])
	}
}

// bytesRead is what a process has read so far, from the page cache too.
func bytesRead(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "rchar: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%q does not tell what was read", text)
	return 0
}
