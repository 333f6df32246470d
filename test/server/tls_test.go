//go:build unix

package server

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
)

// shown is the serial number of the certificate that a server shows.
func shown(t *testing.T, s *florintest.Server, files *florintest.Certificate) *big.Int {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.URL, "https://"), &tls.Config{RootCAs: files.Pool})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber
}

// A server with a certificate is paid through by HTTP/2, takes card numbers,
// and shows a renewed certificate without a restart; what is broken it leaves
// alone.
func TestTLS(t *testing.T) {
	t.Parallel()
	files := florintest.NewCertificate(t)
	s := florintest.Start(t, florintest.Options{TLS: files})
	c := clientOf(t, s, files)
	if status := c.pay(); status != http.StatusOK {
		t.Errorf("a payment is answered with %d", status)
	}
	if r := c.token(); r.status != http.StatusOK || r.proto != "HTTP/2.0" {
		t.Errorf("a card number over %s: %d %s", r.proto, r.status, r.text)
	}
	if r := clientOf(t, s, nil).get(strings.Replace(s.URL, "https:", "http:", 1) + "/healthz"); r.status != http.StatusBadRequest {
		t.Errorf("plain HTTP on the same port: %d %s", r.status, r.text)
	}
	renewed := files.Renew(t)
	eventually(t, "the new certificate is shown", func() bool { return shown(t, s, files).Cmp(renewed) == 0 })
	if err := os.WriteFile(files.KeyFile, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broken one is told of", func() bool { return strings.Contains(s.Log(), "the old one is kept") })
	if shown(t, s, files).Cmp(renewed) != 0 {
		t.Error("the old one is not kept")
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// Mistakes with files end the start, before a database or keys are made.
func TestTLSMistakes(t *testing.T) {
	t.Parallel()
	good, other := florintest.NewCertificate(t), florintest.NewCertificate(t)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no key":      {[]string{"--tls-cert=" + good.CertFile}, "belong together"},
		"another key": {[]string{"--tls-cert=" + good.CertFile, "--tls-key=" + other.KeyFile}, "does not match"},
		"no file":     {[]string{"--tls-cert=/no/such/file", "--tls-key=" + good.KeyFile}, "no such file"},
		"proxies":     {[]string{"--trusted-proxies=10.0.0.0/8,nonsense"}, "nonsense"},
		"everybody":   {[]string{"--trusted-proxies=0.0.0.0/0"}, "everybody"},
		"admin":       {[]string{"--admin-listen=nonsense"}, "--admin-listen"},
	} {
		path := filepath.Join(t.TempDir(), "florin.db")
		_, logged, status := florin(t, nil, append([]string{"serve", "--listen=127.0.0.1:0", "--db=sqlite:" + path}, c.args...)...)
		if status != 1 || !strings.Contains(logged, c.want) {
			t.Errorf("%s: status %d, %s", name, status, logged)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a database was made: %v", name, err)
		}
	}
}
