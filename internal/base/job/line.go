package job

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// A line of time is one that somebody moves by hand. Its jobs are parked: no
// runner sees them until [Release] says that their line has come to them. From
// then on they are jobs like all others, with leases, tries and back-offs of the
// system's time.

// beyond is the due time of what is parked: no clock ever shows it.
var beyond = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// EnqueueOn is [Enqueue] for a time on a line; line 0 is the system's own.
func EnqueueOn(tx *db.Tx, s id.Scope, line, key int64, kind string, at time.Time, payload any) error {
	r, err := newRow(tx, kind, at, payload)
	if err != nil {
		return err
	}
	r.Line = line
	r.wait(tx, at)
	jobs.Insert(tx, rowKey(s, key), r)
	return nil
}

// wait makes a job wait for a time on its line.
func (r *row) wait(tx *db.Tx, at time.Time) {
	if r.Line != 0 {
		r.State, r.Due, r.At = Parked, beyond, at
		return
	}
	if at.Before(tx.Now()) {
		at = tx.Now()
	}
	r.State, r.Due, r.At = Waiting, at, at
}

// Standing is a job of a line that is not done.
type Standing struct {
	Key    int64
	At     time.Time
	Parked bool // not released yet
}

type standing struct {
	key   int64
	at    time.Time
	state State
}

var qLine = db.NewQuery("jobs of a line", "SELECT key, at, state FROM job WHERE scope = ? AND line = ? AND line > 0 AND due > 0 ORDER BY at, key LIMIT ?",
	func(l *standing, f *db.Fields) {
		db.Int(f, &l.key)
		db.Time(f, &l.at)
		db.Int(f, &l.state)
	})

// OfLine gives at most limit of a line's jobs that are neither done nor dead, in
// the order of their times.
func OfLine(ctx context.Context, d *db.DB, s id.Scope, line int64, limit int) (list []Standing, err error) {
	rows, err := qLine.All(ctx, d, s.Key(), line, int64(limit))
	for _, r := range rows {
		list = append(list, Standing{r.key, r.at, r.state == Parked})
	}
	return list, err
}

// ReleaseNeeds names the rows that [Release] asks for.
func ReleaseNeeds(s id.Scope, keys []int64) (needs []db.Need) {
	for _, key := range keys {
		needs = append(needs, jobs.Need(rowKey(s, key)))
	}
	return needs
}

// Release lets runners have those of the jobs that are parked.
func Release(tx *db.Tx, s id.Scope, keys []int64) error {
	for _, key := range keys {
		r, ok, err := jobs.Get(tx, rowKey(s, key))
		if err != nil {
			return err
		}
		if !ok || r.State != Parked {
			continue
		}
		r.State, r.Due, r.Tries = Waiting, tx.Now(), 0
		jobs.Update(tx, rowKey(s, key), r)
	}
	return nil
}
