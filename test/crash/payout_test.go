//go:build unix && probe

package crash

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/test/florin"
)

// TestPayoutsLeftBehind: one process dies when the bank has answered, the next one
// while it looks after the payout that was left behind, and a third when it has
// booked that another came back and has not noted yet how far it has read.
func TestPayoutsLeftBehind(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	server := florintest.New(t, florintest.Options{Args: []string{timeout}, Tags: []string{"probe"}})
	dies := func(kill string) {
		t.Helper()
		check(server.Begin(kill))
		died(ctx, t, server, kill)
	}
	check(server.Restart(ctx))
	c := newClient(server)
	account := prosper(ctx, t, c)
	pay := func(i int, to string) thing {
		a, err := c.do(ctx, &call{Key: fmt.Sprint("payout-", i), Path: "/v1/payouts", Form: fields("amount", fmt.Sprint(1000+i), "currency", "usd", "method", "instant", "destination", to)}, func() {})
		o, bad := a.thing()
		if err != nil || bad != nil || a.Status != http.StatusOK {
			t.Errorf("payout %d: %d %s %v %v", i, a.Status, a.Body, err, bad)
		}
		return o
	}
	accountOf := func(number string) string {
		a, err := c.do(ctx, &call{Key: "of " + number, Path: "/v1/accounts/" + account + "/external_accounts", Form: fields("external_account[object]", "bank_account",
			"external_account[country]", "US", "external_account[currency]", "usd", "external_account[routing_number]", "110000000", "external_account[account_number]", number)}, func() {})
		check(err)
		o, err := a.thing()
		check(err)
		return o.ID
	}
	good, closing := accountOf("000123456789"), accountOf("000000005559") // which is closed the day after
	check(server.Stop())

	check(server.Begin("FLORIN_KILL=payout.after-send:2"))
	made := make(chan []thing, 1)
	go func() { made <- []thing{pay(0, good), pay(1, closing), pay(2, good)} }()
	died(ctx, t, server, "payout.after-send:2")
	dies("FLORIN_KILL=payout.claimed")
	check(server.Restart(ctx))
	list := <-made
	for i, p := range list {
		if again := pay(i, map[bool]string{true: closing, false: good}[i == 1]); again.ID != p.ID {
			t.Errorf("payout %d was %s, and under its key there is %s now", i, p.ID, again.ID)
		}
		if status := ended(ctx, t, c, p.ID, "pending", "in_transit"); status != "paid" {
			t.Errorf("payout %d is %s", i, status)
		}
	}
	if n := len(transfers(ctx, t, server.DB)); n != len(list) {
		t.Errorf("the bank has %d transfers", n)
	}

	check(server.Stop())
	passDay(ctx, t, server.DB)
	dies("FLORIN_KILL=payout.notices-applied")
	check(server.Restart(ctx))
	if status := ended(ctx, t, c, list[1].ID, "paid"); status != "failed" {
		t.Errorf("what came back is %s", status)
	}
	_ = sleep(ctx, 11*time.Second) // in which it is read again
	if back, err := c.list(ctx, "/v1/balance_transactions", "&type=payout_failure"); err != nil || len(back) != 1 {
		t.Errorf("what came back is in the balance as %+v, %v", back, err)
	}
	check(server.Stop())
	report, err := server.Verify(ctx)
	if err != nil || len(report.Findings) > 0 {
		t.Errorf("florin verify: %+v %v", report.Findings, err)
	}
}

// ended waits until a payout has another status than some.
func ended(ctx context.Context, t *testing.T, c *client, id string, not ...string) string {
	t.Helper()
	j := &journey{l: &load{t: t, ctx: ctx, client: c}, name: id, parked: func() {}}
	o := thing{Status: not[0]}
	j.becomes(&o, "/v1/payouts/"+id, not...)
	return o.Status
}

// passDay lets happen at the bank what happens until then.
func passDay(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	book, err := bank.OpenBook(ctx, bankAddress(address), db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = bank.NewSimulator(book, clock.At(time.Now().Add(bank.Transit+time.Hour))).Tell(ctx)
	}
	if err == nil {
		err = book.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
