package payout_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
)

func TestPayout(t *testing.T) {
	for name, c := range map[string]struct {
		number, method string
		status         payout.Status
		code           string
		events         []string
		balances       map[string]int64
		bank           string // what becomes of the bank account
	}{
		"arrives": {"000123456789", "standard", payout.Paid, "", []string{"payout.created", "payout.updated", "payout.paid"},
			map[string]int64{"available": 4000, "bank": 6000}, "new"},
		"instant": {"000123456789", "instant", payout.Paid, "", []string{"payout.created", "payout.paid"},
			map[string]int64{"available": 4000, "bank": 6000}, "new"},
		"no account": {"000111111116", "standard", payout.Failed, "no_account", []string{"payout.created", "payout.updated", "payout.failed"},
			map[string]int64{"available": 10_000}, "errored"},
		"account closed": {"000111111113", "instant", payout.Failed, "account_closed", []string{"payout.created", "payout.failed"},
			map[string]int64{"available": 10_000}, "errored"},
		"comes back after it arrived": {"000555555559", "standard", payout.Failed, "could_not_process",
			[]string{"payout.created", "payout.updated", "payout.paid", "payout.failed"}, map[string]int64{"available": 10_000}, "errored"},
		"never arrives": {"000000000009", "standard", payout.InTransit, "", []string{"payout.created", "payout.updated"},
			map[string]int64{"available": 4000, "payout_in_transit": 6000}, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			to := s.account(c.number)
			p := s.pay(6000, c.method, nil)
			if p.Body.BalanceTransaction == 0 || p.Body.Destination != to.Key {
				t.Errorf("made: %+v", p.Body)
			}
			s.inOrder()
			s.wait(4 * 24 * time.Hour)
			b := s.payout(p.Key).Body
			if b.Status != c.status || b.FailureCode != c.code || (b.FailureMessage == "") != (c.code == "") || (b.FailureTransaction == 0) != (c.code == "") {
				t.Errorf("%+v", b)
			}
			if diff := cmp.Diff(c.events, s.types(p.Key)); diff != "" {
				t.Errorf("events: %s", diff)
			}
			if diff := cmp.Diff(c.balances, s.balances()); diff != "" {
				t.Errorf("balances: %s", diff)
			}
			account, _, err := vault.BankAccounts.Read(t.Context(), s.DB, s.scope, to.Key)
			if err != nil || account.Body.Status != c.bank {
				t.Errorf("the bank account: %+v %v", account, err)
			}
			if n := len(s.sent()); n != 1 || s.called() != 1 {
				t.Errorf("%d transfers of %d calls", n, s.called())
			}
		})
	}
}

func TestInsufficient(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	for _, amount := range []int64{10_001, 1 << 40} {
		reply, err := s.Create(t.Context(), s.scope, payout.Params{Amount: amount, Currency: "usd"}, nil)
		if err != nil || reply.Error == nil || reply.Error.Code != "balance_insufficient" {
			t.Errorf("%+v %v", reply, err)
		}
	}
	s.pay(7000, "", nil)
	if reply, err := s.Create(t.Context(), s.scope, payout.Params{Amount: 3001, Currency: "usd"}, key("a")); err != nil || reply.Error == nil || reply.Error.Code != "balance_insufficient" {
		t.Errorf("%+v %v", reply, err)
	}
	s.pay(3000, "", nil)
	if diff := cmp.Diff(map[string]int64{"payout_in_transit": 10_000}, s.balances()); diff != "" {
		t.Error(diff)
	}
}

func TestCancel(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	p := s.pay(6000, "", nil)
	for range 2 { // the second is a replay
		reply, err := s.Cancel(t.Context(), s.scope, p.Key, key("cancel"))
		if err != nil || reply.Error != nil {
			t.Fatal(reply, err)
		}
	}
	if reply, err := s.Cancel(t.Context(), s.scope, p.Key, key("again")); err != nil || reply.Error == nil {
		t.Errorf("%+v %v", reply, err)
	}
	s.wait(72 * time.Hour)
	if b := s.payout(p.Key).Body; b.Status != payout.Canceled || len(s.sent()) != 0 {
		t.Errorf("%+v, sent %v", b, s.sent())
	}
	if diff := cmp.Diff(map[string]int64{"available": 10_000}, s.balances()); diff != "" {
		t.Error(diff)
	}
	p = s.pay(100, "instant", nil)
	if reply, err := s.Cancel(t.Context(), s.scope, p.Key, key("paid")); err != nil || reply.Error == nil {
		t.Errorf("a paid one: %+v %v", reply, err)
	}
}

