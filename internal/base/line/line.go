package line

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/kit/clock"
)

// Options are what [New] may be told. The zero value is fit for use.
type Options struct {
	// Dial makes connections; a [net.Dialer] if nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is for https; the system's roots if nil. Its ServerName, if empty, is
	// the host of the base URL.
	TLS *tls.Config
	// MaxIdle is how many connections are kept for the next call; 512 if zero,
	// none if negative.
	MaxIdle int
	// IdleTime is how long one is kept; 30 s if zero. It should be well below what
	// the server waits.
	IdleTime time.Duration
}

// Line is a server and the connections to it. It may be used by many
// goroutines.
type Line struct {
	fault   error  // the base URL is none
	address string // HOST:PORT
	host    string // as the Host header has it
	base    string // path before that of each request
	tls     *tls.Config
	dial    func(ctx context.Context, network, address string) (net.Conn, error)

	maxIdle  int
	idleTime time.Duration
	clock    clock.System // of connections, not of business

	mu   sync.Mutex
	idle []*conn // the one given back last is the last
}

// New makes the line to the server at a base URL ("https://host:8443/path").
// Nothing is dialled yet. A base URL that is none shows as an error of each
// call.
func New(baseURL string, o Options) *Line {
	l := &Line{dial: o.Dial, maxIdle: cmp.Or(o.MaxIdle, 512), idleTime: cmp.Or(o.IdleTime, 30*time.Second)}
	if l.dial == nil {
		l.dial = (&net.Dialer{}).DialContext // bounded by the call's own deadline
	}
	u, err := url.Parse(strings.TrimSuffix(baseURL, "/"))
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || !plain(u.Host) {
		l.fault = errors.New("line: the base URL is no URL of a server")
		return l
	}
	port := "80"
	switch u.Scheme {
	case "http":
	case "https":
		port = "443"
		l.tls = secured(o.TLS, u.Hostname())
	default:
		l.fault = errors.New("line: the base URL has neither http nor https")
		return l
	}
	l.address, l.base = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)), u.EscapedPath()
	l.host = strings.TrimSuffix(u.Host, ":")
	if zone := strings.IndexByte(l.host, '%'); zone >= 0 { // of an IPv6 address, and nobody else's business
		l.host = l.host[:zone] + l.host[strings.IndexByte(l.host, ']'):]
	}
	return l
}

// plain tells whether a text can stand in the first lines of a request.
func plain(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

func secured(config *tls.Config, host string) *tls.Config {
	config = config.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	config.ServerName = cmp.Or(config.ServerName, host)
	config.NextProtos = []string{"http/1.1"}
	return config
}

// take gives a kept connection that is quiet, the warmest first, or nil.
func (l *Line) take() *conn {
	for {
		l.mu.Lock()
		n := len(l.idle)
		if n == 0 {
			l.mu.Unlock()
			return nil
		}
		c := l.idle[n-1]
		l.idle[n-1], l.idle = nil, l.idle[:n-1]
		l.mu.Unlock()
		if l.clock.Now().Sub(c.since) < l.idleTime && c.quiet() {
			return c
		}
		c.close()
	}
}

// keep takes a connection back on which nothing is under way, and closes those
// that were not used for too long.
func (l *Line) keep(c *conn) {
	c.since = l.clock.Now()
	l.mu.Lock()
	old := 0
	for old < len(l.idle) && c.since.Sub(l.idle[old].since) >= l.idleTime {
		old++
	}
	cold := slices.Clone(l.idle[:old])
	l.idle = slices.Delete(l.idle, 0, old)
	if len(l.idle) < l.maxIdle {
		l.idle = append(l.idle, c)
	} else {
		cold = append(cold, c)
	}
	l.mu.Unlock()
	for _, c := range cold {
		c.close()
	}
}

// connect makes a new connection.
func (l *Line) connect(ctx context.Context) (*conn, error) {
	raw, err := l.dial(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	if l.tls == nil {
		return newConn(raw, raw), nil
	}
	t := tls.Client(raw, l.tls)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return newConn(t, raw), nil
}
