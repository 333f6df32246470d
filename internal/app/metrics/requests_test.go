package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
)

// page is what a monitor reads.
func page(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// door answers as the REST door does: it chooses a route after the mux has.
func door(m *Metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /nothing", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Pattern = "/v1/charges/{charge}"
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusPaymentRequired)
	})
	return m.Requests(mux)
}

func TestRequests(t *testing.T) {
	m := New(clock.System{})
	h := door(m)
	send := func(method, path, key string) {
		defer func() { _ = recover() }()
		r := httptest.NewRequest(method, "/", nil)
		r.Method, r.URL.Path = method, path
		if key != "" {
			r.Header.Set("Authorization", key)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	for i := range 50 { // whatever strangers ask for, the number of series stays
		send("GET", fmt.Sprintf("/v1/secret/%d", i), "")
		send(fmt.Sprintf("METHOD%d", i), fmt.Sprintf("/%d", i), "")
		send("POST", fmt.Sprintf("/v1/charges/ch_%d", i), "key")
	}
	send("GET", "/healthz", "")
	send("GET", "/nothing", "")
	send("GET", "/panic", "")
	var got []string
	for line := range strings.Lines(page(m)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "florin_http_requests_") && !strings.HasSuffix(line, " 0") {
			got = append(got, line)
		}
	}
	slices.Sort(got)
	want := []string{
		`florin_http_requests_total{method="GET",route="/healthz",status="2xx"} 1`,
		`florin_http_requests_total{method="GET",route="/nothing",status="2xx"} 1`,
		`florin_http_requests_total{method="GET",route="/panic",status="5xx"} 1`,
		`florin_http_requests_total{method="GET",route="none",status="4xx"} 50`,
		`florin_http_requests_total{method="POST",route="/v1/charges/{charge}",status="4xx"} 50`,
		`florin_http_requests_total{method="other",route="none",status="4xx"} 50`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !regexp.MustCompile(`(?m)^florin_http_requests_in_flight 0$`).MatchString(page(m)) {
		t.Error("requests are still in flight")
	}
	if !strings.Contains(page(m), `florin_http_request_duration_seconds_count{method="POST",route="/v1/charges/{charge}"} 50`) {
		t.Error("durations are not counted")
	}
}

type silent struct{ header http.Header }

func (s silent) Header() http.Header       { return s.header }
func (silent) Write(b []byte) (int, error) { return len(b), nil }
func (silent) WriteHeader(int)             {}

// BenchmarkRequests is what measuring adds to a request.
func BenchmarkRequests(b *testing.B) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Pattern = "/v1/charges/{charge}"
		w.WriteHeader(http.StatusOK)
	})
	for name, h := range map[string]http.Handler{"bare": answer, "measured": New(clock.System{}).Requests(answer)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r, w := httptest.NewRequest(http.MethodGet, "/v1/charges/ch_1", nil), silent{http.Header{}}
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
