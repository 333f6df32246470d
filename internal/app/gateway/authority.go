// Package gateway stands in for Stripe's hosts on this machine: it ends TLS
// with certificates of an authority of its own and hands requests to a running
// Florin. It is for clients that have Stripe's addresses built in, to evaluate
// Florin or to rehearse a migration without changing them.
//
// Whoever trusts the authority trusts whoever has its key, so the key is kept in
// a file that only its owner can read, and the authority's certificate is
// constrained to names of stripe.com: a client that checks constraints, as all
// usual ones do, takes no certificate for any other name from it.
package gateway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// Domain is what the authority is constrained to.
	Domain = "stripe.com"

	certFile, keyFile, bundleFile = "florin-gateway.pem", "florin-gateway.key", "florin-gateway-bundle.pem"

	authorityLife   = 2 * 365 * 24 * time.Hour
	certificateLife = 90 * 24 * time.Hour
	// renewBefore is how long before its end an authority is made anew: the
	// certificates that it signs must not outlive it.
	renewBefore = certificateLife
)

// Authority signs certificates for names of [Domain].
type Authority struct {
	// CertFile is its certificate, for clients that add it to what they trust;
	// BundleFile has it beside everything that this machine trusts, for clients
	// that can be given nothing but a whole list.
	CertFile, BundleFile string
	// Made tells that it did not exist before.
	Made bool

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open reads the authority that is kept in a folder, or makes one there.
func Open(folder string, now time.Time) (*Authority, error) {
	a := &Authority{CertFile: filepath.Join(folder, certFile), BundleFile: filepath.Join(folder, bundleFile)}
	private := filepath.Join(folder, keyFile)
	err := a.read(private)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && now.After(a.cert.NotAfter.Add(-renewBefore)):
		if err := a.make(private, now); err != nil {
			return nil, fmt.Errorf("the gateway's authority can't be made: %w", err)
		}
	case err != nil:
		return nil, fmt.Errorf("the gateway's authority can't be read (delete %s and %s to have a new one made): %w", a.CertFile, private, err)
	}
	return a, a.bundle()
}

func (a *Authority) read(private string) error {
	if info, err := os.Stat(private); err != nil {
		return err
	} else if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others: chmod 600 it, or delete it if they did", private)
	}
	pair, err := tls.LoadX509KeyPair(a.CertFile, private)
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if a.cert, a.key = pair.Leaf, key; !ok || !a.cert.IsCA {
		return errors.New("it is no authority that Florin has made")
	}
	return nil
}

// make makes an authority. The key is written before the certificate, so that
// nobody is ever asked to trust one whose key is not there.
func (a *Authority) make(private string, now time.Time) (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	number, err := serial()
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: "Florin gateway on " + host, Organization: []string{"Florin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{Domain},
		ExcludedIPRanges: []*net.IPNet{{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	a.Made = true
	if err := os.MkdirAll(filepath.Dir(private), 0o700); err != nil {
		return err
	}
	if err := replace(private, encode("PRIVATE KEY", secret), 0o600); err != nil {
		return err
	}
	return replace(a.CertFile, encode("CERTIFICATE", der), 0o644)
}

// certificate is for some names, signed just now, with a key that is kept in
// memory alone.
func (a *Authority) certificate(names []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	number, err := serial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: number, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}

// systemRoots are where usual systems keep what they trust.
var systemRoots = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// bundle writes what this machine trusts and the authority into one file.
func (a *Authority) bundle() error {
	var all []byte
	for _, file := range systemRoots {
		if text, err := os.ReadFile(file); err == nil {
			all = append(text, '\n')
			break
		}
	}
	return replace(a.BundleFile, append(all, encode("CERTIFICATE", a.cert.Raw)...), 0o644)
}

func encode(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

// replace writes a file that is there as a whole or not at all.
func replace(file string, text []byte, mode os.FileMode) error {
	to, err := os.CreateTemp(filepath.Dir(file), ".florin-gateway-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(to.Name()) }()
	_, err = to.Write(text)
	if err = errors.Join(err, to.Chmod(mode), to.Sync(), to.Close()); err != nil {
		return err
	}
	return os.Rename(to.Name(), file)
}

func serial() (*big.Int, error) { return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) }
