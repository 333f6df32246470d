package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

var testSale = provider.AuthorizeRequest{
	Reference: "r", Amount: money.New(100, "eur"), Capture: true,
	Card: provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034, CVC: hidden.NewText("737")},
}

// rawServer lets a test speak bytes: serve gets each request that arrives, and
// its connection, and returns whether the connection goes on.
func rawServer(t *testing.T, serve func(net.Conn, *http.Request) bool) (url string, requests *atomic.Int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	requests = new(atomic.Int64)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return
					}
					requests.Add(1)
					if !serve(conn, req) {
						return
					}
				}
			}()
		}
	}()
	return "http://" + ln.Addr().String(), requests
}

const approvedSale = `{"reference":"r","kind":"sale","amount":100,"currency":"eur","state":"approved","code":"00",` +
	`"time":"2026-11-21T10:30:00Z","id":"sbx_a","brand":"visa","last4":"4242"}`

// TestHostileAnswers: whatever comes back, only the documented answers are
// believed.
func TestHostileAnswers(t *testing.T) {
	ok := func(body string) string { return respond("200 OK", body) }
	tests := []struct {
		name, reply string
		want        provider.Status
	}{
		{"the documented answer", ok(approvedSale), provider.Approved},
		{"a decline with a code from nowhere", ok(strings.NewReplacer("approved", "declined", `"00"`, `"77"`).Replace(approvedSale)), provider.Declined},
		{"another reference", ok(strings.Replace(approvedSale, `"r"`, `"q"`, 1)), provider.Unknown},
		{"another amount", ok(strings.Replace(approvedSale, `100`, `99`, 1)), provider.Unknown},
		{"another currency", ok(strings.Replace(approvedSale, `eur`, `usd`, 1)), provider.Unknown},
		{"another kind", ok(strings.Replace(approvedSale, `sale`, `authorize`, 1)), provider.Unknown},
		{"another card", ok(strings.Replace(approvedSale, `"4242"`, `"4444"`, 1)), provider.Unknown},
		{"approved with a declining code", ok(strings.Replace(approvedSale, `"00"`, `"05"`, 1)), provider.Unknown},
		{"declined with code 00", ok(strings.Replace(approvedSale, `approved`, `declined`, 1)), provider.Unknown},
		{"a state from nowhere", ok(strings.Replace(approvedSale, `approved`, `pending`, 1)), provider.Unknown},
		{"something after the answer", ok(approvedSale + "{}"), provider.Unknown},
		{"empty body", ok(""), provider.Unknown},
		{"null", ok("null"), provider.Unknown},
		{"approved under status 201", respond("201 Created", approvedSale), provider.Unknown},
		{"approved under status 400", respond("400 Bad Request", approvedSale), provider.Unknown},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + approvedSale, provider.Unknown},
		{"far too long", ok(strings.Repeat(" ", maxReply) + approvedSale), provider.Unknown},
		{"no HTTP, and the card number in it", "4242424242424242 cvc=737\r\n\r\n", provider.Unknown},
		{"the request echoed", ok(`{"number":"4242424242424242","cvc":"737"}`), provider.Unknown},
		{"nothing", "", provider.Unknown},
		{"500 as documented", respond("500 Internal Server Error", `{"error":{"code":"internal","message":"m"}}`), provider.Unknown},
		{"500 that claims to have done nothing", respond("500 Internal Server Error", `{"error":{"code":"internal","message":"m","processed":false}}`), provider.Unknown},
		{"503 of a gateway", respond("503 Service Unavailable", "<html>"), provider.Unknown},
		{"400 as documented", respond("400 Bad Request", `{"error":{"code":"invalid_field","message":"m","processed":false}}`), provider.Failed},
		{"400 without a word about processing", respond("400 Bad Request", `{"error":{"code":"invalid_field","message":"m"}}`), provider.Unknown},
		{"400 that was processed", respond("400 Bad Request", `{"error":{"code":"invalid_field","message":"m","processed":true}}`), provider.Unknown},
		{"400 with a code from nowhere", respond("400 Bad Request", `{"error":{"code":"odd","message":"m","processed":false}}`), provider.Unknown},
		{"invalid_field under another status", respond("404 Not Found", `{"error":{"code":"invalid_field","message":"m","processed":false}}`), provider.Unknown},
		{"404 of another server", respond("404 Not Found", "404 page not found"), provider.Unknown},
		{"409 as documented", respond("409 Conflict", `{"error":{"code":"reference_conflict","message":"m","processed":false}}`), provider.Unknown},
		{"redirect", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/operations\r\nContent-Length: 0\r\n\r\n", provider.Unknown},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url, requests := rawServer(t, func(conn net.Conn, _ *http.Request) bool {
				_, _ = io.WriteString(conn, test.reply)
				return false
			})
			out := New(url, ConnectorOptions{Timeout: 2 * time.Second}).Authorize(t.Context(), testSale)
			if out.Status != test.want {
				t.Errorf("%v (%s), want %v", out.Status, out.Message, test.want)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("sent %d times", n)
			}
			if told := toldBy(out); strings.Contains(told, "4242424242424242") || strings.Contains(told, "737") {
				t.Errorf("card data is shown: %s", told)
			}
		})
	}
}

