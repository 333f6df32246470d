package app

import (
	"cmp"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/news"
	"github.com/florinpay/florin/internal/core/webhook"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/id"
)

// retentionJob is the job that deletes what is no longer kept. It is enqueued
// when something is too old, under one name, so that of several nodes one is at
// it; whoever goes on after a crash finds by the indexes what is left.
// Where two are at it, since one has lost its lease, a batch of which the other was
// quicker to delete a row is refused whole, and that job is tried again.
const retentionJob = "retention.sweep"

const (
	// lookEvery is how often each node looks whether something is too old.
	lookEvery = 10 * time.Minute
	// turn is how long one kind of thing is deleted before the next has its turn.
	turn = time.Minute
	// Of the time of a train that a batch of deletions takes, payments get restFor
	// times as much before the next one.
	restFor = 4
	minRest = 5 * time.Millisecond
	maxRest = 5 * time.Second
	// apart is by how much what is written in one step may differ in time: the
	// key of an event is made before the event is, by another clock perhaps.
	apart = time.Hour
)

// errTurn ends the turn of a kind.
var errTurn = errors.New("the turn is over")

// errEnding ends a sweep because the process is to end.
var errEnding = errors.New("the process is to end")

// kept is one kind of thing that is kept for a time. Money stands on none of
// them.
type kept struct {
	name string // in metrics
	keep time.Duration
	// oldest is when the oldest one there is was made; zero when there is none.
	// nil: its time comes with that of the others.
	oldest func(ctx context.Context) (time.Time, error)
	// sweep deletes those made before a time.
	sweep func(ctx context.Context, before time.Time, pace db.Pace) error
}

// retention deletes what is no longer kept.
type retention struct {
	db    *db.DB
	clock clock.Clock
	kinds []kept
	end   context.Context // of the process's work
	stop  context.CancelFunc

	mu      sync.Mutex
	removed map[string]int64     // rows, by the kind's name
	oldest  map[string]time.Time // as of the last look
}

// newRetention makes the retention of what is kept for a time, in the order in
// which it has to go: what names something before what it names.
func newRetention(d *db.DB, n *news.Service, c Config) *retention {
	r := &retention{db: d, clock: d.Clock(), removed: map[string]int64{}, oldest: map[string]time.Time{}}
	r.end, r.stop = context.WithCancel(context.Background())
	events, keys := cmp.Or(c.KeepEvents, event.Retention), cmp.Or(c.KeepIdempotencyKeys, idem.Retention)
	messages := cmp.Or(c.KeepMessages, news.KeepFor)
	r.kinds = []kept{
		{"webhook_deliveries", events, func(ctx context.Context) (time.Time, error) { return webhook.Oldest(ctx, d) },
			func(ctx context.Context, before time.Time, pace db.Pace) error {
				return webhook.Expire(ctx, d, before, pace)
			}},
		{"events", events, r.oldestEvent, r.sweepEvents},
		{"idempotency_keys", keys, func(ctx context.Context) (time.Time, error) { return idem.Oldest(ctx, d) },
			func(ctx context.Context, before time.Time, pace db.Pace) error {
				return idem.Expire(ctx, d, before, pace)
			}},
		{"object_versions", max(events, keys), nil, r.sweepVersions},
		{"provider_messages", messages, n.Oldest, func(ctx context.Context, before time.Time, pace db.Pace) error {
			return n.Expire(ctx, before, pace)
		}},
	}
	return r
}

// oldestEvent is when the oldest event was written.
func (r *retention) oldestEvent(ctx context.Context) (oldest time.Time, err error) {
	err = event.Scopes(ctx, r.db, func(_ id.Scope, key int64) error {
		if at := id.Time(key); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
		return nil
	})
	return oldest, err
}

func (r *retention) sweepEvents(ctx context.Context, before time.Time, pace db.Pace) error {
	wanted := webhook.Wanted(r.db)
	return event.Scopes(ctx, r.db, func(s id.Scope, oldest int64) error {
		if !id.Time(oldest).Before(before) {
			return nil
		}
		return event.Expire(ctx, r.db, s, before, wanted, pace)
	})
}

