package listen

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func proxies(t testing.TB, list ...string) Proxies {
	t.Helper()
	p, err := ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// came is a request on a connection from remote to local, in the clear.
func came(local net.Addr, remote string, header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/tokens", nil)
	r.RemoteAddr, r.Header = remote, header
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
}

func tcp(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }

func TestPeer(t *testing.T) {
	trusted := proxies(t, "10.0.0.0/8", "fd00::/8", "127.0.0.1")
	type header = http.Header
	for name, c := range map[string]struct {
		local, remote string
		tls           bool
		header        header
		client        string
		private       bool
	}{
		"loopback":                  {"127.0.0.1:80", "127.0.0.1:9", false, nil, "127.0.0.1", true},
		"loopback, IPv6":            {"[::1]:80", "[::1]:9", false, nil, "::1", true},
		"loopback, mapped":          {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:9", false, nil, "127.0.0.1", true},
		"another machine":           {"192.0.2.1:80", "192.0.2.9:9", false, nil, "192.0.2.9", false},
		"another machine, TLS":      {"192.0.2.1:80", "192.0.2.9:9", true, nil, "192.0.2.9", true},
		"own outer address":         {"192.0.2.1:80", "192.0.2.1:9", false, nil, "192.0.2.1", false},
		"loopback seen from abroad": {"192.0.2.1:80", "127.0.0.1:9", false, nil, "127.0.0.1", false},
		"to loopback from abroad":   {"127.0.0.1:80", "192.0.2.9:9", false, nil, "192.0.2.9", false},

		"spoofed":           {"192.0.2.1:80", "192.0.2.9:9", false, header{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", false},
		"spoofed, standard": {"192.0.2.1:80", "192.0.2.9:9", false, header{"Forwarded": {"for=127.0.0.1;proto=https"}}, "192.0.2.9", false},

		"proxy, https":            {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", true},
		"proxy, http":             {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"http"}}, "192.0.2.9", false},
		"proxy that says nothing": {"10.0.0.1:80", "10.0.0.2:9", false, nil, "10.0.0.2", false},
		"proxy, no scheme":        {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9"}}, "192.0.2.9", false},
		"proxy by TLS, no scheme": {"10.0.0.1:80", "10.0.0.2:9", true, header{"X-Forwarded-For": {"192.0.2.9"}}, "192.0.2.9", true},
		"proxy by TLS, http":      {"10.0.0.1:80", "10.0.0.2:9", true, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"http"}}, "192.0.2.9", false},
		"proxy here, https":       {"127.0.0.1:80", "127.0.0.1:9", false, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", true},
		"proxy here, http":        {"127.0.0.1:80", "127.0.0.1:9", false, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"http"}}, "192.0.2.9", false},
		"proxy here, no scheme":   {"127.0.0.1:80", "127.0.0.1:9", false, header{"X-Forwarded-For": {"192.0.2.9"}}, "192.0.2.9", false},
		"scheme of another sort":  {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-Proto": {"wss"}}, "10.0.0.2", false},

		"client wrote first":       {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"127.0.0.1, 192.0.2.9"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", true},
		"client wrote a scheme":    {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https, http"}}, "192.0.2.9", false},
		"in two lines":             {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"203.0.113.5", "192.0.2.9"}, "X-Forwarded-Proto": {"https", "https"}}, "192.0.2.9", true},
		"two proxies":              {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9, 10.3.0.1"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", true},
		"all trusted":              {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"10.9.9.9, 10.3.0.1"}, "X-Forwarded-Proto": {"https"}}, "10.9.9.9", true},
		"with a port":              {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9:4711"}, "X-Forwarded-Proto": {"HTTPS"}}, "192.0.2.9", true},
		"IPv6":                     {"10.0.0.1:80", "[fd00::2]:9", false, header{"X-Forwarded-For": {"2001:db8::7"}, "X-Forwarded-Proto": {"https"}}, "2001:db8::7", true},
		"garbage":                  {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {"192.0.2.9, <script>"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.2", true},
		"empty":                    {"10.0.0.1:80", "10.0.0.2:9", false, header{"X-Forwarded-For": {""}, "X-Forwarded-Proto": {""}}, "10.0.0.2", false},
		"standard":                 {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {`for="[2001:db8::7]:4711";proto=https;by=10.0.0.2`}}, "2001:db8::7", true},
		"standard, two":            {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {`For=192.0.2.9;Proto=https, for=10.3.0.1;proto=https`}}, "192.0.2.9", true},
		"standard, half plain":     {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {`for=192.0.2.9;proto=http, for=10.3.0.1;proto=https`}}, "192.0.2.9", false},
		"standard, hidden":         {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {`for=192.0.2.9, for=_hidden;proto=https`}}, "10.0.0.2", true},
		"both, agreed":             {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {"for=192.0.2.9"}, "X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.9", true},
		"one of both from outside": {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {"for=127.0.0.1;proto=https"}, "X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.2", false},
		"scheme from outside":      {"10.0.0.1:80", "10.0.0.2:9", false, header{"Forwarded": {"for=192.0.2.9;proto=https"}, "X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"http"}}, "192.0.2.9", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := came(tcp(c.local), c.remote, c.header)
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			got := PeerOf(r.WithContext(trusted.Context(r.Context())))
			if diff := cmp.Diff(Peer{netip.MustParseAddr(c.client), c.private, got.HTTPS}, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
			if onlyHere := c.private && !c.tls && len(c.header) == 0; got.HTTPS != (c.private && !onlyHere) {
				t.Errorf("https %t", got.HTTPS)
			}
		})
	}
}

