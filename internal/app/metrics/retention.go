package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/florinpay/florin/internal/kit/clock"
)

// retention reads what was deleted for its age.
type retention struct {
	removed func() map[string]int64
	oldest  func() map[string]time.Time
	clock   clock.Clock
}

var (
	rowsRemoved = desc("florin_retention_rows_total", "Rows that this process has deleted because they were no longer to be kept, by kind.", "kind")
	oldestKept  = desc("florin_retention_oldest_age_seconds", "Age of the oldest thing of a kind that is there, as of the last look; 0 when there is none.", "kind")
)

// Retention tells what was deleted for its age, and how old what is left is.
func (m *Metrics) Retention(removed func() map[string]int64, oldest func() map[string]time.Time) {
	m.registry.MustRegister(retention{removed, oldest, m.clock})
}

// Describe implements [prometheus.Collector].
func (r retention) Describe(out chan<- *prometheus.Desc) {
	out <- rowsRemoved
	out <- oldestKept
}

// Collect implements [prometheus.Collector].
func (r retention) Collect(out chan<- prometheus.Metric) {
	for kind, n := range r.removed() {
		out <- counter(rowsRemoved, n, kind)
	}
	now := r.clock.Now()
	for kind, at := range r.oldest() {
		out <- gauge(oldestKept, since(at, now), kind)
	}
}
