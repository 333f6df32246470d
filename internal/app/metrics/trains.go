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
	stepsShed   = desc("florin_db_steps_shed_total", "Steps refused because too many were waiting; their callers are told to come again.")
	stepsQueued = desc("florin_db_steps_queued", "Steps that wait for a train.")
	stepPlaces  = desc("florin_db_step_places", "Steps that can wait before others are refused.")
	trainTime   = desc("florin_db_train_duration_seconds", "Time that trains took, from the first statement to the durable commit.")
)

// Describe implements [prometheus.Collector].
func (t trains) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{trainsTotal, stepsTotal, stepsShed, stepsQueued, stepPlaces, trainTime} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (t trains) Collect(out chan<- prometheus.Metric) {
	f := t.db.Figures()
	buckets := make(map[float64]uint64, len(f.Took))
	for bound, n := range f.Took {
		buckets[bound.Seconds()] = uint64(n)
	}
	out <- counter(trainsTotal, f.Trains)
	out <- counter(stepsTotal, f.Steps)
	out <- counter(stepsShed, f.Shed)
	out <- gauge(stepsQueued, float64(f.Queued))
	out <- gauge(stepPlaces, float64(f.Places))
	out <- prometheus.MustNewConstHistogram(trainTime, uint64(f.Trains), f.Time.Seconds(), buckets)
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
