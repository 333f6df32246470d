package metrics

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// requests measure what comes over HTTP.
type requests struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge

	mu    sync.Mutex // held to add a route
	known atomic.Pointer[map[routeKey]*route]
}

type routeKey struct{ pattern, method string }

// route has the series of one route at hand.
type route struct {
	classes  [len(classes)]prometheus.Counter // by the first digit of the status
	duration prometheus.Observer
}

// classes are the values of the label "status", by the first digit of a status.
var classes = [...]string{2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

func (q *requests) register(to *prometheus.Registry) {
	q.total = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "florin_http_requests_total", Help: "Requests answered, by route, method and class of status.",
	}, []string{"route", "method", "status"})
	q.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "florin_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer, by route and method.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"route", "method"})
	q.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "florin_http_requests_in_flight", Help: "Requests that are being answered."})
	q.known.Store(&map[routeKey]*route{})
	to.MustRegister(q.total, q.duration, q.inFlight)
}

// of gives the series of a route, without a lock once it is known.
func (q *requests) of(k routeKey) *route {
	if r := (*q.known.Load())[k]; r != nil {
		return r
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := (*q.known.Load())[k]; r != nil {
		return r
	}
	r := &route{duration: q.duration.WithLabelValues(k.pattern, k.method)}
	for i, class := range classes {
		if class != "" {
			r.classes[i] = q.total.WithLabelValues(k.pattern, k.method, class)
		}
	}
	more := maps.Clone(*q.known.Load())
	more[k] = r
	q.known.Store(&more)
	return r
}

// Requests measures what next answers. next leaves the pattern of the route it
// chose in r.Pattern, as [http.ServeMux] does. The path itself is never looked
// at, so that the number of series is bounded whoever calls.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := m.clock.Now()
		m.http.inFlight.Inc()
		seen := &statusSeen{ResponseWriter: w}
		defer func() {
			m.http.inFlight.Dec()
			to := m.http.of(routeKey{patternOf(r), methodOf(r)})
			to.classes[seen.class()].Inc()
			to.duration.Observe(m.clock.Now().Sub(begun).Seconds())
		}()
		next.ServeHTTP(seen, r)
		seen.ended = true
	})
}

// noRoute is of requests that were answered before a route was chosen: without
// a good key, or for a path that there is not.
const noRoute = "none"

func patternOf(r *http.Request) string {
	pattern := r.Pattern
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = path
	}
	switch pattern {
	case "", "/":
		return noRoute
	case "/{$}":
		return "/"
	}
	return pattern
}

func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch:
		return r.Method
	}
	return "other"
}

// statusSeen notes the status that is answered.
type statusSeen struct {
	http.ResponseWriter
	status int
	ended  bool // the handler has returned
}

// WriteHeader implements [http.ResponseWriter].
func (s *statusSeen) WriteHeader(status int) {
	if s.status < 200 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (s *statusSeen) Write(b []byte) (int, error) {
	if s.status < 200 {
		s.status = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap serves [http.ResponseController].
func (s *statusSeen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// class is the first digit of the status. A handler that said nothing has
// answered 200, or panicked.
func (s *statusSeen) class() int {
	switch {
	case s.status >= 200 && s.status < 600:
		return s.status / 100
	case s.ended:
		return 2
	}
	return 5
}
