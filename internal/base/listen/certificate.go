package listen

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// Certificate is a server's certificate with its key, in two files that may be
// replaced while the server runs.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               atomic.Pointer[tls.Certificate]
	// seen is what the files held at the last look, tried what they held when
	// they were last read as a pair; of one goroutine at a time.
	seen, tried pair
}

// pair is the content of the two files.
type pair struct{ cert, key []byte }

func (p pair) equal(o pair) bool { return bytes.Equal(p.cert, o.cert) && bytes.Equal(p.key, o.key) }

// lookInterval is how often the files are looked at: certificates are renewed
// weeks before they end.
const lookInterval = 2 * time.Second

// LoadCertificate reads a chain and its key in PEM. The key may not be
// encrypted.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	p, err := c.read()
	if err == nil {
		err = c.use(p)
	}
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	c.seen, c.tried = p, p
	return c, nil
}

func (c *Certificate) read() (p pair, err error) {
	if p.cert, err = os.ReadFile(c.certFile); err != nil {
		return p, err
	}
	p.key, err = os.ReadFile(c.keyFile)
	return p, err
}

func (c *Certificate) use(p pair) error {
	made, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("%s with %s: %w", c.certFile, c.keyFile, err)
	}
	c.now.Store(&made)
	return nil
}

// Config is of a server that shows the certificate as it is at each handshake:
// TLS 1.2 or newer, with the ciphers that Go prefers, and HTTP/2.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
}

// NotAfter is when the certificate that is shown ends.
func (c *Certificate) NotAfter() time.Time { return c.now.Load().Leaf.NotAfter }

// Watch shows what the files hold from a few seconds after they have changed,
// until ctx ends. A pair that does not fit is logged, and the old one stays.
func (c *Certificate) Watch(ctx context.Context, wait clock.Clock) {
	for wait.Sleep(ctx, lookInterval) == nil {
		c.look()
	}
}

// look reads the files. Two files can't be replaced in one moment, so that
// what they hold counts once it was the same at two looks.
func (c *Certificate) look() {
	p, err := c.read()
	switch {
	case err != nil:
		if p = (pair{}); !c.seen.equal(p) {
			c.seen = p
			c.log.Error("the TLS certificate can't be read again; the old one is kept", "error", err)
		}
	case !c.seen.equal(p):
		c.seen = p
	case !c.tried.equal(p):
		c.tried = p
		if err := c.use(p); err != nil {
			c.log.Error("the new TLS certificate can't be used; the old one is kept", "error", err)
			return
		}
		c.log.Info("the TLS certificate was renewed", "ends", c.NotAfter())
	}
}
