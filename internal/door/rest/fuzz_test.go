package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/provider"
)

// moody is a provider that declines one test card and says nothing of another.
func moody() provider.Provider {
	p := approving()
	yes := p.Authorize
	p.Authorize = func(ctx context.Context, r provider.AuthorizeRequest) provider.Outcome {
		switch r.Card.Number.Reveal() {
		case "4000000000000002":
			return provider.Outcome{Status: provider.Declined, Reason: "generic_decline", Code: "05"}
		case "4000000000000119":
			return provider.Outcome{}
		}
		return yes(ctx, r)
	}
	return p
}

// fuzzed is a harness with some objects, whose ids stand for names in braces.
type fuzzed struct {
	*harness
	names *strings.Replacer
	left  int // requests until it is replaced, so that the books stay small
	end   func()
}

// outliving is a test whose resources are kept for later tests, until end.
type outliving struct {
	testing.TB
	ends []func()
}

func (o *outliving) Cleanup(f func()) { o.ends = append(o.ends, f) }

func (o *outliving) TempDir() string {
	dir, err := os.MkdirTemp("", "florin-fuzz-")
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (o *outliving) end() {
	for _, f := range slices.Backward(o.ends) {
		f()
	}
}

func newFuzzed(t testing.TB) *fuzzed {
	life := &outliving{TB: t}
	h := harnessWith(life, moody())
	h.server.Log = slog.New(slog.DiscardHandler)
	paid := h.paid()
	charge := paid.str("latest_charge")
	return &fuzzed{harness: h, end: life.end, left: 100, names: strings.NewReplacer(
		"{intent}", h.intent().str("id"), "{paid}", paid.str("id"), "{charge}", charge,
		"{held}", h.intent("payment_method", "pm_card_visa", "confirm", "true", "capture_method", "manual").str("id"),
		"{stuck}", h.intent("payment_method", "pm_card_chargeDeclinedProcessingError", "confirm", "true").str("id"),
		"{refund}", h.post("/v1/refunds", "amount=5&charge="+charge).str("id"),
		"{customer}", h.post("/v1/customers", "name=Jo").str("id"), "{method}", paid.str("payment_method"),
		"{secret}", paid.str("client_secret"), "{txn}", h.get("/v1/charges/"+charge).str("balance_transaction"),
	)}
}

// digest changes with every change of an object that moves money or tells of it.
func (h *harness) digest() uint64 {
	h.t.Helper()
	sum := fnv.New64a()
	for _, err := range []error{
		scan(h, payment.Intents, sum), scan(h, payment.Charges, sum), scan(h, payment.Refunds, sum), scan(h, payment.Attempts, sum),
		scan(h, ledger.Transactions, sum), scan(h, vault.PaymentMethods, sum), scan(h, vault.Customers, sum), scan(h, vault.Tokens, sum),
	} {
		if err != nil {
			h.t.Fatal(err)
		}
	}
	return sum.Sum64()
}

func scan[T any, N comparable](h *harness, k *object.Kind[T, N], sum io.Writer) error {
	return k.Scan(context.Background(), h.server.DB, func(o *object.Object[T]) error {
		_, err := fmt.Fprintln(sum, k.Name, o.Scope, o.Key, o.Version)
		return err
	})
}

// Whatever is sent, the door answers in JSON and never with a failure of its
// own, and what it refuses changes nothing.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][]string{
		{"POST", "/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa&confirm=true&expand[]=latest_charge.balance_transaction", "k1"},
		{"POST", "/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa_chargeDeclined&confirm=true&expand[]=payment_method", "k2"},
		{"POST", "/v1/payment_intents", "amount=1000&currency=jpy&payment_method=pm_card_chargeDeclinedProcessingError&confirm=true", "k3"},
		{"POST", "/v1/payment_intents", "amount=1000&currency=kwd&customer={customer}&capture_method=manual&metadata[a]=b&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa", ""},
		{"POST", "/v1/payment_intents/{intent}/confirm", "payment_method=pm_card_visa&expand[]=latest_charge.refunds", "k4"},
		{"POST", "/v1/payment_intents/{held}/capture", "amount_to_capture=400&metadata=", "k5"},
		{"POST", "/v1/payment_intents/{held}/cancel", "cancellation_reason=duplicate", "k6"},
		{"POST", "/v1/payment_intents/{stuck}/cancel", "", "k6"},
		{"POST", "/v1/refunds", "charge={charge}&amount=100&reason=fraudulent&expand[]=charge.refunds", "k7"},
		{"POST", "/v1/refunds", "payment_intent={paid}&metadata[a]=", ""},
		{"GET", "/v1/payment_intents/{paid}?client_secret={secret}&expand[]=latest_charge.balance_transaction", "", ""},
		{"GET", "/v1/payment_intents?limit=3&created[gte]=5&starting_after={intent}&expand[]=data.customer", "", ""},
		{"GET", "/v1/charges?customer={customer}&ending_before={charge}", "", ""},
		{"GET", "/v1/charges/{charge}?expand[]=refunds&expand[]=payment_intent.latest_charge", "", ""},
		{"GET", "/v1/refunds/{refund}?expand[]=balance_transaction.source", "", ""},
		{"GET", "/v1/refunds?charge={charge}&created=5", "", ""},
		{"POST", "/v1/customers", "email=jo@example.com&payment_method=pm_card_visa&address[city]=x", "k8"},
		{"POST", "/v1/payment_methods", "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2034", "k9"},
		{"POST", "/v1/payment_methods/pm_card_visa/attach", "customer={customer}", ""},
		{"POST", "/v1/payment_methods/{method}/detach", "", ""},
		{"POST", "/v1/tokens", "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=34&card[cvc]=123", ""},
		{"GET", "/v1/balance", "", ""},
		{"GET", "/v1/balance_transactions/{txn}?expand[]=source", "", ""},
		{"GET", "/v1/balance_transactions?type=charge&limit=1&expand[]=data.source", "", ""},
		{"GET", "/v1/events?type=charge.*&limit=2", "", ""},
		{"DELETE", "/v1/customers/{customer}", "", ""},
		{"PATCH", "/v1/%2F", "a[b][]=1&a[c]=%ff", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], Version, "application/x-www-form-urlencoded")
	}
	f.Add("POST", "/v1/payment_intents", "{}", "", "never", "application/json")
	var door *fuzzed
	f.Cleanup(func() {
		if door != nil {
			door.end()
		}
	})
	f.Fuzz(func(t *testing.T, method, path, body, key, version, media string) {
		if door != nil && door.left == 0 {
			door.end()
			door = nil
		}
		if door == nil {
			door = newFuzzed(t)
		}
		door.left--
		door.try(t, method, path, body, map[string]string{"Idempotency-Key": key, "Stripe-Version": version, "Content-Type": media})
	})
}

func (d *fuzzed) try(t *testing.T, method, path, body string, headers map[string]string) {
	h := d.in(t)
	u, err := url.ParseRequestURI(d.names.Replace(path))
	if err != nil {
		return // no request can be made of it
	}
	r := local(httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(d.names.Replace(body))))
	r.Method, r.URL = method, u
	r.Header.Set("Authorization", "Bearer "+testSecretKey)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	before := h.digest()
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	var got struct{ Error *apiError }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !json.Valid(w.Body.Bytes()) {
		t.Fatalf("%v in %q", err, w.Body)
	}
	types := []string{"api_error", "card_error", "idempotency_error", "invalid_request_error"}
	switch {
	case w.Code == http.StatusOK && got.Error == nil:
	case w.Code < 400 || w.Code >= 500 || got.Error == nil || got.Error.Message == "" || !slices.Contains(types, got.Error.Type):
		t.Fatalf("status %d: %s", w.Code, w.Body)
	case got.Error.PaymentIntent == nil && h.digest() != before:
		t.Fatalf("it was refused with %d, and something has changed: %s", w.Code, w.Body)
	}
	if method == http.MethodPost {
		h.checkBooks()
	}
}
