package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/clock"
)

// trains reads what a database handle has counted.
type trains struct{ db *db.DB }

var (
	trainsTotal = desc("florin_db_trains_total", "Transactions committed; many steps ride in one.")
	stepsTotal  = desc("florin_db_steps_total", "Steps committed.")
	stepsQueued = desc("florin_db_steps_queued", "Steps that wait for a train.")
	stepLines   = desc("florin_db_step_lines", "Accounts and modes of which steps wait for a train.")
	stepWait    = desc("florin_db_step_wait_seconds", "Time that steps waited until their train left.")
	trainTime   = desc("florin_db_train_duration_seconds", "Time that trains took, from the first statement to the durable commit.")
)

// Describe implements [prometheus.Collector].
func (t trains) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{trainsTotal, stepsTotal, stepsQueued, stepLines, stepWait, trainTime} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (t trains) Collect(out chan<- prometheus.Metric) {
	f := t.db.Figures()
	out <- counter(trainsTotal, f.Took.Count)
	out <- counter(stepsTotal, f.Steps)
	out <- gauge(stepsQueued, float64(f.Queued))
	out <- gauge(stepLines, float64(f.Lines))
	out <- histogram(stepWait, f.Waited)
	out <- histogram(trainTime, f.Took)
}

func histogram(d *prometheus.Desc, t db.Times) prometheus.Metric {
	buckets := make(map[float64]uint64, len(t.Within))
	for bound, n := range t.Within {
		buckets[bound.Seconds()] = uint64(n)
	}
	return prometheus.MustNewConstHistogram(d, uint64(t.Count), t.Sum.Seconds(), buckets)
}

// schedules reads how the schedules of this process stand.
type schedules struct {
	jobs  *job.Runner
	clock clock.Clock
}

var (
	scheduleRuns     = desc("florin_schedule_runs_total", "Runs of periodic work that have ended, by schedule.", "schedule")
	scheduleFailures = desc("florin_schedule_failures_total", "Runs of periodic work that failed, by schedule.", "schedule")
	scheduleLag      = desc("florin_schedule_lag_seconds", "How long the next run is overdue, by schedule.", "schedule")
	scheduleTook     = desc("florin_schedule_last_duration_seconds", "How long the last run took, by schedule.", "schedule")
)

// Describe implements [prometheus.Collector].
func (s schedules) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{scheduleRuns, scheduleFailures, scheduleLag, scheduleTook} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (s schedules) Collect(out chan<- prometheus.Metric) {
	now := s.clock.Now()
	for _, one := range s.jobs.Schedules() {
		out <- counter(scheduleRuns, one.Runs, one.Name)
		out <- counter(scheduleFailures, one.Failures, one.Name)
		out <- gauge(scheduleLag, one.Lag(now).Seconds(), one.Name)
		out <- gauge(scheduleTook, one.Took.Seconds(), one.Name)
	}
}

func counter(d *prometheus.Desc, n int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}
