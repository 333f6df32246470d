package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/provider"
	"github.com/florinpay/florin/test/leak"
)

const webKey = "sk_test_webwebwebwebwebweb01"

// abroad is a listener whose connections seem to come from another machine to
// an address that others can reach.
type abroad struct{ net.Listener }

type farConn struct{ net.Conn }

func (a abroad) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	return farConn{c}, err
}

func (farConn) LocalAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:8420"))
}
func (farConn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:4711"))
}

// run serves on a loopback port until ended, and gives the server's address.
func run(t *testing.T, serve func(context.Context, net.Listener) error, wrap func(net.Listener) net.Listener) (address string, end context.CancelFunc, ended chan error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = "http://" + ln.Addr().String()
	if wrap != nil {
		ln = wrap(ln)
	}
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	ended = make(chan error, 1)
	go func() { ended <- serve(ctx, ln) }()
	t.Cleanup(end)
	return address, end, ended
}

func post(t *testing.T, address string, form url.Values, headers ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(webKey, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Error(err)
	}
	return reply.StatusCode, string(body)
}

// Through the whole stack, from a socket that others can reach: card data is
// refused in the clear and leaves no trace, the rest is answered.
func TestPlainHTTPFromAbroad(t *testing.T) {
	dir := t.TempDir()
	var logged bytes.Buffer
	c := config(t, "sqlite:"+filepath.Join(dir, "florin.db"))
	c.SecretKey, c.Logger = webKey, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a := start(t, c)
	address, end, ended := run(t, a.Serve, func(ln net.Listener) net.Listener { return abroad{ln} })
	card := url.Values{"card[number]": {"4242424242424242"}, "card[exp_month]": {"12"}, "card[exp_year]": {"2044"}, "card[cvc]": {"737"}}
	for _, headers := range [][]string{nil, {"X-Forwarded-Proto", "https", "X-Forwarded-For", "127.0.0.1"}, {"Forwarded", "for=127.0.0.1;proto=https"}} {
		if status, text := post(t, address+"/v1/tokens", card, headers...); status != http.StatusForbidden || !strings.Contains(text, "plain HTTP") {
			t.Errorf("%v: %d %s", headers, status, text)
		}
	}
	if status, text := post(t, address+"/v1/customers", url.Values{"name": {"Ada"}}); status != http.StatusOK {
		t.Errorf("a customer: %d %s", status, text)
	}
	leak.CheckDir(t, dir)
	for _, secret := range []string{"4242424242424242", "cvc=737", "cvc%5D=737"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// While the last payment is finished, those who look see a process that wants
// no more, and can still look.
func TestNotReadyWhileEnding(t *testing.T) {
	c := config(t, dbtest.SQLite(t))
	arrived, goOn := make(chan struct{}), make(chan struct{})
	c.SecretKey, c.Logger = webKey, slog.New(slog.DiscardHandler)
	c.Provider = provider.Provider{
		Name: "slow", Traits: provider.Traits{Timeout: 10 * time.Second},
		Authorize: func(context.Context, provider.AuthorizeRequest) provider.Outcome {
			close(arrived)
			<-goOn
			return provider.Outcome{Status: provider.Approved, ID: "1"}
		},
		Inquire: func(context.Context, string) provider.Finding { return provider.Finding{} },
	}
	a := start(t, c)
	public, end, ended := run(t, a.Serve, nil)
	private, endPrivate, endedPrivate := run(t, a.ServeAdmin, nil)
	look := func(path string) (int, string) {
		reply, err := http.Get(private + path)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		text, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, string(text)
	}
	if status, text := look("/readyz"); status != http.StatusOK {
		t.Errorf("at first: %d %s", status, text)
	}
	paid := make(chan int, 1)
	go func() {
		status, _ := post(t, public+"/v1/payment_intents", url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"},
			"automatic_payment_methods[enabled]": {"true"}, "automatic_payment_methods[allow_redirects]": {"never"}})
		paid <- status
	}()
	<-arrived
	end()
	status, text := look("/readyz")
	for until := time.Now().Add(10 * time.Second); status == http.StatusOK && time.Now().Before(until); status, text = look("/readyz") {
		time.Sleep(time.Millisecond)
	}
	if status != http.StatusServiceUnavailable || !strings.Contains(text, "shutting down") {
		t.Errorf("/readyz: %d %s", status, text)
	}
	if _, text := look("/metrics"); !strings.Contains(text, "florin_http_requests_in_flight 1") {
		t.Error("the payment is not seen in flight")
	}
	close(goOn)
	if status := <-paid; status != http.StatusOK {
		t.Errorf("the last payment is answered with %d", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	endPrivate()
	if err := <-endedPrivate; err != nil {
		t.Error(err)
	}
}
