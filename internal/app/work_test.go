package app

import (
	"context"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

func count(name, sql string) *db.Query[int64] {
	return db.NewQuery("test: "+name, sql, func(n *int64, f *db.Fields) { db.Int(f, n) })
}

// undone is what time is to take care of.
var undone = map[string]*db.Query[int64]{
	"attempts to resolve":          count("attempts", "SELECT count(*) FROM attempt WHERE due > 0"),
	"security codes":               count("codes", "SELECT count(*) FROM card_cvc"),
	"idempotency keys":             count("keys", "SELECT count(*) FROM idempotency"),
	"maturities that are not over": count("maturities", "SELECT count(*) FROM maturity WHERE posted = 0"),
}

// forgetful is a provider that takes money and tells so only when it is asked.
func forgetful() provider.Provider {
	return provider.Provider{
		Name: "forgetful", Traits: provider.Traits{Timeout: time.Second, Horizon: time.Second},
		Authorize: func(context.Context, provider.AuthorizeRequest) provider.Outcome { return provider.Outcome{} },
		Inquire: func(context.Context, string) provider.Finding {
			return provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: provider.Approved}}
		},
	}
}

// TestWorkThatNobodyAsksFor: an app that runs resolves open outcomes, makes
// money available in its time, and keeps neither security codes nor idempotency
// keys beyond theirs.
func TestWorkThatNobodyAsksFor(t *testing.T) {
	now := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	c := config(t, dbtest.Address(t))
	c.Clock, c.Provider = now, forgetful()
	a := start(t, c)
	s := id.Scope{Account: a.Created.Account.Key}
	reply, err := a.Payment.Create(t.Context(), s, payment.CreateParams{Amount: money.New(2000, "usd"), CaptureMethod: "automatic",
		Method: "pm_card_visa", Confirm: true}, &idem.Request{ID: "req_1", Key: "k"})
	if err != nil || reply.Error != nil {
		t.Fatal(reply, err)
	}
	card := &vault.CardInput{Number: secret.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: secret.NewText("737")}
	if _, err := a.Vault.CreatePaymentMethod(t.Context(), s, &vault.MethodInput{Type: "card", Card: card}, nil); err != nil {
		t.Fatal(err)
	}
	left := func() (list []string) {
		for what, q := range undone {
			n, err := q.All(t.Context(), a.DB)
			if err != nil {
				t.Fatal(err)
			}
			if n[0] > 0 {
				list = append(list, what)
			}
		}
		return list
	}
	if got := left(); len(got) != 3 { // nothing is taken yet, so nothing matures
		t.Fatalf("before: %v", got)
	}
	a.Start()
	available := func() bool {
		list, err := ledger.ReadBalances(t.Context(), a.DB, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			if b.Account == ledger.AccountOf(ledger.Available, "usd") {
				return b.Net() > 0
			}
		}
		return false
	}
	for range 1000 {
		if available() && left() == nil {
			return
		}
		now.Advance(8 * time.Hour)
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("after %v: money is available: %v, left are %v", now.Now(), available(), left())
}
