// Package metrics counts and measures what a process does, in the form that
// Prometheus reads. What costs a query is asked for when it is read, and kept
// for some seconds. The names and what they mean are listed in
// docs/operating.md; a test compares the two.
package metrics

import (
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/clock"
)

// Metrics are those of one process.
type Metrics struct {
	registry *prometheus.Registry
	clock    clock.Clock
	http     requests
	calls    calls
}

// New makes metrics that measure time by a clock.
func New(c clock.Clock) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), clock: c}
	m.http.register(m.registry)
	m.calls.register(m.registry)
	m.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler answers with all metrics. What can't be had at the moment is left
// out.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: 4, Timeout: 30 * time.Second,
	})
}

// Build tells what runs.
func (m *Metrics) Build(version, commit, engine string) {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "florin_build_info", Help: "What runs; always 1."}, []string{"version", "commit", "go", "engine"})
	g.WithLabelValues(version, commit, runtime.Version(), engine).Set(1)
	m.registry.MustRegister(g)
}

// Watch measures a database's trains and what waits in its tables. Once.
func (m *Metrics) Watch(d *db.DB, jobs *job.Runner) {
	m.registry.MustRegister(trains{d}, schedules{jobs, m.clock}, &backlog{db: d, jobs: jobs, clock: m.clock})
}

// Certificate tells when the certificate that the server shows ends.
func (m *Metrics) Certificate(ends func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "florin_tls_certificate_end_timestamp_seconds", Help: "When the TLS certificate that is shown ends.",
	}, func() float64 { return float64(ends().Unix()) }))
}

// Learning tells whether the server is asking the providers what happened since
// the backup that it was restored from, and of how many operations nothing is
// known here.
func (m *Metrics) Learning(active func() bool, unexplained func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "florin_learning", Help: "1 while it is not known what happened since the backup that the database was restored from.",
	}, func() float64 {
		if active() {
			return 1
		}
		return 0
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "florin_learning_unexplained", Help: "Operations since the backup that a provider has and the books can't explain.",
	}, func() float64 { return float64(unexplained()) }))
}

// desc is the description of a metric that is made when it is read.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}