func TestReverse(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	p := s.pay(6000, "instant", nil)
	reply, err := s.Reverse(t.Context(), s.scope, p.Key, map[string]string{"a": "b"}, key("r"))
	if err != nil || reply.Error != nil {
		t.Fatal(reply, err)
	}
	back := reply.Main.(*object.Object[payout.Payout])
	if back.Body.Amount != -6000 || back.Body.Original != p.Key || s.payout(p.Key).Body.ReversedBy != back.Key {
		t.Errorf("%+v", back.Body)
	}
	if reply, err := s.Reverse(t.Context(), s.scope, p.Key, nil, key("again")); err != nil || reply.Error == nil {
		t.Errorf("twice: %+v %v", reply, err)
	}
	if diff := cmp.Diff(map[string]int64{"available": 4000, "bank": 6000}, s.balances()); diff != "" {
		t.Error(diff)
	}
	s.wait(72 * time.Hour)
	if b := s.payout(back.Key).Body; b.Status != payout.Paid || b.BalanceTransaction == 0 {
		t.Errorf("%+v", b)
	}
	if diff := cmp.Diff(map[string]int64{"available": 10_000}, s.balances()); diff != "" {
		t.Error(diff)
	}
}

// What is held for something else, such as a refund that is under way, is not
// paid out.
func TestAutomaticLeavesWhatIsHeld(t *testing.T) {
	s := open(t, nil)
	s.account("000123456789")
	if _, err := s.Merchant.Change(t.Context(), s.scope, s.Keys, merchant.Accounts.Name, nil, func(a *merchant.Account) error {
		a.Payouts = merchant.Payouts{Interval: merchant.Daily}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.step(func(tx *db.Tx) error {
		return s.Book.Hold(tx, s.scope, tx.NewKey(), ledger.AccountOf(ledger.Available, "usd"), 3_000, false)
	})
	s.clock.Advance(24 * time.Hour)
	if _, err := s.Automatic(t.Context(), 10); err != nil {
		t.Fatal(err)
	}
	page, _, err := payout.Payouts.List(t.Context(), s.DB, s.scope, object.Range{Limit: 100})
	if err != nil || len(page) != 1 || page[0].Body.Amount != 7_000 {
		t.Errorf("paid out: %+v %v", page, err)
	}
}

func TestAutomatic(t *testing.T) {
	s := open(t, nil)
	at := s.clock.Now().UTC()
	to := s.account("000123456789")
	set := func(p merchant.Payouts) {
		if _, err := s.Merchant.Change(t.Context(), s.scope, s.Keys, merchant.Accounts.Name, nil, func(a *merchant.Account) error { a.Payouts = p; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	automatic := func() (list []int64) {
		for range 2 { // of which the second has nothing to do
			if _, err := s.Automatic(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
		}
		page, _, err := payout.Payouts.List(t.Context(), s.DB, s.scope, object.Range{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page {
			if !o.Body.Automatic || o.Body.Destination != to.Key {
				t.Errorf("%+v", o.Body)
			}
			list = append(list, o.Body.Amount)
		}
		return list
	}
	set(merchant.Payouts{Interval: merchant.Manual})
	if got := automatic(); got != nil {
		t.Errorf("manual: %v", got)
	}
	days := []string{"", "monday", "tuesday", "wednesday", "thursday", "friday", ""}
	nextWork := at.AddDate(0, 0, 1)
	for days[nextWork.Weekday()] == "" {
		nextWork = nextWork.AddDate(0, 0, 1)
	}
	set(merchant.Payouts{Interval: merchant.Weekly, WeekDays: []string{days[nextWork.Weekday()]}, Minimum: map[money.Currency]int64{"usd": 1000}})
	s.clock.Advance(nextWork.Sub(at))
	if diff := cmp.Diff([]int64{9000}, automatic()); diff != "" {
		t.Error(diff)
	}
	s.earn(500)
	s.clock.Advance(24 * time.Hour)
	if diff := cmp.Diff([]int64{9000}, automatic()); diff != "" { // another day of the week
		t.Error(diff)
	}
	s.clock.Advance(6 * 24 * time.Hour)
	if diff := cmp.Diff([]int64{500, 9000}, automatic()); diff != "" {
		t.Error(diff)
	}
	page, _, err := payout.Payouts.List(t.Context(), s.DB, s.scope, object.Range{Limit: 100})
	if err != nil || page[0].Body.After != page[1].Body.Until || page[0].Body.Until.Before(page[0].Body.After) {
		t.Errorf("what they pay out: %+v %v", page, err)
	}
}
