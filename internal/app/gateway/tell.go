package gateway

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Tell says what to do with a gateway that listens at an address.
func (g *Gateway) Tell(address net.Addr, to string) string {
	host, port, _ := net.SplitHostPort(address.String())
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe gateway to %s is ready at %s\n", to, address)
	if g.authority.Made {
		fmt.Fprintf(&b, "\nAn authority was made for it: %s. It can vouch for names of %s and no others.\nTrust it for as long as you need the gateway, and on this machine.\n", g.authority.CertFile, Domain)
	}
	fmt.Fprintf(&b, "\nLet clients come here, by a line in /etc/hosts (take it out again afterwards):\n\n  %s %s\n", host, strings.Join(g.hosts, " "))
	if port != "443" {
		fmt.Fprintf(&b, "\nThey come to port 443, and the gateway is at %s. %s", port, ports(host, port))
	}
	fmt.Fprintf(&b, "\nand let them trust its authority, by a variable in their environment:\n\n")
	for _, v := range []struct{ name, file, who string }{
		{"NODE_EXTRA_CA_CERTS", g.authority.CertFile, "Node"},
		{"SSL_CERT_FILE", g.authority.BundleFile, "Go, Ruby, Rust, OpenSSL"},
		{"REQUESTS_CA_BUNDLE", g.authority.BundleFile, "Python's requests"},
		{"CURL_CA_BUNDLE", g.authority.BundleFile, "curl"},
	} {
		fmt.Fprintf(&b, "  export %s=%s   # %s\n", v.name, quoted(v.file), v.who)
	}
	fmt.Fprintf(&b, "\nStripe's libraries for Python, PHP and Ruby bring a list of their own: set stripe.ca_bundle_path,\nStripe::setCABundlePath or Stripe.ca_bundle_path to %s.\nUse the keys of your Florin; a key of Stripe's is refused here, and goes nowhere else.\n", g.authority.BundleFile)
	return b.String()
}

func quoted(file string) string {
	if strings.ContainsAny(file, " '\"$`\\") {
		return "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	return file
}

func ports(host, port string) string {
	return fmt.Sprintf("Lead them there, on Linux:\n\n  sudo iptables -t nat -A OUTPUT -p tcp -d %s --dport 443 -j REDIRECT --to-port %s\n", host, port)
}

// Advise adds to an error of listening what helps against it.
func Advise(err error, address, program string) error {
	host, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\n\nPort %s needs a privilege. On Linux, any of these gives it:\n\n"+
			"  sudo setcap cap_net_bind_service=+ep %s     the program may take low ports (again after each build)\n"+
			"  sudo sysctl net.ipv4.ip_unprivileged_port_start=443     everybody may, from 443, until the next start of the machine\n"+
			"  florin gateway --listen=%s     another port, and:\n"+
			"  sudo iptables -t nat -A OUTPUT -p tcp -d %s --dport 443 -j REDIRECT --to-port 8443\n\n"+
			"Elsewhere, run the gateway with sudo", err, port, program, net.JoinHostPort(host, "8443"), host)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\n\nSomething listens there already. All of 127.0.0.0/8 is this machine: try --listen=127.0.0.2:%s", err, port)
	}
	return err
}
