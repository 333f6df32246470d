package event

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// # Handing on
//
// Keys of events are made before their steps are committed, by several
// processes at once, so a reader that remembers the greatest key it has seen
// would miss events. What is to be handed on is therefore noted in the row of
// the lane, which [Append] writes anyway: it holds the first number that nobody
// has taken yet. Whoever takes holds that row, so that what it finds is
// everything that is committed, and each event is taken once.
//
// A scope to which nobody listens has nothing noted: it costs [Append] the look
// at a row that is not there. That row is never changed, so it is not locked.

// audience is since when somebody listens in a scope.
type audience struct{ Since time.Time }

var audiences = db.NewTable("event_audience", "scope, key", "since", func(a *audience, f *db.Fields) { db.Time(f, &a.Since) }, db.AppendOnly())

func audienceKey(s id.Scope) db.Key { return db.Key{Scope: s.Key(), ID: 1} }

// Audience names the row that [Append] and [Listen] look at besides the lane's.
func Audience(s id.Scope) db.Need { return audiences.Need(audienceKey(s)) }

// Listen has the events of a scope noted for [Fresh] from now on. What is written
// by steps that begin after this one is durable is noted; of those that run
// meanwhile, it may be.
func Listen(tx *db.Tx, s id.Scope) error {
	_, ok, err := audiences.Get(tx, audienceKey(s))
	if err == nil && !ok {
		audiences.Insert(tx, audienceKey(s), audience{tx.Now()})
	}
	return err
}

// Heard reports whether anybody listens in a scope, or once did.
func Heard(ctx context.Context, d *db.DB, s id.Scope) (bool, error) {
	_, ok, err := audiences.Read(ctx, d, audienceKey(s))
	return ok, err
}

// LaneRef names a lane.
type LaneRef struct {
	Scope id.Scope
	Lane  int64
}

// InLane names the event's lane.
func (e *Event) InLane() LaneRef { return LaneRef{e.Scope, e.Lane} }

func (l LaneRef) row() db.Key { return db.Key{Scope: l.Scope.Key(), ID: l.Lane} }

// Need names the row of the lane for the step that takes its events.
func (l LaneRef) Need() db.Need { return lanes.Need(l.row()) }

// qFresh is a directory query, as jobs' are: whoever hands on can't name the
// scopes in which something happened. What is done is decided on the lane's row.
var qFresh = db.NewQuery("fresh events", "SELECT e.scope, e.key, "+qualified+" FROM event_lane l"+
	" JOIN event e ON e.scope = l.scope AND e.lane = l.lane AND e.seq >= l.fresh WHERE l.due > 0 ORDER BY l.due, l.scope, l.lane, e.seq LIMIT ?", (*keyed).fields)

// Fresh gives at most limit events that nobody has taken: lane by lane, the one
// that waits longest first, and within a lane in order.
func Fresh(ctx context.Context, d *db.DB, limit int) (list []*Event, err error) {
	rows, err := qFresh.All(ctx, d, int64(limit))
	for _, k := range rows {
		list = append(list, k.Row.event(id.ScopeOf(k.Scope), k.Key))
	}
	return list, err
}

// Take takes a lane's events up to a number: it gives the first one that is the
// caller's, which is beyond upTo when others have taken them all.
func Take(tx *db.Tx, l LaneRef, upTo int64) (first int64, err error) {
	row, ok, err := lanes.Get(tx, l.row())
	if err != nil || !ok || row.Due.IsZero() || row.Fresh > upTo {
		return upTo + 1, err
	}
	first, row.Fresh = row.Fresh, upTo+1
	if row.Fresh > row.Seq {
		row.Fresh, row.Due = 0, time.Time{}
	}
	lanes.Update(tx, l.row(), row)
	return first, nil
}

// Taken reports of each of some events whether it has been taken, or was never
// to be.
func Taken(ctx context.Context, d *db.DB, list []*Event) (map[int64]bool, error) {
	keys := make([]db.Key, len(list))
	for i, e := range list {
		keys[i] = LaneRef{e.Scope, e.Lane}.row()
	}
	rows, err := lanes.ReadMany(ctx, d, keys)
	if err != nil {
		return nil, err
	}
	taken := make(map[int64]bool, len(list))
	for i, e := range list {
		row := rows[keys[i]]
		taken[e.Key] = row.Due.IsZero() || e.Seq < row.Fresh
	}
	return taken, nil
}

// Notice calls f whenever this process has committed an event that is to be
// handed on, until stop is called. It is a hint, under the rules of [db.Table.Watch].
func Notice(d *db.DB, f func()) (stop func()) {
	return lanes.Watch(d, func(_ db.Key, l lane) {
		if !l.Due.IsZero() {
			f()
		}
	})
}
