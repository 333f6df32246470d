//go:build unix

package golang

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v86"
)

func testCustomer(t *testing.T, f *flow) {
	p := &stripe.CustomerCreateParams{
		Name: stripe.String("Jenny Rosen"), Email: stripe.String("jenny@example.com"),
		Address: &stripe.AddressParams{Line1: stripe.String("510 Townsend St"), Country: stripe.String("US")},
	}
	p.AddMetadata("with space", "ä ö ü €")
	customer := ok(f.sc.V1Customers.Create(t.Context(), p))(t)
	again := ok(f.sc.V1Customers.Retrieve(t.Context(), customer.ID, nil))(t)
	if diff := cmp.Diff(customer.LastResponse.RawJSON, again.LastResponse.RawJSON); diff != "" {
		t.Errorf("what was created and what is retrieved differ: %s", diff)
	}
	equal(t, map[string][2]any{
		"name": {again.Name, "Jenny Rosen"}, "email": {again.Email, "jenny@example.com"}, "line1": {again.Address.Line1, "510 Townsend St"},
		"metadata": {again.Metadata["with space"], "ä ö ü €"},
	})
	updated := ok(f.sc.V1Customers.Update(t.Context(), customer.ID, &stripe.CustomerUpdateParams{Name: stripe.String("Jenny R."), Email: stripe.String("")}))(t)
	equal(t, map[string][2]any{"name": {updated.Name, "Jenny R."}, "email": {updated.Email, ""}, "metadata": {updated.Metadata["with space"], "ä ö ü €"}})
	deleted := ok(f.sc.V1Customers.Delete(t.Context(), customer.ID, nil))(t)
	gone := ok(f.sc.V1Customers.Retrieve(t.Context(), customer.ID, nil))(t)
	equal(t, map[string][2]any{"deleted": {deleted.Deleted, true}, "deleted when retrieved": {gone.Deleted, true}, "name": {gone.Name, ""}})
	e := refused(f.sc.V1Customers.Retrieve(t.Context(), "cus_nobody", nil))(t)
	equal(t, map[string][2]any{"status": {e.HTTPStatusCode, 404}, "code": {e.Code, stripe.ErrorCodeResourceMissing}, "param": {e.Param, "id"}})
}

func testPages(t *testing.T, f *flow) {
	email := stripe.String(unique() + "@example.com")
	var made []string
	for n := range 25 {
		p := &stripe.CustomerCreateParams{Email: email}
		p.AddMetadata("n", fmt.Sprint(n))
		made = append(made, ok(f.sc.V1Customers.Create(t.Context(), p))(t).ID)
	}
	list := func(after, before *string) (ids []string) {
		p := &stripe.CustomerListParams{Email: email}
		p.Limit, p.StartingAfter, p.EndingBefore = stripe.Int64(7), after, before
		for _, c := range collect(t, t.Context(), f.sc.V1Customers.List(t.Context(), p)) {
			ids = append(ids, c.ID)
		}
		return ids
	}
	oldestFirst := slices.Clone(made)
	slices.Reverse(made)
	if diff := cmp.Diff(made, list(nil, nil)); diff != "" {
		t.Errorf("forwards: %s", diff)
	}
	if diff := cmp.Diff(made[3:], list(&made[2], nil)); diff != "" {
		t.Errorf("after the third: %s", diff)
	}
	if diff := cmp.Diff(oldestFirst[1:], list(nil, &oldestFirst[0])); diff != "" {
		t.Errorf("backwards: %s", diff)
	}
	nobody := &stripe.CustomerListParams{ListParams: stripe.ListParams{StartingAfter: stripe.String("cus_nobody")}}
	e := refused(first(f.sc.V1Customers.List(t.Context(), nobody).All(t.Context())))(t)
	equal(t, map[string][2]any{"status": {e.HTTPStatusCode, 400}, "code": {e.Code, stripe.ErrorCodeResourceMissing}, "param": {e.Param, "starting_after"}})
}

func testExpand(t *testing.T, f *flow) {
	p := payment(10000, "usd", "pm_card_visa")
	p.AddExpand("latest_charge.balance_transaction")
	intent := f.paid(t, p)
	txn := intent.LatestCharge.BalanceTransaction
	equal(t, map[string][2]any{
		"type": {txn.Type, stripe.BalanceTransactionTypeCharge}, "amount": {txn.Amount, int64(10000)}, "fee": {txn.Fee, int64(320)}, // 2.9 % and 30 cents
		"net": {txn.Net, int64(9680)}, "source": {txn.Source.ID, intent.LatestCharge.ID}, "status": {txn.Status, stripe.BalanceTransactionStatusPending},
	})
	again := ok(f.sc.V1BalanceTransactions.Retrieve(t.Context(), txn.ID, nil))(t)
	equal(t, map[string][2]any{"net again": {again.Net, txn.Net}, "available_on": {again.AvailableOn, txn.AvailableOn}})
}

func testBalance(t *testing.T, f *flow) {
	const currency = "nok" // no other test takes it
	held := func() (sum int64) {
		b := ok(f.sc.V1Balance.Retrieve(t.Context(), nil))(t)
		for _, a := range slices.Concat(b.Pending, b.Available) {
			if a.Currency == currency {
				sum += a.Amount
			}
		}
		return sum
	}
	p := payment(50000, currency, "pm_card_visa")
	p.AddExpand("latest_charge.balance_transaction")
	intent := f.paid(t, p)
	ok(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(12000)}))(t)
	var listed int64
	all := collect(t, t.Context(), f.sc.V1BalanceTransactions.List(t.Context(), &stripe.BalanceTransactionListParams{Currency: stripe.String(currency)}))
	for _, txn := range all {
		listed += txn.Net
	}
	want := intent.LatestCharge.BalanceTransaction.Net - 12000
	equal(t, map[string][2]any{"transactions": {len(all), 2}, "balance": {held(), want}, "sum of the transactions": {listed, want}})
}

