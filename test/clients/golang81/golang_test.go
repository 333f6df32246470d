//go:build unix

// Package golang81 drives an older one of Stripe's official Go clients against
// Florin. The packages golang76 and golang81 are the same but for the client.
package golang81

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v81"
	"github.com/stripe/stripe-go/v81/client"
	"github.com/stripe/stripe-go/v81/webhook"

	"github.com/florinpay/florin/test/contract"
	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// TestOlderGoClient runs all that the client does against one server, whose
// books must be in order in the end.
func TestOlderGoClient(t *testing.T) {
	s := florintest.Start(t, florintest.Options{})
	document := contract.Before(t, stripe.APIVersion)
	f := &flow{sc: connect(t, s, document, s.SecretKey), stranger: connect(t, s, document, "sk_test_wrongwrongwrongwrong"), browser: connect(t, s, document, s.PublishableKey)}
	for _, c := range []struct {
		name string
		test func(*testing.T, *flow)
	}{
		{"pay", testPay},
		{"declines", testDeclines},
		{"capture and refund", testCaptureAndRefund},
		{"customers and their cards", testCustomers},
		{"pages of 250 customers", testPages},
		{"idempotency", testIdempotency},
		{"refusals", testRefusals},
		{"events", testEvents},
		{"webhooks", testWebhooks},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, f) })
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	switch report, err := s.Verify(t.Context()); {
	case err != nil:
		t.Error(err)
	case !report.OK:
		t.Errorf("the books are broken: %+v", report.Findings)
	}
	if strings.Contains(s.Log(), "level=ERROR") {
		t.Error("the server logged an error")
	}
}

// flow is what the tests share.
type flow struct {
	sc       *client.API // with the secret key
	stranger *client.API // with a key that is nobody's
	browser  *client.API // with the publishable key
}

