//go:build unix && probe

package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/test/florin"
)

// payouts is how many a server is asked for.
const payouts = 6

// TestPayoutKillPoints ends the server at the points of a payout's way: whatever
// it was at, each payout reaches the bank once, and the books agree with it.
func TestPayoutKillPoints(t *testing.T) {
	florintest.Binary(t, "probe")
	for _, name := range payoutPoints {
		for _, n := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s:%d", name, n), func(t *testing.T) {
				t.Parallel()
				killPayoutAt(t, fmt.Sprintf("FLORIN_KILL=%s:%d", name, n))
			})
		}
	}
}

func killPayoutAt(t *testing.T, kill string) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	server := florintest.New(t, florintest.Options{Args: []string{timeout}, Tags: []string{"probe"}})
	if err := server.Begin(kill); err != nil {
		t.Fatal(err)
	}
	c := newClient(server)
	prosper(ctx, t, c)
	asked := make(chan []string, 1)
	go func() {
		var ids []string
		for i := range payouts {
			ids = append(ids, payOut(ctx, t, c, i))
		}
		asked <- ids
	}()
	died(ctx, t, server, kill)
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	ids := <-asked
	paid, sum := 0, int64(0)
	for i, id := range ids {
		if amount := ended(ctx, t, c, id); amount > 0 {
			paid++
			sum += amount
		}
		if again := payOut(ctx, t, c, i); again != id {
			t.Errorf("payout %d was %s, and under its key there is %s now", i, id, again)
		}
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	// At most the one that the server died at has failed: it was never sent.
	if paid < payouts-1 {
		t.Errorf("%d of %d were paid", paid, payouts)
	}
	atBank(ctx, t, server.DB, paid, sum)
	report, err := server.Verify(ctx)
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("florin verify: %+v %v", report.Findings, err)
	}
}

// payOut asks for a payout until it is answered, and gives its id.
func payOut(ctx context.Context, t *testing.T, c *client, i int) string {
	l := &call{Key: fmt.Sprintf("payout-%d", i), Path: "/v1/payouts", Form: url.Values{"amount": {fmt.Sprint(1000 + i)}, "currency": {"usd"}, "method": {"instant"}}}
	a, err := c.do(ctx, l, func() {})
	var shown thing
	if err == nil {
		err = json.Unmarshal([]byte(a.Body), &shown)
	}
	if err != nil || a.Status != 200 || !strings.HasPrefix(shown.ID, "po_") {
		t.Errorf("payout %d: %d %s %v", i, a.Status, a.Body, err)
	}
	return shown.ID
}

// ended waits until a payout is paid, and gives its amount, or has failed.
func ended(ctx context.Context, t *testing.T, c *client, id string) int64 {
	t.Helper()
	for {
		o, err := c.retrieve(ctx, "/v1/payouts/"+id)
		switch {
		case err == nil && o.Status == "paid":
			return o.Amount
		case err == nil && o.Status == "failed":
			return 0
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			t.Fatalf("%s never ends: %+v %v", id, o, err)
		}
	}
}

// atBank compares the bank's own book with what was paid out.
func atBank(ctx context.Context, t *testing.T, address string, count int, sum int64) {
	t.Helper()
	book, err := bank.OpenBook(ctx, bankAddress(address), db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	list, err := book.Transfers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, transfer := range list {
		sum -= transfer.Amount
	}
	if len(list) != count || sum != 0 {
		t.Errorf("%d payouts, and the bank has %+v", count, list)
	}
}