func testEvents(t *testing.T, f *flow) {
	p, key := reservation(2000, "usd", "pm_card_visa"), unique()
	p.SetIdempotencyKey(key)
	intent := f.paid(t, p)
	ok(f.sc.V1PaymentIntents.Capture(t.Context(), intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(1500)}))(t)
	ok(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{PaymentIntent: stripe.String(intent.ID)}))(t)
	var events []*stripe.Event
	for _, e := range collect(t, t.Context(), f.sc.V1Events.List(t.Context(), &stripe.EventListParams{ListParams: stripe.ListParams{Limit: stripe.Int64(50)}})) {
		if e.GetObjectValue("id") == intent.ID || e.GetObjectValue("payment_intent") == intent.ID {
			events = append(events, e)
		}
	}
	slices.Reverse(events)
	var types []string
	for _, e := range events {
		types = append(types, string(e.Type))
	}
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
		"charge.captured", "payment_intent.succeeded", "refund.created", "charge.refunded"}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Fatal(diff)
	}
	reserved := ok(f.sc.V1Events.Retrieve(t.Context(), events[2].ID, nil))(t)
	equal(t, map[string][2]any{
		"idempotency key": {reserved.Request.IdempotencyKey, key}, "request": {strings.HasPrefix(reserved.Request.ID, "req_"), true},
		"status then": {reserved.GetObjectValue("status"), "requires_capture"}, "livemode": {reserved.Livemode, false},
	})
	captured := ok(first(f.sc.V1Events.List(t.Context(), &stripe.EventListParams{Type: stripe.String("charge.captured")}).All(t.Context())))(t)
	equal(t, map[string][2]any{"the last charge.captured": {captured.ID, events[3].ID}})
}

// first is the first item of a list.
func first[T any](all stripe.Seq2[T, error]) (item T, err error) {
	err = fmt.Errorf("the list is empty")
	for item, err = range all {
		break
	}
	return item, err
}

func testIdempotency(t *testing.T, f *flow) {
	key := unique()
	pay := func(amount int64) (*stripe.PaymentIntent, error) {
		p := payment(amount, "usd", "pm_card_visa")
		p.SetIdempotencyKey(key)
		return f.sc.V1PaymentIntents.Create(t.Context(), p)
	}
	var mu sync.Mutex
	var ids []string
	var all sync.WaitGroup
	for range 4 { // at once: one pays, and the others see its payment or hear that it is under way
		all.Go(func() {
			intent, err := pay(2000)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				ids = append(ids, intent.ID)
			} else if e, _ := errors.AsType[*stripe.Error](err); e == nil || e.HTTPStatusCode != 409 || e.Code != stripe.ErrorCodeIdempotencyKeyInUse {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(ids) == 0 {
		t.Error("nobody paid")
	}
	again := ok(pay(2000))(t)
	for _, id := range ids {
		equal(t, map[string][2]any{"id": {id, again.ID}})
	}
	equal(t, map[string][2]any{"Idempotent-Replayed": {again.LastResponse.Header.Get("Idempotent-Replayed"), "true"}})
	for _, e := range []*stripe.Error{refused(pay(2001))(t), refused(f.sc.V1Refunds.Create(t.Context(), &stripe.RefundCreateParams{
		Params: stripe.Params{IdempotencyKey: &key}, PaymentIntent: stripe.String(again.ID)}))(t)} {
		equal(t, map[string][2]any{
			"type": {e.Type, stripe.ErrorTypeIdempotency}, "status": {e.HTTPStatusCode, 400}, "code": {e.Code, stripe.ErrorCode("")}, "param": {e.Param, ""},
		})
	}
}

func testRefusals(t *testing.T, f *flow) {
	e := refused(f.stranger.V1Balance.Retrieve(t.Context(), nil))(t)
	equal(t, map[string][2]any{"status": {e.HTTPStatusCode, 401}, "type": {e.Type, stripe.ErrorTypeInvalidRequest}})
	unknown := payment(2000, "usd", "pm_card_visa")
	unknown.AddExtra("colour", "red")
	for _, c := range []struct {
		params      *stripe.PaymentIntentCreateParams
		code, param string
	}{
		{unknown, "parameter_unknown", "colour"},
		{&stripe.PaymentIntentCreateParams{Currency: stripe.String("usd")}, "parameter_missing", "amount"},
		{payment(1, "usd", "pm_card_visa"), "amount_too_small", "amount"},
		{payment(2000, "xyz", "pm_card_visa"), "", "currency"},
		{payment(2000, "usd", "pm_nothing"), "resource_missing", "payment_method"},
	} {
		e := refused(f.sc.V1PaymentIntents.Create(t.Context(), c.params))(t)
		equal(t, map[string][2]any{
			c.param + ": type": {e.Type, stripe.ErrorTypeInvalidRequest}, c.param + ": status": {e.HTTPStatusCode, 400},
			c.param + ": code": {string(e.Code), c.code}, c.param + ": param": {e.Param, c.param},
		})
	}
	e = refused(first(f.sc.V1IssuingCards.List(t.Context(), nil).All(t.Context())))(t)
	equal(t, map[string][2]any{"an operation that there is not yet": {e.HTTPStatusCode, 404}})
}
