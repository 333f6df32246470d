//go:build unix

// Package golang drives Stripe's official Go client against Florin: a real
// server of its own, and the client unchanged but for the address.
package golang

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// TestGoClient runs all that the client does against one server, whose books
// must be in order in the end.
func TestGoClient(t *testing.T) {
	s := florintest.Start(t, florintest.Options{})
	f := &flow{sc: connect(t, s, s.SecretKey), browser: connect(t, s, s.PublishableKey), stranger: connect(t, s, "sk_test_wrongwrongwrongwrong")}
	for _, c := range []struct {
		name string
		test func(*testing.T, *flow)
	}{
		{"pay", testPay},
		{"pay in steps", testPayInSteps},
		{"allowed payment method types", testAllowedTypes},
		{"declines", testDeclines},
		{"mistyped cards", testMistyped},
		{"capture in part", testCaptureInPart},
		{"cancel a reservation", testCancel},
		{"refund in part and over", testRefunds},
		{"token of a card", testToken},
		{"payment method of a card number", testCardNumber},
		{"customer", testCustomer},
		{"attach and detach", testAttach},
		{"pages of customers", testPages},
		{"expand", testExpand},
		{"balance", testBalance},
		{"events", testEvents},
		{"idempotency", testIdempotency},
		{"refusals", testRefusals},
		{"browser", testBrowser},
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
	sc       *stripe.Client // with the secret key
	browser  *stripe.Client // with the publishable key
	stranger *stripe.Client // with a key that is nobody's
}

// connect makes a client whose replies are searched for card data on their way.
func connect(t *testing.T, s *florintest.Server, key string) *stripe.Client {
	backends := stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL: stripe.String(s.URL), HTTPClient: &http.Client{Timeout: 80 * time.Second, Transport: leak.Watched(t, nil)},
	})
	return stripe.NewClient(key, stripe.WithBackends(backends))
}

// payment is what a payment by card is made of.
func payment(amount int64, currency, method string) *stripe.PaymentIntentCreateParams {
	return &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(amount), Currency: stripe.String(currency), PaymentMethod: stripe.String(method), Confirm: stripe.Bool(true),
		AutomaticPaymentMethods: &stripe.PaymentIntentCreateAutomaticPaymentMethodsParams{
			Enabled: stripe.Bool(true), AllowRedirects: stripe.String("never"),
		},
	}
}

func reservation(amount int64, currency, method string) *stripe.PaymentIntentCreateParams {
	p := payment(amount, currency, method)
	p.CaptureMethod = stripe.String("manual")
	return p
}

// paid makes a payment that must succeed.
func (f *flow) paid(t *testing.T, p *stripe.PaymentIntentCreateParams) *stripe.PaymentIntent {
	t.Helper()
	return ok(f.sc.V1PaymentIntents.Create(t.Context(), p))(t)
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

// collect reads a whole list.
func collect[T any](t *testing.T, ctx context.Context, list *stripe.V1List[T]) (all []T) {
	t.Helper()
	for item, err := range list.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item)
	}
	return all
}

// unique is a text that nobody else uses.
func unique() string { return strings.ToLower(rand.Text()) }