// connect makes a client whose replies are searched for card data on their way, and
// held against the document of its version.
func connect(t *testing.T, s *florintest.Server, document *contract.Document, key string) *client.API {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(s.URL), HTTPClient: &http.Client{Timeout: 80 * time.Second, Transport: document.Watched(t, leak.Watched(t, nil))},
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return client.New(key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
}

func payment(amount int64, method string) *stripe.PaymentIntentParams {
	return &stripe.PaymentIntentParams{
		Amount: stripe.Int64(amount), Currency: stripe.String("usd"), PaymentMethod: stripe.String(method), Confirm: stripe.Bool(true),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
	}
}

// ok gives what a call gave, unless it failed.
func ok[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused gives the error of a call that must fail.
func refused[T any](_ T, err error) func(*testing.T) *stripe.Error {
	return func(t *testing.T) *stripe.Error {
		t.Helper()
		e, ok := errors.AsType[*stripe.Error](err)
		if !ok {
			t.Fatalf("the error is %v, want one of Stripe's", err)
		}
		return e
	}
}

// equal compares field by field, and names those that differ.
func equal(t *testing.T, fields map[string][2]any) {
	t.Helper()
	for name, f := range fields {
		if f[0] != f[1] {
			t.Errorf("%s is %v, want %v", name, f[0], f[1])
		}
	}
}

func unique() string { return strings.ToLower(rand.Text()) }

func testPay(t *testing.T, f *flow) {
	p := payment(2000, "pm_card_visa")
	p.AddMetadata("order", "6735")
	p.AddExpand("latest_charge.balance_transaction")
	intent := ok(f.sc.PaymentIntents.New(p))(t)
	equal(t, map[string][2]any{
		"status": {intent.Status, stripe.PaymentIntentStatusSucceeded}, "received": {intent.AmountReceived, int64(2000)}, "order": {intent.Metadata["order"], "6735"},
		"fee": {intent.LatestCharge.BalanceTransaction.Fee, int64(88)}, "version": {intent.LastResponse.Header.Get("Stripe-Version"), stripe.APIVersion},
		"has an invoice": {strings.Contains(string(intent.LastResponse.RawJSON), `"invoice": null`), true},
	})
	created := ok(f.sc.PaymentIntents.New(&stripe.PaymentIntentParams{Amount: stripe.Int64(1099), Currency: stripe.String("eur")}))(t)
	paid := ok(f.sc.PaymentIntents.Confirm(created.ID, &stripe.PaymentIntentConfirmParams{
		PaymentMethod: stripe.String("pm_card_mastercard"), ReturnURL: stripe.String("https://shop.example/back"),
	}))(t)
	equal(t, map[string][2]any{"status before": {created.Status, stripe.PaymentIntentStatusRequiresPaymentMethod}, "status": {paid.Status, stripe.PaymentIntentStatusSucceeded}})
}

func testDeclines(t *testing.T, f *flow) {
	for method, want := range map[string]struct{ code, decline, param string }{
		"pm_card_visa_chargeDeclined":                      {"card_declined", "generic_decline", ""},
		"pm_card_visa_chargeDeclinedInsufficientFunds":     {"card_declined", "insufficient_funds", ""},
		"pm_card_visa_chargeDeclinedLostCard":              {"card_declined", "lost_card", ""},
		"pm_card_visa_chargeDeclinedStolenCard":            {"card_declined", "stolen_card", ""},
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": {"card_declined", "card_velocity_exceeded", ""},
		"pm_card_chargeDeclinedFraudulent":                 {"card_declined", "fraudulent", ""},
		"pm_card_chargeDeclinedExpiredCard":                {"expired_card", "expired_card", "exp_month"},
		"pm_card_chargeDeclinedIncorrectCvc":               {"incorrect_cvc", "incorrect_cvc", "cvc"},
		"pm_card_chargeDeclinedProcessingError":            {"processing_error", "processing_error", ""},
	} {
		e := refused(f.sc.PaymentIntents.New(payment(900, method)))(t)
		_, class := e.Err.(*stripe.CardError)
		equal(t, map[string][2]any{
			method + ": class": {class, true}, method + ": type": {e.Type, stripe.ErrorTypeCard}, method + ": status": {e.HTTPStatusCode, 402},
			method + ": code": {string(e.Code), want.code}, method + ": decline": {string(e.DeclineCode), want.decline}, method + ": param": {e.Param, want.param},
			method + ": intent": {e.PaymentIntent.Status, stripe.PaymentIntentStatusRequiresPaymentMethod}, method + ": charge": {e.PaymentIntent.LatestCharge.ID, e.ChargeID},
			method + ": last error": {string(e.PaymentIntent.LastPaymentError.Code), want.code},
		})
		again := ok(f.sc.PaymentIntents.Confirm(e.PaymentIntent.ID, &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String("pm_card_visa")}))(t)
		equal(t, map[string][2]any{method + ": another card": {again.Status, stripe.PaymentIntentStatusSucceeded}})
	}
	for code, spoil := range map[string]func(*stripe.CardParams){
		"incorrect_number":     func(c *stripe.CardParams) { c.Number = stripe.String("4242424242424241") },
		"invalid_expiry_month": func(c *stripe.CardParams) { c.ExpMonth = stripe.String("13") },
		"invalid_expiry_year":  func(c *stripe.CardParams) { c.ExpYear = stripe.String("1995") },
		"invalid_cvc":          func(c *stripe.CardParams) { c.CVC = stripe.String("99") },
	} {
		card := &stripe.CardParams{Number: stripe.String("4242424242424242"), ExpMonth: stripe.String("12"), ExpYear: stripe.String("2044"), CVC: stripe.String("123")}
		spoil(card)
		e := refused(f.sc.Tokens.New(&stripe.TokenParams{Card: card}))(t)
		_, class := e.Err.(*stripe.CardError)
		equal(t, map[string][2]any{code + ": class": {class, true}, code + ": status": {e.HTTPStatusCode, 402}, code: {string(e.Code), code}})
	}
}

func testCaptureAndRefund(t *testing.T, f *flow) {
	p := payment(5000, "pm_card_visa")
	p.CaptureMethod = stripe.String("manual")
	intent := ok(f.sc.PaymentIntents.New(p))(t)
	equal(t, map[string][2]any{"status": {intent.Status, stripe.PaymentIntentStatusRequiresCapture}, "capturable": {intent.AmountCapturable, int64(5000)}})
	captured := ok(f.sc.PaymentIntents.Capture(intent.ID, &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(3000)}))(t)
	refund := ok(f.sc.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(intent.ID), Amount: stripe.Int64(1000)}))(t)
	charge := ok(f.sc.Charges.Get(captured.LatestCharge.ID, nil))(t)
	equal(t, map[string][2]any{
		"status captured": {captured.Status, stripe.PaymentIntentStatusSucceeded}, "received": {captured.AmountReceived, int64(3000)},
		"refund": {refund.Status, stripe.RefundStatusSucceeded}, "refunded": {charge.AmountRefunded, int64(1000)},
	})
	ok(f.sc.Refunds.New(&stripe.RefundParams{Charge: stripe.String(charge.ID)}))(t)
	e := refused(f.sc.Refunds.New(&stripe.RefundParams{Charge: stripe.String(charge.ID)}))(t)
	equal(t, map[string][2]any{"code": {e.Code, stripe.ErrorCodeChargeAlreadyRefunded}, "type": {e.Type, stripe.ErrorTypeInvalidRequest}})
}

