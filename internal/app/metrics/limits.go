package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/florinpay/florin/internal/door/rest"
)

// limits reads who was not let in.
type limits struct {
	refused func() map[rest.Reason]int64
	keys    func() int
}

var (
	requestsRefused = desc("florin_http_requests_refused_total", "Requests that were answered with 429 before anything of them was done, by reason.", "reason")
	keysCounted     = desc("florin_rate_limit_keys", "API keys whose requests are being counted.")
)

// Limits tells how many requests were not let in, and of how many keys requests
// are counted.
func (m *Metrics) Limits(refused func() map[rest.Reason]int64, keys func() int) {
	m.registry.MustRegister(limits{refused, keys})
}

// Describe implements [prometheus.Collector].
func (l limits) Describe(out chan<- *prometheus.Desc) {
	out <- requestsRefused
	out <- keysCounted
}

// Collect implements [prometheus.Collector].
func (l limits) Collect(out chan<- prometheus.Metric) {
	for reason, n := range l.refused() {
		out <- counter(requestsRefused, n, reason.String())
	}
	out <- gauge(keysCounted, float64(l.keys()))
}
