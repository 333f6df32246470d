package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Hosts are those of Stripe that clients have built in.
var Hosts = []string{"api.stripe.com", "files.stripe.com", "connect.stripe.com", "meter-events.stripe.com"}

// grace is how long requests in flight may take at the end.
const grace = 25 * time.Second

// Gateway is a gateway to one Florin.
type Gateway struct {
	hosts     []string
	authority *Authority
	proxy     *httputil.ReverseProxy
	clock     clock.Clock
	log       *slog.Logger

	mu          sync.Mutex
	certificate *tls.Certificate
	renew       time.Time // when the certificate is to be made anew
}

// New makes a gateway from hosts to the Florin at a URL.
func New(a *Authority, hosts []string, to string, c clock.Clock, log *slog.Logger) (*Gateway, error) {
	target, err := url.Parse(to)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" || strings.Trim(target.Path, "/") != "" {
		return nil, fmt.Errorf("--to %q: want the address of a Florin, such as http://127.0.0.1:8420", to)
	}
	if ip, err := netip.ParseAddr(target.Hostname()); target.Scheme == "http" && target.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--to %s: API keys and card numbers would leave this machine unencrypted; use https", to)
	}
	if len(hosts) == 0 {
		hosts = Hosts
	}
	for _, h := range hosts {
		if h != Domain && !strings.HasSuffix(h, "."+Domain) {
			return nil, fmt.Errorf("--host %q: the gateway stands in for names of %s only", h, Domain)
		}
	}
	if strings.HasSuffix("."+target.Hostname(), "."+Domain) {
		return nil, fmt.Errorf("--to %s: that is what the gateway stands in for, and it would call itself", to)
	}
	g := &Gateway{hosts: hosts, authority: a, clock: c, log: log}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			log.Warn("Florin does not answer", "to", to, "error", err)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Stripe-Should-Retry", "true")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":{"type":"api_error","message":"The gateway reaches no Florin at ` + target.Host + `."}}` + "\n"))
		},
	}
	_, err = g.current()
	return g, err
}

// current is the certificate, made anew when half of its life is over.
func (g *Gateway) current() (_ *tls.Certificate, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.clock.Now(); g.certificate == nil || now.After(g.renew) {
		if g.certificate, err = g.authority.certificate(g.hosts, now); err != nil {
			return nil, err
		}
		g.renew = now.Add(certificateLife / 2)
	}
	return g.certificate, nil
}

// Serve answers on ln until ctx ends.
func (g *Gateway) Serve(ctx context.Context, ln net.Listener) error {
	server := &http.Server{
		Handler: g.proxy, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 120 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog:  slog.NewLogLogger(g.log.Handler(), slog.LevelWarn),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: g.choose},
	}
	return listen.Serve(ctx, server, ln, grace, func() {})
}

// choose gives the certificate to those who ask for one of the hosts.
func (g *Gateway) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if name := strings.ToLower(hello.ServerName); !slices.Contains(g.hosts, name) {
		return nil, fmt.Errorf("the gateway does not stand in for %q", name)
	}
	return g.current()
}

// Loopback refuses an address that other machines could reach: the gateway lets
// them take it for Stripe.
func Loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q: want ADDRESS:PORT", address)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s: the gateway listens on loopback addresses only (127.0.0.1, 127.0.0.2, …, [::1])", address)
}
