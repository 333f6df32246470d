package job

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
)

// Count is how many jobs of a kind there are.
type Count struct {
	Kind    string `json:"kind"`
	Waiting int64  `json:"waiting"`
	Parked  int64  `json:"parked"` // on lines of time of their own
	Running int64  `json:"running"`
	// Overdue are those of the waiting and running ones that a runner may claim
	// now: their time has come, or their lease has ended.
	Overdue int64 `json:"overdue"`
	Dead    int64 `json:"dead"`
	// Oldest is the earliest time at which one of them is, or was, due; zero
	// when all are dead.
	Oldest time.Time `json:"oldest,omitzero"`
}

type counted struct {
	kind   string
	state  State
	number int64
	oldest time.Time
}

// These look over all scopes: they are for whoever runs the platform, and read
// indexes that hold only jobs there is something to do about (job_due, job_dead).
var (
	qQueued = db.NewQuery("jobs of each kind and state", "SELECT kind, state, count(*), min(due) FROM job WHERE due > 0 GROUP BY kind, state",
		func(c *counted, f *db.Fields) {
			db.Text(f, &c.kind)
			db.Int(f, &c.state)
			db.Int(f, &c.number)
			db.Time(f, &c.oldest)
		})
	qOverdue    = db.NewQuery("jobs of each kind that may be claimed", "SELECT kind, count(*) FROM job WHERE due > 0 AND due <= ? GROUP BY kind", (*counted).ofKind)
	qDeadOfKind = db.NewQuery("dead jobs of each kind", "SELECT kind, count(*) FROM job WHERE due = 0 GROUP BY kind", (*counted).ofKind)
	qNext       = db.NewQuery("jobs by due time", "SELECT scope, key FROM job WHERE due > 0 ORDER BY due, scope, key LIMIT ?",
		func(k *db.Key, f *db.Fields) {
			db.Int(f, &k.Scope)
			db.Int(f, &k.ID)
		})
)

func (c *counted) ofKind(f *db.Fields) {
	db.Text(f, &c.kind)
	db.Int(f, &c.number)
}

// Counts counts the jobs there are by kind, sorted. Of kinds it is given it
// tells also that there are none.
func Counts(ctx context.Context, d *db.DB, kinds ...string) ([]Count, error) {
	found := map[string]*Count{}
	of := func(kind string) *Count {
		if found[kind] == nil {
			found[kind] = &Count{Kind: kind}
		}
		return found[kind]
	}
	for _, k := range kinds {
		of(k)
	}
	queued, err := qQueued.All(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, c := range queued {
		to := of(c.kind)
		switch c.state {
		case Running:
			to.Running = c.number
		case Parked:
			to.Parked = c.number
			continue
		default:
			to.Waiting = c.number
		}
		if to.Oldest.IsZero() || c.oldest.Before(to.Oldest) {
			to.Oldest = c.oldest
		}
	}
	overdue, err := qOverdue.All(ctx, d, d.Clock().Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	for _, c := range overdue {
		of(c.kind).Overdue = c.number
	}
	dead, err := qDeadOfKind.All(ctx, d)
	if err != nil {
		return nil, err
	}
	for _, c := range dead {
		of(c.kind).Dead = c.number
	}
	list := make([]Count, 0, len(found))
	for _, c := range found {
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Count) int { return strings.Compare(a.Kind, b.Kind) })
	return list, nil
}

// ListNext gives at most limit of the jobs that wait or run, by due time; those
// that are parked come last.
func ListNext(ctx context.Context, d *db.DB, limit int) ([]Job, error) {
	keys, err := qNext.All(ctx, d, int64(limit))
	if err != nil {
		return nil, err
	}
	rows, err := jobs.ReadMany(ctx, d, keys)
	if err != nil {
		return nil, err
	}
	var list []Job
	for _, k := range keys {
		if r, ok := rows[k]; ok && r.State != Dead {
			list = append(list, r.job(k))
		}
	}
	return list, nil
}

// Kinds are the names of the kinds that are registered.
func (r *Runner) Kinds() []string {
	names := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		names[i] = k.Name
	}
	return names
}
