//go:build unix

package florintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is one that signs itself, for localhost and 127.0.0.1, in two files.
type Certificate struct {
	CertFile, KeyFile string
	// Pool trusts every certificate that was written to the files.
	Pool *x509.CertPool
}

// NewCertificate writes a certificate with its key into a folder of the test.
func NewCertificate(tb testing.TB) *Certificate {
	tb.Helper()
	dir := tb.TempDir()
	c := &Certificate{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), x509.NewCertPool()}
	c.Renew(tb)
	return c
}

// Renew replaces what is in the files by another certificate and key, and
// gives its serial number.
func (c *Certificate) Renew(tb testing.TB) *big.Int {
	tb.Helper()
	cert, key, made := c.make(tb)
	c.Pool.AddCert(made)
	for name, text := range map[string][]byte{c.CertFile: cert, c.KeyFile: key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return made.SerialNumber
}

func (c *Certificate) make(tb testing.TB) (cert, key []byte, made *x509.Certificate) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	shape := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, shape, shape, &private.PublicKey, private)
	if err != nil {
		tb.Fatal(err)
	}
	if made, err = x509.ParseCertificate(der); err != nil {
		tb.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), made
}
