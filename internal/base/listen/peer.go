package listen

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Peer is who sent a request, and how it came here.
type Peer struct {
	// Client is the address of whoever sent it: the other end of the connection
	// or, behind proxies that are trusted, the last address before them. It is
	// the zero Addr where the connection is not of an IP network.
	Client netip.Addr
	// Private tells that nobody on the way could read it: it came by TLS, or
	// never left this machine, or a trusted proxy says that it came there by
	// https.
	Private bool
	// HTTPS tells that its sender used https, as far as is known.
	HTTPS bool
}

// PeerOf tells who sent a request. Which proxies are believed is what
// [Proxies.Context] has put into the server's context: nobody, if it was not
// called.
func PeerOf(r *http.Request) Peer {
	proxies, _ := r.Context().Value(proxiesKey{}).(Proxies)
	return proxies.peer(r)
}

// Proxies are the networks of the proxies whose word about a request's origin
// is taken.
type Proxies []netip.Prefix

type proxiesKey struct{}

// Context has [PeerOf] believe these proxies in requests whose context stems
// from the one given: see [http.Server.BaseContext].
func (p Proxies) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, proxiesKey{}, p)
}

// ParseProxies reads networks (10.1.0.0/16) and single addresses.
func ParseProxies(list []string) (Proxies, error) {
	var p Proxies
	for _, text := range list {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if addr, bad := netip.ParseAddr(text); bad == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither a network such as 10.1.0.0/16 nor an address", text)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("%s is everybody: name the proxies", text)
		}
		if a := network.Addr(); a.Is4In6() {
			if network.Bits() <= 96 {
				return nil, fmt.Errorf("%s is every IPv4 address: name the proxies", text)
			}
			network = netip.PrefixFrom(a.Unmap(), network.Bits()-96)
		}
		p = append(p, network.Masked())
	}
	return p, nil
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

func (p Proxies) peer(r *http.Request) Peer {
	remote := ipOf(r.RemoteAddr)
	direct := Peer{Client: remote, Private: r.TLS != nil || onThisMachine(r, remote), HTTPS: r.TLS != nil}
	if !p.trusts(remote) {
		return direct
	}
	said := heard(r.Header)
	if !said.anything {
		return direct
	}
	client, agreed := p.origin(remote, said)
	https := said.https && !said.plain && agreed
	if !said.https && !said.plain {
		https = r.TLS != nil && agreed // nothing is said of the way to the proxy, and the rest of it is safe
	}
	return Peer{Client: client, Private: https, HTTPS: https}
}

// onThisMachine reports whether both ends of the connection are loopback, or
// it is one that only exists within a machine: a socket file, a pipe.
func onThisMachine(r *http.Request, remote netip.Addr) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	switch {
	case !ok:
		return false
	case !strings.HasPrefix(local.Network(), "tcp"):
		return true
	}
	return remote.IsLoopback() && ipOf(local.String()).IsLoopback()
}

// origin is the right-most address that is not a trusted proxy's. Where the
// two kinds of header tell of different ones, a client has sent one of them and
// its proxy does not know that kind: then neither is believed.
func (p Proxies) origin(remote netip.Addr, said hearsay) (client netip.Addr, agreed bool) {
	old, standard := p.walk(remote, said.xForwarded), p.walk(remote, said.forwarded)
	switch {
	case said.forwarded == nil:
		return old, true
	case said.xForwarded == nil || old == standard:
		return standard, true
	}
	return remote, false
}

// walk goes from the connection's end towards the client for as long as the
// proxies on the way are trusted. hops are in the order of the header.
func (p Proxies) walk(client netip.Addr, hops []netip.Addr) netip.Addr {
	for i := len(hops) - 1; i >= 0 && p.trusts(client) && hops[i].IsValid(); i-- {
		client = hops[i]
	}
	return client
}

// ipOf reads an address with or without a port, and gives the zero Addr for
// what is none. An IPv4 address in an IPv6 one is the IPv4 address.
func ipOf(text string) netip.Addr {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap().WithZone("")
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	addr, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
