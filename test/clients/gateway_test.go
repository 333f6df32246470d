//go:build unix

package clients

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stripe/stripe-go/v86"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// gateway starts a "florin gateway" to a server, and gives where it listens and
// the folder of its authority.
func gateway(t *testing.T, s *florintest.Server) (address, folder string) {
	t.Helper()
	folder = t.TempDir()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), florintest.Binary(t), "gateway", "--config=", "--listen=127.0.0.1:0", "--to="+s.URL, "--ca="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Error("florin gateway:", err)
		}
	})
	for in := bufio.NewScanner(out); in.Scan(); {
		if _, at, ok := strings.Cut(in.Text(), " is ready at "); ok {
			return at, folder
		}
	}
	t.Fatal("the gateway does not say where it listens")
	return "", ""
}

// TestGatewayNode pays with Stripe's library for Node as it is: the host is
// Stripe's, the authority comes by NODE_EXTRA_CA_CERTS. Only the connection is
// led to the gateway's port, as /etc/hosts and a low port would.
func TestGatewayNode(t *testing.T) {
	t.Parallel()
	node := nodeProgram(t)
	if _, err := os.Stat("node/node_modules/stripe/package.json"); err != nil {
		t.Skip("Stripe's npm package is not installed: run npm ci in test/clients/node")
	}
	s := florintest.Start(t, florintest.Options{})
	address, folder := gateway(t, s)
	cmd := exec.CommandContext(t.Context(), node, "gateway.mjs")
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "FLORIN_GATEWAY="+address, "FLORIN_SECRET_KEY="+s.SecretKey, "NODE_EXTRA_CA_CERTS="+filepath.Join(folder, "florin-gateway.pem"))
	out, err := cmd.CombinedOutput()
	leak.CheckReply(t, "node", out)
	if err != nil || strings.TrimSpace(string(out)) != "succeeded api.stripe.com files.stripe.com" {
		t.Errorf("%v: %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), node, "gateway.mjs")
	cmd.Dir, cmd.Env = "node", append(os.Environ(), "FLORIN_GATEWAY="+address, "FLORIN_SECRET_KEY="+s.SecretKey)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("a client that does not trust the authority pays: %s", out)
	}
	finish(t, s)
}

// TestGatewayGo pays with Stripe's library for Go and its own backend.
func TestGatewayGo(t *testing.T) {
	t.Parallel()
	s := florintest.Start(t, florintest.Options{})
	address, folder := gateway(t, s)
	bundle, err := os.ReadFile(filepath.Join(folder, "florin-gateway-bundle.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		t.Fatal("the bundle has no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, _, at string) (net.Conn, error) {
		if at != "api.stripe.com:443" {
			t.Errorf("the library calls %s", at)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}}
	client := stripe.NewClient(s.SecretKey, stripe.WithBackends(stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		HTTPClient: &http.Client{Transport: leak.Watched(t, transport)}, LeveledLogger: &stripe.LeveledLogger{},
	})))
	paid, err := client.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(2000), Currency: stripe.String("usd"), PaymentMethod: stripe.String("pm_card_visa"), Confirm: stripe.Bool(true),
		PaymentMethodTypes: []*string{stripe.String("card")},
	})
	if err != nil || paid.Status != stripe.PaymentIntentStatusSucceeded {
		t.Errorf("%v %v", paid, err)
	}
	finish(t, s)
}

// TestGatewayCurl asks as the documents of Stripe do.
func TestGatewayCurl(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	s := florintest.Start(t, florintest.Options{})
	address, folder := gateway(t, s)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), curl, "-sS", "--connect-to", "api.stripe.com:443:127.0.0.1:"+port, "https://api.stripe.com/v1/customers",
		"-u", s.SecretKey+":", "-d", "name=Jenny Rosen")
	cmd.Env = append(os.Environ(), "CURL_CA_BUNDLE="+filepath.Join(folder, "florin-gateway-bundle.pem"))
	out, err := cmd.CombinedOutput()
	leak.CheckReply(t, "curl", out)
	if err != nil || !strings.Contains(string(out), `"name": "Jenny Rosen"`) {
		t.Errorf("%v: %s", err, out)
	}
}
