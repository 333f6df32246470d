//go:build unix

package listen_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/test/florin"
)

// shown is the serial number of the certificate that a server shows, and the
// protocol that the two agree on.
func shown(t *testing.T, address string, config *tls.Config) (*big.Int, string) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber, conn.ConnectionState().NegotiatedProtocol
}

// secure runs a server with a certificate until the test ends.
func secure(t *testing.T, c *listen.Certificate, handler http.Handler) (address string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	server := &http.Server{Handler: handler, TLSConfig: c.Config(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)}
	go func() { ended <- listen.Serve(ctx, server, ln, 10*time.Second, func() {}) }()
	t.Cleanup(cancel)
	return ln.Addr().String(), func() error {
		cancel()
		return <-ended
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	files := florintest.NewCertificate(t)
	var logged bytes.Buffer
	c, err := listen.LoadCertificate(files.CertFile, files.KeyFile, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	address, _ := secure(t, c, http.NotFoundHandler())
	show := func() *big.Int {
		t.Helper()
		n, _ := shown(t, address, &tls.Config{RootCAs: files.Pool, ServerName: "localhost"})
		return n
	}
	looks := func(n int) {
		for range n {
			c.Look()
		}
	}
	first := show()
	second := files.Renew(t)
	looks(1)
	if show().Cmp(first) != 0 {
		t.Error("files that may be half written were used at once")
	}
	looks(1)
	if show().Cmp(second) != 0 || !strings.Contains(logged.String(), "was renewed") {
		t.Errorf("not renewed: %s", &logged)
	}
	for name, breakIt := range map[string]func() error{
		"garbage":     func() error { return os.WriteFile(files.CertFile, []byte("garbage"), 0o600) },
		"another key": func() error { return os.WriteFile(files.KeyFile, florinKey(t), 0o600) },
		"no file":     func() error { return os.Remove(files.KeyFile) },
	} {
		t.Run(name, func(t *testing.T) {
			before := files.Renew(t)
			looks(2)
			logged.Reset()
			if err := breakIt(); err != nil {
				t.Fatal(err)
			}
			looks(5)
			if n := strings.Count(logged.String(), "the old one is kept"); n != 1 {
				t.Errorf("told %d times: %s", n, &logged)
			}
			if show().Cmp(before) != 0 {
				t.Error("the old one is not kept")
			}
			after := files.Renew(t)
			looks(2)
			if show().Cmp(after) != 0 {
				t.Error("a good pair after a broken one is not used")
			}
		})
	}
}

// florinKey is the key of another certificate.
func florinKey(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(florintest.NewCertificate(t).KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCertificateThatIsNone(t *testing.T) {
	good, other := florintest.NewCertificate(t), florintest.NewCertificate(t)
	for name, files := range map[string][2]string{
		"missing": {"/no/such/file", good.KeyFile}, "another key": {good.CertFile, other.KeyFile}, "swapped": {good.KeyFile, good.CertFile},
	} {
		if _, err := listen.LoadCertificate(files[0], files[1], slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestTLSVersionsAndProtocols(t *testing.T) {
	files := florintest.NewCertificate(t)
	c, err := listen.LoadCertificate(files.CertFile, files.KeyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address, stop := secure(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !listen.PeerOf(r).Private {
			t.Error("a request over TLS is not private")
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	if _, err := tls.Dial("tcp", address, &tls.Config{RootCAs: files.Pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := &tls.Config{RootCAs: files.Pool, ServerName: "localhost", MaxVersion: version, NextProtos: []string{"h2"}}
		if _, protocol := shown(t, address, config); protocol != "h2" {
			t.Errorf("TLS %x agrees on %q", version, protocol)
		}
	}
	for want, two := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.Pool, ServerName: "localhost"}, ForceAttemptHTTP2: two}
		defer transport.CloseIdleConnections() // after the server has stopped: it must not wait for them
		reply, err := (&http.Client{Transport: transport}).Get("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(reply.Body)
		if _ = reply.Body.Close(); err != nil || string(text) != want {
			t.Errorf("%q %v, want %s", text, err, want)
		}
	}
	begun := time.Now()
	if err := stop(); err != nil || time.Since(begun) > 4*time.Second {
		t.Errorf("it took %s to stop with idle connections: %v", time.Since(begun), err)
	}
}
