//go:build unix

package clients

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/florinpay/florin/test/florin"
	"github.com/florinpay/florin/test/leak"
)

// TestNodeClient runs the tests in node/, which drive Stripe's official npm
// package, the newest and one of the time before the release trains, each against
// a server of its own. Needed are Node 20 and the packages (npm ci in node/);
// "make test" sees to both, and without them the test is skipped.
func TestNodeClient(t *testing.T) {
	node := nodeProgram(t)
	for _, sdk := range []string{"stripe", "stripe-15"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			runNode(t, node, sdk)
		})
	}
}

func runNode(t *testing.T, node, sdk string) {
	if _, err := os.Stat("node/node_modules/" + sdk + "/package.json"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("Stripe's npm package is not installed: run npm ci in test/clients/node")
	}
	s := florintest.Start(t, florintest.Options{})
	cmd := exec.CommandContext(t.Context(), node, "--test", "--test-reporter=spec", "all.mjs")
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "FLORIN_URL="+watched(t, s), "FLORIN_SECRET_KEY="+s.SecretKey, "FLORIN_PUBLISHABLE_KEY="+s.PublishableKey, "FLORIN_SDK="+sdk, "FORCE_COLOR=0")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Errorf("node --test: %v", err)
	}
	finish(t, s)
}

// watched gives an address at which a server can be reached, and at which each
// of its replies is searched for card data on its way.
func watched(t *testing.T, s *florintest.Server) string {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: leak.Watched(t, nil),
	})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// finish stops a server and checks its books.
func finish(t *testing.T, s *florintest.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	switch report, err := s.Verify(t.Context()); {
	case err != nil:
		t.Error(err)
	case !report.OK:
		t.Errorf("the books are broken: %+v", report.Findings)
	}
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the server logged: %s", line)
		}
	}
}

// nodeProgram finds a Node that is new enough: the one on PATH, or the one that
// scripts/setup has fetched.
func nodeProgram(t *testing.T) string {
	t.Helper()
	fetched, err := filepath.Abs("../../.cache/node/node_modules/.bin/node")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"node", fetched} {
		out, err := exec.Command(name, "--version").Output()
		if err != nil {
			continue
		}
		major, _, _ := strings.Cut(strings.TrimPrefix(string(out), "v"), ".")
		if n, err := strconv.Atoi(major); err == nil && n >= 20 {
			return name
		}
	}
	t.Skip("Node 20 or newer is missing: run make setup")
	return ""
}