// Without a word about proxies nobody is believed, and a request that came on
// no connection is not private.
func TestPeerByDefault(t *testing.T) {
	said := http.Header{"X-Forwarded-For": {"192.0.2.9"}, "X-Forwarded-Proto": {"https"}}
	if got := PeerOf(came(tcp("192.0.2.1:80"), "10.0.0.2:9", said)); got.Private || got.Client.String() != "10.0.0.2" {
		t.Errorf("%+v", got)
	}
	if got := PeerOf(httptest.NewRequest(http.MethodGet, "/", nil)); got.Private {
		t.Errorf("%+v", got)
	}
	if got := PeerOf(came(&net.UnixAddr{Net: "unix", Name: "/run/florin"}, "@", nil)); !got.Private || got.Client.IsValid() {
		t.Errorf("a socket file: %+v", got)
	}
}

func TestParseProxies(t *testing.T) {
	got := proxies(t, "10.1.2.3/16", " 192.0.2.7", "::1", "2001:db8::1/32", "::ffff:10.9.0.1/112", "::ffff:10.9.0.1")
	var texts []string
	for _, p := range got {
		texts = append(texts, p.String())
	}
	want := []string{"10.1.0.0/16", "192.0.2.7/32", "::1/128", "2001:db8::/32", "10.9.0.0/16", "10.9.0.1/32"}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "proxy.example", "10.0.0.0/33", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96", "10.0.0.1:80", "fe80::1%eth0"} {
		if p, err := ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q is taken as %v", bad, p)
		}
	}
}

func TestForwardedElements(t *testing.T) {
	for text, want := range map[string][]map[string]string{
		`for=192.0.2.43`:                    {{"for": "192.0.2.43"}},
		`For="[2001:db8:cafe::17]:4711"`:    {{"for": "[2001:db8:cafe::17]:4711"}},
		`for=192.0.2.60;proto=http;by=_x`:   {{"for": "192.0.2.60", "proto": "http", "by": "_x"}},
		`for=192.0.2.43, for=198.51.100.17`: {{"for": "192.0.2.43"}, {"for": "198.51.100.17"}},
		`for=a;for=b, proto=https`:          {{}, {"proto": "https"}},
		`for="a,b;c\"d\\";proto=https`:      {{"for": `a,b;c"d\`, "proto": "https"}},
		`for="never ends, for=192.0.2.9`:    {{}},
		`for=a"b", nonsense, proto=https;`:  {{}, {}, {"proto": "https"}},
		`for=1, , proto=https`:              {{"for": "1"}, {}, {"proto": "https"}},
		`for="a\"`:                          {{}},
		"":                                  {{}},
	} {
		if diff := cmp.Diff(want, forwardedElements(text)); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

// FuzzHeard: whatever a proxy sends on, nothing panics, and what an untrusted
// one says changes nothing.
func FuzzHeard(f *testing.F) {
	f.Add("192.0.2.9, 10.0.0.1", "https", `for="[2001:db8::7]:4711";proto=https`)
	f.Add(",,", "http,https", `for="\",;=`)
	trusted := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, for1, proto, forwarded string) {
		h := http.Header{"X-Forwarded-For": {for1}, "X-Forwarded-Proto": {proto}, "Forwarded": {forwarded}}
		if got := trusted.peer(came(tcp("10.0.0.1:80"), "192.0.2.9:1", h)); got.Private || got.Client.String() != "192.0.2.9" {
			t.Errorf("an untrusted peer is believed: %+v", got)
		}
		if got := trusted.peer(came(tcp("10.0.0.1:80"), "10.0.0.9:1", h)); !got.Client.IsValid() {
			t.Errorf("no client: %+v", got)
		}
	})
}