func testCustomers(t *testing.T, f *flow) {
	customer := ok(f.sc.Customers.New(&stripe.CustomerParams{Name: stripe.String("Jenny Rosen"), Email: stripe.String("jenny@example.com")}))(t)
	method := ok(f.sc.PaymentMethods.Attach("pm_card_visa", &stripe.PaymentMethodAttachParams{Customer: stripe.String(customer.ID)}))(t)
	p := payment(700, method.ID)
	p.Customer = stripe.String(customer.ID)
	intent := ok(f.sc.PaymentIntents.New(p))(t)
	deleted := ok(f.sc.Customers.Del(customer.ID, nil))(t)
	equal(t, map[string][2]any{"customer": {intent.Customer.ID, customer.ID}, "brand": {method.Card.Brand, stripe.PaymentMethodCardBrandVisa}, "deleted": {deleted.Deleted, true}})
}

func testPages(t *testing.T, f *flow) {
	email := stripe.String(unique() + "@example.com")
	made := make(chan string, 250)
	for range 10 {
		go func() {
			for range 25 {
				c, err := f.sc.Customers.New(&stripe.CustomerParams{Email: email})
				if err != nil {
					made <- err.Error()
					continue
				}
				made <- c.ID
			}
		}()
	}
	left := map[string]bool{}
	for range 250 {
		left[<-made] = true
	}
	list := &stripe.CustomerListParams{Email: email}
	list.Limit = stripe.Int64(100)
	pages := f.sc.Customers.List(list)
	n := 0
	for ; pages.Next(); n++ {
		delete(left, pages.Customer().ID)
	}
	if err := pages.Err(); err != nil || n != 250 || len(left) > 0 {
		t.Errorf("%d customers are listed, these are not: %v %v", n, left, err)
	}
}

func testIdempotency(t *testing.T, f *flow) {
	key := unique()
	pay := func(amount int64) (*stripe.PaymentIntent, error) {
		p := payment(amount, "pm_card_visa")
		p.SetIdempotencyKey(key)
		return f.sc.PaymentIntents.New(p)
	}
	first, again := ok(pay(1000))(t), ok(pay(1000))(t)
	e := refused(pay(1001))(t)
	equal(t, map[string][2]any{
		"id": {again.ID, first.ID}, "replayed": {again.LastResponse.Header.Get("Idempotent-Replayed"), "true"}, "body": {string(again.LastResponse.RawJSON), string(first.LastResponse.RawJSON)},
		"type": {e.Type, stripe.ErrorTypeIdempotency}, "status": {e.HTTPStatusCode, 400},
	})
}

