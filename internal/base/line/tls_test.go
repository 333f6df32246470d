package line

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// TestTLS: a server is believed only under a certificate of its name, and a
// kept connection that it closes is noticed under TLS, too.
func TestTLS(t *testing.T) {
	requests := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		_, _ = io.WriteString(w, r.Proto)
	}))
	var conns atomic.Int64
	server.Config.ConnState = func(_ net.Conn, to http.ConnState) {
		if to == http.StateNew {
			conns.Add(1)
		}
	}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	for name, config := range map[string]*tls.Config{"the system's roots": nil, "another name": {RootCAs: roots, ServerName: "florin.invalid"}} {
		a, err := New(server.URL, Options{TLS: config}).Call(t.Context(), post, maxBody)
		if err == nil || a.Sent || requests > 0 {
			t.Errorf("%s: %v, %+v", name, err, a)
		}
	}
	l := New(server.URL, Options{TLS: &tls.Config{RootCAs: roots}})
	before := conns.Load()
	for i := range 6 {
		a, err := l.Call(t.Context(), post, maxBody)
		if err != nil || string(a.Body) != "HTTP/1.1" {
			t.Fatalf("%d: %v, %+v", i, err, a)
		}
		if i >= 2 {
			server.CloseClientConnections()
		}
	}
	if n := conns.Load() - before; n != 4 {
		t.Errorf("%d connections for three calls, and one for each of three after an end", n)
	}
}