// sweepVersions deletes the versions that no event and no reply that is left can
// name: those replaced before the oldest of them was written.
func (r *retention) sweepVersions(ctx context.Context, before time.Time, pace db.Pace) error {
	oldest := map[id.Scope]time.Time{}
	err := event.Scopes(ctx, r.db, func(s id.Scope, key int64) error {
		oldest[s] = id.Time(key)
		return nil
	})
	if err != nil {
		return err
	}
	key, err := idem.Oldest(ctx, r.db)
	if err != nil {
		return err
	}
	if !key.IsZero() && key.Before(before) {
		before = key
	}
	return object.Fade(ctx, r.db, func(s id.Scope) time.Time {
		at := before
		if e, ok := oldest[s]; ok && e.Before(at) {
			at = e
		}
		return at.Add(-apart)
	}, pace)
}

// look notes how old everything is, and has the job done if something is too old.
// Every node looks.
func (r *retention) look(ctx context.Context) error {
	now, due := r.clock.Now(), false
	for _, k := range r.kinds {
		if k.oldest == nil {
			continue
		}
		at, err := k.oldest(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.oldest[k.name] = at
		r.mu.Unlock()
		due = due || !at.IsZero() && at.Before(now.Add(-k.keep))
	}
	if !due {
		return nil
	}
	return r.db.Run(ctx, db.Step{Name: "retention.due", Needs: []db.Need{job.OnceNeed(id.Scope{}, retentionJob, "")}, Do: func(tx *db.Tx) error {
		_, err := job.EnqueueOnce(tx, id.Scope{}, retentionJob, "", tx.Now(), struct{}{})
		return err
	}})
}

// kind is of the [retentionJob]s. However often a process dies at it, it is tried
// again.
func (r *retention) kind() job.Kind {
	return job.Kind{Name: retentionJob, Lease: 15 * time.Minute, MaxTries: math.MaxInt32, Backoff: time.Minute, MaxBackoff: time.Hour, Handle: r.handle}
}

// handle gives each kind of thing a turn, and comes again if that was too short
// for one.
func (r *retention) handle(ctx context.Context, j job.Job) error {
	more, err := r.sweep(ctx, r.pace)
	if err != nil {
		return err
	}
	if !more {
		return nil
	}
	return r.db.Run(ctx, db.Step{Name: "retention.again", Needs: []db.Need{j.Need()}, Do: func(tx *db.Tx) error { return job.Again(tx, j, tx.Now()) }})
}

// sweep deletes what is no longer kept, and tells whether there is more.
func (r *retention) sweep(ctx context.Context, pace func(name string) db.Pace) (more bool, err error) {
	now := r.clock.Now()
	for _, k := range r.kinds {
		count := pace(k.name)
		err := k.sweep(ctx, now.Add(-k.keep), func(ctx context.Context, rows int) error {
			r.mu.Lock()
			r.removed[k.name] += int64(rows)
			r.mu.Unlock()
			return count(ctx, rows)
		})
		switch {
		case errors.Is(err, errTurn):
			more = true
		case errors.Is(err, errEnding):
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return more, nil
}

// pace rests after each batch in proportion to how long it took, so that the
// busier the database is, the less of it deleting takes.
func (r *retention) pace(string) db.Pace {
	began := r.clock.Now()
	until := began.Add(turn)
	return func(ctx context.Context, _ int) error {
		now := r.clock.Now()
		if now.After(until) {
			return errTurn
		}
		resting, cancel := context.WithCancel(ctx)
		defer context.AfterFunc(r.end, cancel)()
		err := r.clock.Sleep(resting, min(max(restFor*now.Sub(began), minRest), maxRest))
		cancel()
		began = r.clock.Now()
		if r.end.Err() != nil {
			return errEnding
		}
		return err
	}
}

// Removed is how many rows of each kind this process has deleted.
func (r *retention) Removed() map[string]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]int64, len(r.kinds))
	for _, k := range r.kinds { // those of which there were none too
		all[k.name] = r.removed[k.name]
	}
	return all
}

// Oldest is when the oldest of each kind that is looked at was made, as of the
// last look; zero when there was none.
func (r *retention) Oldest() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string]time.Time, len(r.kinds))
	for _, k := range r.kinds {
		if k.oldest != nil {
			all[k.name] = r.oldest[k.name]
		}
	}
	return all
}