func testRefusals(t *testing.T, f *flow) {
	unknown := payment(2000, "pm_card_visa")
	unknown.AddExtra("colour", "red")
	strange := payment(2000, "pm_card_visa")
	strange.Currency = stripe.String("xyz")
	pay := func(p *stripe.PaymentIntentParams) error { return second(f.sc.PaymentIntents.New(p)) }
	for name, c := range map[string]struct {
		err         error
		status      int
		code, param string
	}{
		"a stranger":           {second(f.stranger.Balance.Get(nil)), 401, "", ""},
		"a browser":            {second(f.browser.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String("pi_nothing")})), 401, "secret_key_required", ""},
		"not there":            {second(f.sc.PaymentIntents.Get("pi_nothing", nil)), 404, "resource_missing", "intent"},
		"too little":           {pay(payment(1, "pm_card_visa")), 400, "amount_too_small", "amount"},
		"unknown parameter":    {pay(unknown), 400, "parameter_unknown", "colour"},
		"no amount":            {pay(&stripe.PaymentIntentParams{Currency: stripe.String("usd")}), 400, "parameter_missing", "amount"},
		"no such currency":     {pay(strange), 400, "", "currency"},
		"no such card":         {pay(payment(2000, "pm_nothing")), 400, "resource_missing", "payment_method"},
		"no operation":         {second(f.sc.Products.New(&stripe.ProductParams{Name: stripe.String("Tea")})), 404, "", ""},
		"a cursor of nothing":  {f.sc.Customers.List(&stripe.CustomerListParams{ListParams: stripe.ListParams{StartingAfter: stripe.String("cus_nobody")}}).Err(), 400, "resource_missing", "starting_after"},
		"what is not reserved": {second(f.sc.PaymentIntents.Capture(ok(f.sc.PaymentIntents.New(payment(900, "pm_card_visa")))(t).ID, nil)), 400, "payment_intent_unexpected_state", ""},
	} {
		e, is := errors.AsType[*stripe.Error](c.err)
		if !is {
			t.Fatalf("%s: %v", name, c.err)
		}
		_, class := e.Err.(*stripe.InvalidRequestError)
		equal(t, map[string][2]any{
			name + ": class": {class, true}, name + ": type": {e.Type, stripe.ErrorTypeInvalidRequest}, name + ": status": {e.HTTPStatusCode, c.status},
			name + ": code": {string(e.Code), c.code}, name + ": has a request id": {e.RequestID != "", true},
		})
		if c.param != "" && e.Param != c.param {
			t.Errorf("%s: the parameter is %q, want %q", name, e.Param, c.param)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func testEvents(t *testing.T, f *flow) {
	intent := ok(f.sc.PaymentIntents.New(payment(1200, "pm_card_visa")))(t)
	list := &stripe.EventListParams{Type: stripe.String("payment_intent.succeeded")}
	list.Limit = stripe.Int64(1)
	events := f.sc.Events.List(list)
	if !events.Next() {
		t.Fatal(fmt.Sprint("no event: ", events.Err()))
	}
	var about stripe.PaymentIntent
	if err := json.Unmarshal(events.Event().Data.Raw, &about); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string][2]any{"about": {about.ID, intent.ID}, "status": {about.Status, stripe.PaymentIntentStatusSucceeded}})
}

// testWebhooks has an event delivered at the client's own version, which the client
// verifies and reads.
func testWebhooks(t *testing.T, f *flow) {
	type hook struct {
		body      []byte
		signature string
	}
	hooks := make(chan hook, 10)
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hooks <- hook{body, r.Header.Get("Stripe-Signature")}
	}))
	defer shop.Close()
	endpoint := ok(f.sc.WebhookEndpoints.New(&stripe.WebhookEndpointParams{
		URL: stripe.String(shop.URL), EnabledEvents: stripe.StringSlice([]string{"payment_intent.succeeded"}), APIVersion: stripe.String(stripe.APIVersion),
	}))(t)
	intent := ok(f.sc.PaymentIntents.New(payment(1300, "pm_card_visa")))(t)
	var got hook
	select {
	case got = <-hooks:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is delivered")
	}
	event, err := webhook.ConstructEvent(got.body, got.signature, endpoint.Secret)
	if err != nil {
		t.Fatal(err)
	}
	var about stripe.PaymentIntent
	if err := json.Unmarshal(event.Data.Raw, &about); err != nil {
		t.Fatal(err)
	}
	equal(t, map[string][2]any{
		"type": {string(event.Type), "payment_intent.succeeded"}, "version": {event.APIVersion, stripe.APIVersion}, "about": {about.ID, intent.ID},
		"amount": {about.Amount, int64(1300)}, "status": {about.Status, stripe.PaymentIntentStatusSucceeded}, "charge": {about.LatestCharge.ID, intent.LatestCharge.ID},
	})
	if told, err := contract.Tells(got.body); err != nil {
		t.Error(err)
	} else if v := contract.Violations(contract.Before(t, stripe.APIVersion).Object("payment_intent"), told[0].JSON); len(v) > 0 {
		t.Error(v)
	}
	for name, c := range map[string]struct {
		body   []byte
		secret string
	}{
		"another's secret": {got.body, endpoint.Secret + "x"},
		"another body":     {bytes.Replace(got.body, []byte("1300"), []byte("1301"), 1), endpoint.Secret},
	} {
		if _, err := webhook.ConstructEvent(c.body, got.signature, c.secret); !errors.Is(err, webhook.ErrNoValidSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	deleted := ok(f.sc.WebhookEndpoints.Del(endpoint.ID, nil))(t)
	equal(t, map[string][2]any{"deleted": {deleted.Deleted, true}})
}
