package app

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// counting is a provider that approves everything and counts what it undid.
type counting struct {
	mu     sync.Mutex
	undone map[string]int
}

func (c *counting) provider() provider.Provider {
	return provider.Provider{
		Name: "counting", Traits: provider.Traits{Timeout: time.Second, Horizon: time.Second},
		Authorize: func(context.Context, provider.AuthorizeRequest) provider.Outcome {
			return provider.Outcome{Status: provider.Approved}
		},
		Reverse: func(_ context.Context, r provider.ReverseRequest) provider.Finding {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.undone[r.Original]++
			return provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: provider.Approved}}
		},
	}
}

// held makes a number of authorisations for a customer who lives by a clock.
func held(t *testing.T, a *App, s id.Scope, clock int64, n int) {
	t.Helper()
	made, err := a.Vault.CreateCustomer(t.Context(), s, &vault.CustomerParams{TestClock: clock, PaymentMethod: "pm_card_visa"}, nil)
	if err != nil || made.Error != nil {
		t.Fatal(made, err)
	}
	customer := made.Shown[0].Key
	methods, _, err := vault.PaymentMethods.List(t.Context(), a.DB, s, object.Range{Limit: 1, Where: map[string]any{"customer": customer}})
	if err != nil || len(methods) != 1 {
		t.Fatal(methods, err)
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, 32)
	for range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			reply, err := a.Payment.Create(t.Context(), s, payment.CreateParams{Amount: money.New(2000, "usd"), CaptureMethod: "manual",
				Customer: customer, Method: vault.PaymentMethods.ID(s, methods[0].Key), Confirm: true}, nil)
			if err != nil || reply.Error != nil {
				t.Error(reply, err)
			}
		})
	}
	group.Wait()
}

// A test clock that is moved by a year gives up every authorisation of its
// customers, and tells of each, once. FLORIN_RUNS says how many there are.
func TestYearOnATestClock(t *testing.T) {
	n := 60
	if text := os.Getenv("FLORIN_RUNS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	bank := &counting{undone: map[string]int{}}
	c := config(t, dbtest.Address(t))
	c.Provider = bank.provider()
	a := start(t, c)
	a.Start()
	s := id.Scope{Account: a.Created.Account.Key}
	begin := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	made, err := a.Clocks.Create(t.Context(), s, "a year", begin, 0, nil)
	if err != nil || made.Error != nil {
		t.Fatal(made, err)
	}
	clock := made.Shown[0].Key
	held(t, a, s, clock, n)
	held(t, a, s, 0, 3) // of the system's time: they stay

	since := time.Now()
	advance(t, a, s, clock, begin.AddDate(0, 0, 6))
	wantEvents(t, a, s, map[string]int{"charge.expired": 0, "test_helpers.test_clock.ready": 1})
	advance(t, a, s, clock, begin.AddDate(1, 0, 0))
	t.Logf("%d authorisations, a year: %v", n, time.Since(since))
	wantEvents(t, a, s, map[string]int{"charge.expired": n, "payment_intent.canceled": n, "test_helpers.test_clock.ready": 2})
	for reference, times := range bank.undone {
		if times != 1 {
			t.Errorf("%s was undone %d times", reference, times)
		}
	}
	if len(bank.undone) != n {
		t.Errorf("%d authorisations were undone, want %d", len(bank.undone), n)
	}
	if err := settled(t.Context(), a.DB, func(f ledger.Finding) { t.Errorf("%+v", f) }); err != nil {
		t.Error(err)
	}
}

func advance(t *testing.T, a *App, s id.Scope, clock int64, to time.Time) {
	t.Helper()
	reply, err := a.Clocks.Advance(t.Context(), s, clock, to, &idem.Request{ID: "req_1", Key: fmt.Sprint(to)})
	if err != nil || reply.Error != nil {
		t.Fatal(reply, err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		o, ok, err := timeline.Clocks.Read(t.Context(), a.DB, s, clock)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if !o.Body.Advancing() {
			if !o.Body.Frozen.Equal(to) {
				t.Errorf("the clock shows %v, want %v", o.Body.Frozen, to)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the clock is at %v after a minute", o.Body.Frozen)
		}
	}
}

// wantEvents counts events by type.
func wantEvents(t *testing.T, a *App, s id.Scope, want map[string]int) {
	t.Helper()
	for typ, n := range want {
		list, _, err := event.List(t.Context(), a.DB, s, object.Range{Limit: 100_000}, typ)
		if err != nil || len(list) != n {
			t.Errorf("%s: %d events, want %d; %v", typ, len(list), n, err)
		}
	}
}
