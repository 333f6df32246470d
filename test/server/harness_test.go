//go:build unix

package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/florinpay/florin/test/florin"
)

// client asks one server.
type client struct {
	t    *testing.T
	s    *florintest.Server
	http *http.Client
}

func clientOf(t *testing.T, s *florintest.Server, trust *florintest.Certificate) *client {
	t.Helper()
	transport := &http.Transport{ForceAttemptHTTP2: true}
	if trust != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: trust.Pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t, s, &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// reply is an answer, read whole.
type reply struct {
	status int
	proto  string
	text   string
}

// send makes a request; headers are pairs.
func (c *client) send(method, path string, form url.Values, headers ...string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.SetBasicAuth(c.s.SecretKey, "")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return c.do(r)
}

func (c *client) do(r *http.Request) reply {
	c.t.Helper()
	got, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply{got.StatusCode, got.Proto, string(text)}
}

// get asks for an absolute address.
func (c *client) get(address string) reply {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(r)
}

// pay takes a payment and gives the answer's status.
func (c *client) pay() int {
	c.t.Helper()
	return c.send(http.MethodPost, "/v1/payment_intents", url.Values{"amount": {"2000"}, "currency": {"usd"}, "payment_method": {"pm_card_visa"}, "confirm": {"true"},
		"automatic_payment_methods[enabled]": {"true"}, "automatic_payment_methods[allow_redirects]": {"never"}}).status
}

// cardForm is what a client sends to tokenise a card.
var cardForm = url.Values{"card[number]": {"4242424242424242"}, "card[exp_month]": {"12"}, "card[exp_year]": {"2044"}, "card[cvc]": {"737"}}

// token sends a card's number.
func (c *client) token(headers ...string) reply {
	c.t.Helper()
	return c.send(http.MethodPost, "/v1/tokens", cardForm, headers...)
}

var adminAddress = regexp.MustCompile(`jobs are at (http://\S+)`)

// adminOf is the admin address of a server that was told to choose a port.
func adminOf(t *testing.T, s *florintest.Server) string {
	t.Helper()
	found := adminAddress.FindStringSubmatch(s.Log())
	if found == nil {
		t.Fatalf("no admin address in the log: %s", s.Log())
	}
	return found[1]
}

// florin runs a command to its end.
func florin(t *testing.T, env []string, args ...string) (out, logged string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, florintest.Binary(t), args...)
	cmd.Dir = t.TempDir()
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "FLORIN_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("florin %v: %v", args, err)
	}
	return stdout.String(), stderr.String(), status
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
