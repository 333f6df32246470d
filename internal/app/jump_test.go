package app

import (
	"fmt"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// TestTheClockJumps: a clock that jumps hours ahead and back again, while
// payments are made and jobs run, costs no payment, makes none twice and leaves
// the books in order.
func TestTheClockJumps(t *testing.T) {
	now := clock.At(time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	c := config(t, dbtest.Address(t))
	c.Clock, c.Provider = now, generous()
	a := start(t, c)
	a.Start()
	s := id.Scope{Account: a.Created.Account.Key}
	var paid int64
	made := map[int64]string{}
	pay := func(key string) {
		t.Helper()
		reply, err := a.Payment.Create(t.Context(), s, payment.CreateParams{Amount: money.New(1000, "usd"), Method: "pm_card_visa", Confirm: true},
			&idem.Request{ID: "req_" + key, Key: key, Hash: [32]byte{1}})
		if err != nil || reply.Error != nil || reply.Shown[0].Key == 0 {
			t.Fatalf("%s: %+v %v", key, reply, err)
		}
		intent := reply.Shown[0].Key
		if before, there := made[intent]; there && before != key {
			t.Errorf("%s and %s made the same intent", before, key)
		} else if !there {
			made[intent] = key
			paid++
		}
	}
	for round, jump := range []time.Duration{5 * time.Hour, -5 * time.Hour, -3 * time.Hour, 72 * time.Hour, -72 * time.Hour, time.Minute} {
		for i := range 8 {
			pay(fmt.Sprintf("%d-%d", round, i))
		}
		now.Advance(jump)
		for i := range 8 {
			pay(fmt.Sprintf("%d-%d", round, i)) // a repetition
			pay(fmt.Sprintf("%d-%d after", round, i))
		}
		time.Sleep(20 * time.Millisecond) // let jobs look at the new time
	}
	if err := a.Jobs.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := int64(6 * 16); paid != want {
		t.Errorf("%d payments were made, want %d", paid, want)
	}
	list, err := ledger.ReadBalances(t.Context(), a.DB, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range list {
		if b.Account.Kind() == ledger.ProviderClearing && -b.Net() != 1000*paid {
			t.Errorf("the provider owes %d for %d payments of 1000", -b.Net(), paid)
		}
	}
	found, err := Verify(t.Context(), c.DB, a.log)
	if err != nil || len(found) > 0 {
		t.Errorf("the books: %+v %v", found, err)
	}
}
