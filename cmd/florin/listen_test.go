package main

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// at is a listener that says it has an address.
type at struct {
	net.Listener
	address string
}

func (l at) Addr() net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.address)) }

// Whoever opens Florin to others without TLS, or the admin address to anybody,
// is told.
func TestExposed(t *testing.T) {
	for _, c := range []struct {
		public, private string
		tls             bool
		want            []string
	}{
		{"127.0.0.1:8420", "", false, nil},
		{"[::1]:8420", "127.3.2.1:9420", false, nil},
		{"0.0.0.0:8420", "", true, nil},
		{"0.0.0.0:8420", "", false, []string{"without TLS"}},
		{"[::]:8420", "", false, []string{"without TLS"}},
		{"192.0.2.1:8420", "[::]:9420", false, []string{"without TLS", "metrics, profiles and jobs are open"}},
		{"[2001:db8::1]:8420", "10.0.0.1:9420", true, []string{"metrics, profiles and jobs are open"}},
	} {
		var private net.Listener
		if c.private != "" {
			private = at{address: c.private}
		}
		got := exposed(at{address: c.public}, private, c.tls)
		if len(got) != len(c.want) {
			t.Errorf("%+v: %q", c, got)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%+v: %q", c, got)
			}
		}
	}
}

func TestURLOf(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:1": "https://localhost:1", "0.0.0.0:2": "https://localhost:2", "[::]:3": "https://localhost:3", "[::1]:4": "https://[::1]:4", "192.0.2.1:5": "https://192.0.2.1:5",
	} {
		if got := urlOf("https", at{address: address}.Addr()); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
