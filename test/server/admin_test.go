//go:build unix

package server

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/test/florin"
)

// series is a line of the metrics' table, or what a server says of a metric.
type series struct{ Type, Labels string }

var (
	documentedMetric = regexp.MustCompile("(?m)^\\| `(florin_\\w+)` \\| (\\w+) \\|([^|]*)\\|([^|]*)\\|")
	typeLine         = regexp.MustCompile(`(?m)^# TYPE (florin_\w+) (\w+)$`)
	sampleLine       = regexp.MustCompile(`(?m)^(florin_\w+?)(?:_bucket|_sum|_count)?(?:\{([^}]*)\})? \S+$`)
	label            = regexp.MustCompile(`(\w+)="`)
)

// documented are the metrics that docs/operating.md lists, without those that it
// calls absent in a fresh server.
func documented(t *testing.T) map[string]series {
	t.Helper()
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]series{}
	for _, m := range documentedMetric.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains(m[4], "absent before") {
			continue
		}
		names := strings.FieldsFunc(m[3], func(r rune) bool { return strings.ContainsRune("`, ", r) })
		slices.Sort(names)
		all[m[1]] = series{m[2], strings.Join(names, " ")}
	}
	return all
}

// emitted are the metrics that a page of them holds.
func emitted(page string) map[string]series {
	all := map[string]series{}
	for _, m := range typeLine.FindAllStringSubmatch(page, -1) {
		all[m[1]] = series{Type: m[2]}
	}
	for _, m := range sampleLine.FindAllStringSubmatch(page, -1) {
		var names []string
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				names = append(names, l[1])
			}
		}
		slices.Sort(names)
		if s, ok := all[m[1]]; ok {
			s.Labels = strings.Join(names, " ")
			all[m[1]] = s
		}
	}
	return all
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	files := florintest.NewCertificate(t)
	s := florintest.Start(t, florintest.Options{TLS: files, Args: []string{"--admin-listen=127.0.0.1:0"}})
	c := clientOf(t, s, files)
	for range 3 {
		if status := c.pay(); status != http.StatusOK {
			t.Fatalf("a payment is answered with %d", status)
		}
	}
	c.send(http.MethodGet, "/v1/no/such/thing", nil)
	admin := adminOf(t, s)
	page := c.get(admin + "/metrics").text
	if diff := cmp.Diff(documented(t), emitted(page)); diff != "" {
		t.Errorf("docs/operating.md -, /metrics +:\n%s", diff)
	}
	for _, want := range []string{
		`florin_http_requests_total{method="POST",route="/v1/payment_intents",status="2xx"} 3`,
		`florin_http_requests_total{method="GET",route="none",status="4xx"} 1`,
		`florin_provider_calls_total{operation="authorize",outcome="approved",provider="sandbox"} 3`,
		`florin_provider_call_duration_seconds_count{operation="authorize",provider="sandbox"} 3`,
		`florin_attempts_open{state="unknown"} 0`,
		`florin_db_up 1`, `go_goroutines `, `process_resident_memory_bytes `,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for path, want := range map[string]string{
		"/": "ready", "/jobs": "resolve attempts", "/jobs.json": `"name":"resolve attempts"`, "/readyz": "ok", "/healthz": "ok",
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "goroutine profile",
	} {
		if r := c.get(admin + path); r.status != http.StatusOK || !strings.Contains(r.text, want) {
			t.Errorf("%s: %d %.500s", path, r.status, r.text)
		}
	}
	// Nothing of it is on the public address, not even with a key.
	for _, path := range []string{"/metrics", "/jobs", "/jobs.json", "/readyz", "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline", "/debug/vars"} {
		if r := c.send(http.MethodGet, path, nil); r.status != http.StatusNotFound || strings.Contains(r.text, "goroutine profile") {
			t.Errorf("%s on the public address: %d %.200s", path, r.status, r.text)
		}
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}
