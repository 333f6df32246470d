package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, folder string, now time.Time) *Authority {
	t.Helper()
	a, err := Open(folder, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *Authority) pool(t *testing.T) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(a.CertFile)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate", err)
	}
	return pool
}

// TestTheAuthorityVouchesForStripeAlone: what it signs for another name, even
// with its own key, is not taken.
func TestTheAuthorityVouchesForStripeAlone(t *testing.T) {
	a := open(t, t.TempDir(), noon)
	for name, good := range map[string]bool{"api.stripe.com": true, "stripe.com": true, "example.com": false, "stripe.com.example.com": false, "notstripe.com": false} {
		made, err := a.certificate([]string{name}, noon)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(made.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: a.pool(t), CurrentTime: noon}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheAuthorityIsKept: it is the same at the next start, its key is its
// owner's alone, and it is made anew before certificates would outlive it.
func TestTheAuthorityIsKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	first := open(t, folder, noon)
	again := open(t, folder, noon.Add(24*time.Hour))
	if !first.Made || again.Made || !first.cert.Equal(again.cert) {
		t.Errorf("made %v, then %v", first.Made, again.Made)
	}
	key := filepath.Join(folder, keyFile)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if bundle, err := os.ReadFile(first.BundleFile); err != nil || !strings.Contains(string(bundle), "CERTIFICATE") {
		t.Errorf("no bundle: %v", err)
	}
	if late := open(t, folder, noon.Add(authorityLife-time.Hour)); !late.Made || late.cert.Equal(first.cert) {
		t.Error("an authority at the end of its life is still used")
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, noon); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("a key for everybody to read: %v", err)
	}
	if err := errors.Join(os.Chmod(key, 0o600), os.WriteFile(key, []byte("nonsense"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, noon); err == nil {
		t.Error("nonsense is taken for a key")
	}
}

// TestGateway: requests to Stripe's hosts come to Florin, by TLS that a client
// verifies, and no other host's do.
func TestGateway(t *testing.T) {
	florin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprint(w, r.Method, " ", r.URL, " ", r.Header.Get("Authorization"), " ", string(body))
	}))
	defer florin.Close()
	a := open(t, t.TempDir(), clock.System{}.Now())
	g, err := New(a, nil, florin.URL, clock.System{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx, ln) }()
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", ln.Addr().String())
		},
		TLSClientConfig: &tls.Config{RootCAs: a.pool(t)}, ForceAttemptHTTP2: true,
	}}
	for _, host := range Hosts {
		r, _ := http.NewRequestWithContext(ctx, "POST", "https://"+host+"/v1/charges?a=b", strings.NewReader("c=d"))
		r.Header.Set("Authorization", "Bearer x")
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if string(text) != "POST /v1/charges?a=b Bearer x c=d" {
			t.Errorf("%s: %s", host, text)
		}
	}
	r, _ := http.NewRequestWithContext(ctx, "GET", "https://example.com/", nil)
	if _, err := client.Do(r); err == nil {
		t.Error("the gateway stands in for example.com")
	}
	florin.Close()
	r, _ = http.NewRequestWithContext(ctx, "GET", "https://api.stripe.com/", nil)
	if got, err := client.Do(r); err != nil || got.StatusCode != 503 || got.Header.Get("Stripe-Should-Retry") != "true" {
		t.Errorf("without a Florin: %v", err)
	} else {
		_ = got.Body.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if told := g.Tell(ln.Addr(), florin.URL); !strings.Contains(told, "127.0.0.1 api.stripe.com files.stripe.com") || !strings.Contains(told, "NODE_EXTRA_CA_CERTS="+a.CertFile) || !strings.Contains(told, "iptables") {
		t.Error(told)
	}
}

func TestRefusals(t *testing.T) {
	a := open(t, t.TempDir(), noon)
	for _, c := range []struct{ host, to, want string }{
		{"api.example.com", "http://127.0.0.1:8420", "names of stripe.com only"},
		{"api.stripe.com", "https://api.stripe.com", "call itself"},
		{"api.stripe.com", "http://10.0.0.1:8420", "unencrypted"},
		{"api.stripe.com", "127.0.0.1:8420", "want the address"},
		{"api.stripe.com", "ftp://127.0.0.1", "want the address"},
		{"api.stripe.com", "http://localhost:1/v1", "want the address"},
	} {
		if _, err := New(a, []string{c.host}, c.to, clock.At(noon), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v", c.host, c.to, err)
		}
	}
	for address, good := range map[string]bool{"127.0.0.1:443": true, "127.9.9.9:443": true, "[::1]:443": true, "0.0.0.0:443": false, "10.0.0.1:443": false, ":443": false, "127.0.0.1": false} {
		if err := Loopback(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := Advise(fmt.Errorf("listen: %w", syscall.EACCES), "127.0.0.1:443", "/bin/florin"); !strings.Contains(err.Error(), "setcap cap_net_bind_service=+ep /bin/florin") || !errors.Is(err, syscall.EACCES) {
		t.Error(err)
	}
}
