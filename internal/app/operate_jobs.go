package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/florinpay/florin/internal/app/admin"
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Job is a durable job, as it is shown to who runs Florin.
type Job struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`        // waiting, running or dead
	Due     time.Time `json:"due,omitzero"` // when it may run; of a running one, the end of its lease
	Tries   int       `json:"tries"`        // so far
	Created time.Time `json:"created"`
	Problem string    `json:"problem,omitempty"` // the last error
	// Payload is what the job is about, as its kind writes it.
	Payload json.RawMessage `json:"payload"`
}

// JobCount is how many jobs of a kind there are.
type JobCount = job.Count

// Schedule is how a schedule stands in a process that serves.
type Schedule = job.Schedule

var jobStates = map[job.State]string{job.Waiting: "waiting", job.Running: "running", job.Dead: "dead"}

func jobOf(j job.Job) Job {
	return Job{j.ID(), j.Kind, jobStates[j.State], j.Due, j.Tries, j.Created, j.Problem, json.RawMessage(j.Text())}
}

// Jobs counts the jobs of each kind, and gives at most limit of those that wait
// or run, the next one first.
func (o *Operator) Jobs(ctx context.Context, limit int) (counts []JobCount, next []Job, err error) {
	if counts, err = job.Counts(ctx, o.db); err != nil {
		return nil, nil, err
	}
	list, err := job.ListNext(ctx, o.db, limit)
	if err != nil {
		return nil, nil, err
	}
	next = []Job{}
	for _, j := range list {
		next = append(next, jobOf(j))
	}
	return counts, next, nil
}

// DeadJobs gives all jobs that nobody tries any more.
func (o *Operator) DeadJobs(ctx context.Context) ([]Job, error) {
	const page = 500
	dead, last := []Job{}, job.Job{}
	for {
		list, err := job.ListAllDead(ctx, o.db, last.Scope, last.Key, page)
		if err != nil || len(list) == 0 {
			return dead, err
		}
		for _, j := range list {
			dead, last = append(dead, jobOf(j)), j
		}
	}
}

// RetryJob has a dead job tried again, from its first try on. A server that
// runs takes it up within a second.
func (o *Operator) RetryJob(ctx context.Context, name string) error {
	return o.onJob(ctx, "operate.retry-job", name, job.Retry)
}

// DiscardJob deletes a dead job and logs what it was, since nothing else will
// tell.
func (o *Operator) DiscardJob(ctx context.Context, log *slog.Logger, name string) (Job, error) {
	var gone job.Job
	err := o.onJob(ctx, "operate.discard-job", name, func(tx *db.Tx, s id.Scope, key int64) (err error) {
		gone, err = job.Discard(tx, s, key)
		return err
	})
	if err != nil {
		return Job{}, err
	}
	log.Info("job discarded", "id", gone.ID(), "kind", gone.Kind, "account", gone.Scope.Account, "livemode", gone.Scope.Livemode,
		"tries", gone.Tries, "created", gone.Created, "payload", gone.Text(), "error", gone.Problem)
	return jobOf(gone), nil
}

func (o *Operator) onJob(ctx context.Context, step, name string, do func(*db.Tx, id.Scope, int64) error) error {
	s, key, ok := job.ParseID(name)
	if !ok {
		return fault.New(fault.Invalid, "", "%q is no job's id: florin job dead lists them.", name)
	}
	return o.db.Run(ctx, db.Step{Name: step, Scope: s.Key(), Do: func(tx *db.Tx) error { return do(tx, s, key) }})
}

// Schedules asks a running server, at its admin address, how its schedules
// stand.
func Schedules(ctx context.Context, address string) ([]Schedule, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("the admin address %q: want HOST:PORT", address)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/jobs.json", nil)
	if err != nil {
		return nil, err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	const most = 4 << 20
	text, err := io.ReadAll(io.LimitReader(reply.Body, most))
	if err != nil {
		return nil, err
	}
	var all admin.Jobs
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server at %s answers %s", address, reply.Status)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("the server at %s: %w", address, err)
	}
	return all.Schedules, nil
}
