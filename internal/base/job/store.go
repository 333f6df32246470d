package job

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

type row struct {
	Kind    string
	State   State
	Due     time.Time
	Owner   int64 // which claim holds the lease; 0: none
	Tries   int64
	Created time.Time
	Payload string
	Problem string
	Line    int64
	At      time.Time
}

var jobs = db.NewTable("job", "scope, key", "kind, state, due, owner, tries, created, payload, problem, line, at", (*row).fields)

func (r *row) fields(f *db.Fields) {
	db.Text(f, &r.Kind)
	db.Int(f, &r.State)
	db.Time(f, &r.Due)
	db.Int(f, &r.Owner)
	db.Int(f, &r.Tries)
	db.Time(f, &r.Created)
	db.Text(f, &r.Payload)
	db.Text(f, &r.Problem)
	db.Int(f, &r.Line)
	db.Time(f, &r.At)
}

func rowKey(s id.Scope, key int64) db.Key { return db.Key{Scope: s.Key(), ID: key} }

func (r *row) job(at db.Key) Job {
	return Job{Scope: id.ScopeOf(at.Scope), Key: at.ID, Kind: r.Kind, State: r.State, Due: r.Due, Tries: int(r.Tries),
		Created: r.Created, Problem: r.Problem, Line: r.Line, At: r.At, payload: r.Payload, owner: r.Owner}
}

// These are directory queries: whoever looks for work can't name the scopes
// that have some, and a query per scope would visit every account twice a
// second. They show where work is (index job_due); what is done is decided
// on the row, loaded by its scope and key.
var (
	qSoonest = db.NewQuery("soonest due time of a job", "SELECT due FROM job WHERE due > 0 AND due > ? ORDER BY due LIMIT 1",
		func(due *int64, f *db.Fields) { db.Int(f, due) })
	qDue = db.NewQuery("due jobs of a kind", "SELECT scope, key FROM job WHERE due > 0 AND due <= ? AND kind = ? ORDER BY due LIMIT ?",
		func(k *db.Key, f *db.Fields) {
			db.Int(f, &k.Scope)
			db.Int(f, &k.ID)
		})
	// Dead jobs are looked at by whoever runs the platform, over all accounts.
	qDead = db.NewQuery("dead jobs", "SELECT scope, key FROM job WHERE due = 0 AND (scope, key) > (?, ?) ORDER BY scope, key LIMIT ?",
		func(k *db.Key, f *db.Fields) {
			db.Int(f, &k.Scope)
			db.Int(f, &k.ID)
		})
	qDeadOf = db.NewQuery("dead jobs of a scope", "SELECT scope, key FROM job WHERE due = 0 AND scope = ? AND key > ? ORDER BY key LIMIT ?",
		func(k *db.Key, f *db.Fields) {
			db.Int(f, &k.Scope)
			db.Int(f, &k.ID)
		})
)

// Read gives a job, and whether there is one. One that is done is gone.
func Read(ctx context.Context, d *db.DB, s id.Scope, key int64) (Job, bool, error) {
	r, ok, err := jobs.Read(ctx, d, rowKey(s, key))
	if !ok || err != nil {
		return Job{}, false, err
	}
	return r.job(rowKey(s, key)), true, nil
}

// ListDead gives at most limit of a scope's dead jobs, by key, after a key.
func ListDead(ctx context.Context, d *db.DB, s id.Scope, after int64, limit int) ([]Job, error) {
	keys, err := qDeadOf.All(ctx, d, s.Key(), after, int64(limit))
	if err != nil {
		return nil, err
	}
	return readDead(ctx, d, keys)
}

// ListAllDead gives at most limit dead jobs of all scopes, by scope and key,
// after the job named by s and key. Begin with the zero scope and key.
func ListAllDead(ctx context.Context, d *db.DB, s id.Scope, key int64, limit int) ([]Job, error) {
	keys, err := qDead.All(ctx, d, s.Key(), key, int64(limit))
	if err != nil {
		return nil, err
	}
	return readDead(ctx, d, keys)
}

func readDead(ctx context.Context, d *db.DB, keys []db.Key) (dead []Job, err error) {
	rows, err := jobs.ReadMany(ctx, d, keys)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if r, ok := rows[k]; ok && r.State == Dead {
			dead = append(dead, r.job(k))
		}
	}
	return dead, nil
}
