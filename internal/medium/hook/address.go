package hook

import (
	"fmt"
	"net/netip"
	"syscall"
)

func prefixes(list ...string) (all []netip.Prefix) {
	for _, p := range list {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

var (
	// never are networks in which no merchant's server is: unspecified, link-local
	// (with the metadata services of clouds), multicast, reserved, and those that
	// carry an IPv4 address inside, which a translator would unpack.
	never = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16",
		"fd00:ec2::254/128", "fe80::/10", "fec0::/10", "ff00::/8",
	)
	// near are networks that are reached from here but not by everybody.
	near = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)

// judge refuses an address that is not to be dialled; public demands one that
// everybody can reach.
func judge(a netip.Addr, public bool) error {
	a = a.Unmap().WithZone("")
	if a.Is6() && a.IsLoopback() {
		if public {
			return refused(a)
		}
		return nil
	}
	for _, p := range never {
		if p.Contains(a) {
			return refused(a)
		}
	}
	for _, p := range near {
		if public && p.Contains(a) {
			return refused(a)
		}
	}
	return nil
}

func refused(a netip.Addr) error {
	return fmt.Errorf("the address %s is not a public one; nothing was sent", a)
}

// control is called with the address that a name resolved to, before the
// connection is made.
func control(public bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("the address %q can't be judged: %w", address, err)
		}
		return judge(at.Addr(), public)
	}
}