func respond(status, body string) string {
	return "HTTP/1.1 " + status + "\r\nConnection: close\r\n\r\n" + body
}

// toldBy is all the text of an outcome, save its times.
func toldBy(out provider.Outcome) string {
	told := fmt.Sprint(out.ID, out.Code, out.Reason, out.Message, out.AuthorizationCode, out.CVCCheck)
	for _, m := range out.Raw {
		told += "\n" + m.Body
	}
	return told
}

// TestNeverResent: a connection that was good breaks as soon as the second
// request is on it. It must arrive once, whatever way the connection breaks.
func TestNeverResent(t *testing.T) {
	breaks := map[string]func(net.Conn){
		"closed": func(net.Conn) {},
		"reset":  func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"half":   func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 2") },
	}
	for name, broken := range breaks {
		var served atomic.Int64
		url, requests := rawServer(t, func(conn net.Conn, _ *http.Request) bool {
			if served.Add(1) > 1 {
				broken(conn)
				return false
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
			return true
		})
		p := New(url, ConnectorOptions{Timeout: 2 * time.Second})
		p.Authorize(t.Context(), testSale) // warms the connection
		out := p.Authorize(t.Context(), testSale)
		if out.Status != provider.Unknown {
			t.Errorf("%s: %v (%s)", name, out.Status, out.Message)
		}
		if n := requests.Load(); n != 2 {
			t.Errorf("%s: two calls sent %d requests", name, n)
		}
	}
}

// TestNotSent: what never began is Failed, and may be tried again.
func TestNotSent(t *testing.T) {
	const gone = "http://127.0.0.1:1" // a port that no system gives to one who asks for any
	hanging := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	tests := map[string]provider.Provider{
		"nobody there":        New(gone, ConnectorOptions{}),
		"no such scheme":      New("gopher://127.0.0.1", ConnectorOptions{}),
		"no URL":              New("http://[::1", ConnectorOptions{}),
		"nothing":             New("", ConnectorOptions{}),
		"connecting for ever": New(gone, ConnectorOptions{Timeout: 50 * time.Millisecond, DialContext: hanging}),
	}
	for name, p := range tests {
		out := p.Authorize(t.Context(), testSale)
		if out.Status != provider.Failed || !out.Retryable || len(out.Raw) != 0 || out.Message == "" {
			t.Errorf("%s: %+v", name, out)
		}
		if f := p.Inquire(t.Context(), "r"); f.Answer != provider.NoAnswer || f.Outcome.Status != provider.Failed {
			t.Errorf("%s: inquiry %+v", name, f)
		}
	}
}

// stuckConn takes nothing: each write waits until the connection is closed.
type stuckConn struct {
	net.Conn
	writing, closed chan struct{}
	once            sync.Once
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *stuckConn) Write([]byte) (int, error) {
	close(c.writing)
	<-c.closed
	return 0, net.ErrClosed
}

// TestWriteUnderWay: once a write has begun, nobody knows how much of it left,
// even if it reports that nothing did.
func TestWriteUnderWay(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	stuck := &stuckConn{Conn: near, writing: make(chan struct{}), closed: make(chan struct{})}
	p := New("http://pipe.invalid", ConnectorOptions{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return stuck, nil },
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-stuck.writing; cancel() }()
	out := p.Authorize(ctx, testSale)
	if out.Status != provider.Unknown || len(out.Raw) != 1 {
		t.Errorf("%+v", out)
	}
}

// TestCancelledAnywhere gives calls up at random moments, and counts at the far
// end: what was Failed must not have arrived.
func TestCancelledAnywhere(t *testing.T) {
	book := openBook(t, filepath.Join(t.TempDir(), "b.book"))
	server := httptest.NewServer(NewSimulator(book, Options{}))
	defer server.Close()
	p := New(server.URL, ConnectorOptions{})
	r := rand.New(rand.NewPCG(1, 2))
	outs := map[string]provider.Outcome{}
	for i := range 500 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(600))*time.Microsecond)
		req := testSale
		req.Reference = fmt.Sprint("r", i)
		outs[req.Reference] = p.Authorize(ctx, req)
		cancel()
	}
	server.Close() // waits for what is being processed
	seen := map[provider.Status]int{}
	for reference, out := range outs {
		seen[out.Status]++
		_, found, err := book.Find(t.Context(), reference)
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == provider.Failed && found || out.Status == provider.Approved && !found {
			t.Errorf("%s was %v (%s), in the book: %t", reference, out.Status, out.Message, found)
		}
	}
	t.Log(seen)
	if seen[provider.Failed] == 0 || seen[provider.Unknown] == 0 {
		t.Errorf("no call was given up on both sides of sending: %v", seen)
	}
}

func TestTraits(t *testing.T) {
	got := New("http://x", ConnectorOptions{}).Traits
	if want := (provider.Traits{Timeout: 10 * time.Second, Horizon: 30 * time.Second, ReplayWindow: 24 * time.Hour}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	got = New("http://x", ConnectorOptions{Timeout: 1, Horizon: 2, ReplayWindow: -1}).Traits
	if want := (provider.Traits{Timeout: 1, Horizon: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
