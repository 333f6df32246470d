package metrics

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/clock"
)

// backlog asks the database what is open. Every node tells the same of it.
type backlog struct {
	db    *db.DB
	jobs  *job.Runner
	clock clock.Clock

	mu    sync.Mutex
	asked time.Time
	last  answer
}

// answer is what the database said at one moment.
type answer struct {
	at       time.Time
	up       bool
	schema   int64
	attempts []payment.OpenAttempts
	jobs     []job.Count
	breaks   []settle.OpenBreaks
	settled  []settle.Summary
}

const (
	// fresh is how long an answer is good for, so that several readers, or one
	// in a hurry, cost the database no more than one.
	fresh = 5 * time.Second
	// patience is how long a reader waits for the database.
	patience = 3 * time.Second
)

var (
	databaseUp      = desc("florin_db_up", "1 while the database answers, else 0.")
	schemaVersion   = desc("florin_db_schema_version", "The last migration that the database has seen.")
	attemptsOpen    = desc("florin_attempts_open", "Operations at providers whose outcome is not known yet, by state.", "state")
	attemptsAge     = desc("florin_attempts_oldest_age_seconds", "Age of the oldest of them, by state; 0 when there is none.", "state")
	breaksOpen      = desc("florin_breaks_open", "Differences between the books and providers or banks that nothing explains, by type.", "type")
	breaksAge       = desc("florin_breaks_oldest_age_seconds", "Age of the oldest of them, by type; 0 when there is none.", "type")
	moneyExplained  = desc("florin_money_explained_ratio", "Share of the money due to be settled that reports explain, by provider and currency, when it was last reconciled.", "provider", "currency")
	moneyExplainedT = desc("florin_reconciled_timestamp_seconds", "When money at a provider was last reconciled, by provider and currency.", "provider", "currency")
	jobsNow         = desc("florin_jobs", "Durable jobs, by kind and state.", "kind", "state")
	jobsOverdue     = desc("florin_jobs_overdue", "Jobs that could run now and do not yet, by kind.", "kind")
	jobsOverdueTime = desc("florin_jobs_overdue_seconds", "How long the oldest of them has been waiting, by kind; 0 when there is none.", "kind")
)

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{databaseUp, schemaVersion, attemptsOpen, attemptsAge, breaksOpen, breaksAge, moneyExplained, moneyExplainedT, jobsNow, jobsOverdue, jobsOverdueTime} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	a := b.ask()
	if !a.up {
		out <- gauge(databaseUp, 0)
		return // old figures would pass for present ones
	}
	out <- gauge(databaseUp, 1)
	out <- gauge(schemaVersion, float64(a.schema))
	for _, o := range a.attempts {
		out <- gauge(attemptsOpen, float64(o.Number), string(o.State))
		out <- gauge(attemptsAge, since(o.Oldest, a.at), string(o.State))
	}
	for _, typ := range settle.Types { // an alarm needs the zeros too
		var number, age float64
		if i := slices.IndexFunc(a.breaks, func(c settle.OpenBreaks) bool { return c.Type == typ }); i >= 0 {
			number, age = float64(a.breaks[i].Number), since(a.breaks[i].Oldest(), a.at)
		}
		out <- gauge(breaksOpen, number, string(typ))
		out <- gauge(breaksAge, age, string(typ))
	}
	for _, s := range a.settled {
		out <- gauge(moneyExplained, float64(s.Explained())/settle.Whole, s.Provider, string(s.Currency))
		out <- gauge(moneyExplainedT, float64(s.At.Unix()), s.Provider, string(s.Currency))
	}
	for _, c := range a.jobs {
		out <- gauge(jobsNow, float64(c.Waiting), c.Kind, "waiting")
		out <- gauge(jobsNow, float64(c.Running), c.Kind, "running")
		out <- gauge(jobsNow, float64(c.Dead), c.Kind, "dead")
		out <- gauge(jobsOverdue, float64(c.Overdue), c.Kind)
		out <- gauge(jobsOverdueTime, since(c.Oldest, a.at), c.Kind)
	}
}

// since is how many seconds have passed; 0 of the zero time and of one to come.
func since(t, now time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, now.Sub(t)).Seconds()
}

// ask asks the database, unless it was asked just now.
func (b *backlog) ask() answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.clock.Now(); b.asked.IsZero() || now.Sub(b.asked) >= fresh || now.Before(b.asked) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		b.asked, b.last = now, b.fetch(ctx, now)
	}
	return b.last
}

func (b *backlog) fetch(ctx context.Context, now time.Time) (a answer) {
	a.at = now
	var err error
	if a.schema, err = b.db.SchemaVersion(ctx); err != nil {
		return a
	}
	if a.attempts, err = payment.CountOpen(ctx, b.db); err != nil {
		return a
	}
	if a.jobs, err = job.Counts(ctx, b.db, b.jobs.Kinds()...); err != nil {
		return a
	}
	if a.breaks, err = settle.CountOpen(ctx, b.db); err != nil {
		return a
	}
	if a.settled, err = settle.AllSummaries(ctx, b.db); err != nil {
		return a
	}
	a.up = true
	return a
}
