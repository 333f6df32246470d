package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/listen"
)

// abroad sends a request over plain HTTP from another machine.
func (h *harness) abroad(method, path, params string, change func(*http.Request) *http.Request) *answered {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(params))
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 8420})))
	r.RemoteAddr = "10.0.0.9:4711"
	r.Header.Set("Authorization", "Bearer "+testSecretKey)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", "abroad")
	if change != nil {
		r = change(r)
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	a := &answered{t: h.t, status: w.Code, header: w.Header(), text: w.Body.Bytes()}
	if err := json.Unmarshal(a.text, &a.body); err != nil {
		h.t.Fatalf("%s %s: %v in %q", method, path, err, a.text)
	}
	return a
}

// Card data that came over plain HTTP from elsewhere is refused wherever it
// stands, before anything of it is stored, logged or answered.
func TestCardDataOverPlainHTTP(t *testing.T) {
	h := newHarness(t)
	var logged bytes.Buffer
	h.server.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, c := range []struct{ method, path, params, param string }{
		{"POST", "/v1/payment_methods", rawCard, "card[number]"},
		{"POST", "/v1/payment_methods", "card[cvc]=7391&type=card", "card[cvc]"},
		{"POST", "/v1/payment_methods?card%5Bnumber%5D=" + rawPAN, "type=card", "card[number]"},
		{"POST", "/v1/tokens", strings.TrimPrefix(rawCard, "type=card&"), "card[number]"},
		{"POST", "/v1/tokens", "cvc_update[cvc]=7391", "cvc_update[cvc]"},
		{"POST", "/v1/payment_intents", "amount=100&currency=eur&payment_method_data[type]=card&payment_method_data[card][number]=" + rawPAN, "payment_method_data[card][number]"},
		{"POST", "/v1/payment_intents/pi_1/confirm", "payment_method_data[card][number]=" + rawPAN, "payment_method_data[card][number]"},
		{"POST", "/v1/customers", "source[number]=" + rawPAN, "source[number]"},
		{"GET", "/v1/charges?number=" + rawPAN, "", "number"},
		{"POST", "/v1/refunds", "cards[3][number]=" + rawPAN, "cards[3][number]"},
	} {
		before := h.digest()
		a := h.abroad(c.method, c.path, c.params, nil).is(http.StatusForbidden)
		if diff := cmp.Diff(map[string]any{"type": "invalid_request_error", "param": c.param, "message": a.at("error.message")}, a.at("error")); diff != "" {
			t.Errorf("%s %s: %s", c.path, c.params, diff)
		}
		if h.digest() != before {
			t.Errorf("%s %s: something was stored", c.path, c.params)
		}
		for name, text := range map[string]string{"answer": string(a.text), "log": logged.String()} {
			if strings.Contains(text, rawPAN) || strings.Contains(text, "4000 0025") || strings.Contains(text, "7391") {
				t.Errorf("%s %s: the %s shows the card: %s", c.path, c.params, name, text)
			}
		}
		if a.header.Get("Stripe-Should-Retry") != "false" || !strings.Contains(a.at("error.message").(string), "--tls-cert") {
			t.Errorf("%s: %v %s", c.path, a.header, a.text)
		}
	}
}

// What holds no card data passes, and card data does where nobody could read it.
func TestCardDataThatMayCome(t *testing.T) {
	h := newHarness(t)
	trusted, err := listen.ParseProxies([]string{"10.0.0.9"})
	if err != nil {
		t.Fatal(err)
	}
	behind := func(scheme string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			r.Header.Set("X-Forwarded-For", "192.0.2.1")
			r.Header.Set("X-Forwarded-Proto", scheme)
			return r.WithContext(trusted.Context(r.Context()))
		}
	}
	tokens := strings.TrimPrefix(rawCard, "type=card&")
	h.abroad("POST", "/v1/customers", "name=Ada&metadata[number]=7&metadata[cvc]=7", nil).ok()
	h.abroad("POST", "/v1/payment_methods", "type=card&card[token]=tok_visa", func(r *http.Request) *http.Request { r.Header.Del("Idempotency-Key"); return r }).ok()
	h.abroad("POST", "/v1/tokens", tokens, behind("http")).is(http.StatusForbidden)
	h.abroad("POST", "/v1/tokens", tokens, func(r *http.Request) *http.Request {
		r.Header.Set("X-Forwarded-Proto", "https") // by one who is no proxy of ours
		return r
	}).is(http.StatusForbidden)
	// The key is free: what was refused has not taken it.
	h.abroad("POST", "/v1/payment_methods", rawCard, func(r *http.Request) *http.Request {
		r.Header.Set("Idempotency-Key", "later")
		return r
	}).is(http.StatusForbidden)
	h.abroad("POST", "/v1/payment_methods", rawCard, func(r *http.Request) *http.Request {
		r.Header.Set("Idempotency-Key", "later")
		return behind("https")(r)
	}).ok()
	h.abroad("POST", "/v1/tokens", tokens, func(r *http.Request) *http.Request {
		r.TLS = &tls.ConnectionState{}
		r.Header.Del("Idempotency-Key")
		return r
	}).ok()
}
