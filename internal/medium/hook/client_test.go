package hook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/webhook"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		address      string
		live, tested bool // may be dialled
	}{
		{"93.184.216.34", true, true},
		{"2606:2800:220:1:248:1893:25c8:1946", true, true},
		{"::ffff:93.184.216.34", true, true},
		{"127.0.0.1", false, true},
		{"127.255.255.254", false, true},
		{"::1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"10.1.2.3", false, true},
		{"172.16.0.1", false, true},
		{"172.31.255.255", false, true},
		{"172.32.0.1", true, true},
		{"192.168.1.1", false, true},
		{"::ffff:192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"100.127.255.255", false, true},
		{"100.128.0.1", true, true},
		{"fc00::1", false, true},
		{"fd12:3456::1", false, true},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"fd00:ec2::254", false, false},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"::", false, false},
		{"::127.0.0.1", false, false},
		{"64:ff9b::7f00:1", false, false},
		{"64:ff9b:1::a00:1", false, false},
		{"2002:7f00:1::", false, false},
		{"2001:0:7f00:1::", false, false},
		{"224.0.0.1", false, false},
		{"239.255.255.250", false, false},
		{"ff02::1", false, false},
		{"255.255.255.255", false, false},
		{"240.0.0.1", false, false},
		{"198.18.0.1", false, false},
		{"192.0.2.1", false, false},
		{"2001:db8::1", false, false},
	} {
		a := netip.MustParseAddr(c.address)
		if got := judge(a, true) == nil; got != c.live {
			t.Errorf("%s in live mode: dialled %v", c.address, got)
		}
		if got := judge(a, false) == nil; got != c.tested {
			t.Errorf("%s in test mode: dialled %v", c.address, got)
		}
	}
}

// A name that resolves to this machine is refused in live mode when it is
// dialled, and the server there hears nothing; in test mode it is called.
func TestNamesAreJudgedByWhatTheyResolveTo(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{})
	defer c.Close()
	for _, host := range []string{"localhost", "127.0.0.1", "[::ffff:127.0.0.1]"} {
		url := "http://" + host + ":" + port + "/"
		_, err := c.Send(t.Context(), webhook.Request{URL: url, Public: true})
		if err == nil || !strings.Contains(err.Error(), "not a public one") || calls != 0 {
			t.Errorf("%s in live mode: %v, %d calls", url, err, calls)
		}
	}
	if a, err := c.Send(t.Context(), webhook.Request{URL: "http://localhost:" + port + "/"}); err != nil || a.Status != 200 || calls != 1 {
		t.Errorf("in test mode: %v, %v, %d calls", a, err, calls)
	}
}

func TestSend(t *testing.T) {
	var asked *http.Request
	over := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		asked = r.Clone(context.Background())
		w.WriteHeader(202)
		_, _ = w.Write([]byte(strings.Repeat("x", 10000)))
	})
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/trickle", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_, _ = w.Write([]byte("a"))
		w.(http.Flusher).Flush()
		<-over
	})
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { <-over })
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(over)
	c := New(Options{})
	defer c.Close()

	a, err := c.Send(t.Context(), webhook.Request{URL: server.URL + "/ok", Header: [][2]string{{"Stripe-Signature", "t=1,v1=a"}, {"User-Agent", "x"}}, Body: []byte("{}")})
	if err != nil || a.Status != 202 || len(a.Body) != maxBody {
		t.Errorf("%d, %d bytes, %v", a.Status, len(a.Body), err)
	}
	if asked == nil || asked.Method != "POST" || asked.Header.Get("Stripe-Signature") != "t=1,v1=a" || asked.UserAgent() != "x" || asked.ContentLength != 2 {
		t.Errorf("asked %+v", asked)
	}
	asked = nil
	if a, err := c.Send(t.Context(), webhook.Request{URL: server.URL + "/away"}); err != nil || a.Status != 302 || asked != nil {
		t.Errorf("a redirect gives %v, %v, followed %v", a.Status, err, asked != nil)
	}
	if a, err := c.Send(t.Context(), webhook.Request{URL: server.URL + "/trickle"}); err != nil || a.Status != 200 || string(a.Body) != "a" {
		t.Errorf("an endless body gives %v %q, %v", a.Status, a.Body, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Send(ctx, webhook.Request{URL: server.URL + "/hang"}); err == nil {
		t.Error("no answer is an answer")
	}
}
