// Package event is the log of what happened.
//
// An event is written in the step that makes it true. It does not copy the
// object it is about but names the object's version, so that it shows the
// object as it was then. Events of one lane (the payment a thing belongs to,
// or the thing itself) are numbered from 1 without gaps, in the order in
// which they happened.
package event

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Prefix begins the public ids of events.
const Prefix = id.Prefix("evt")

// Request is the API request that made an event happen; zero when none did.
type Request struct {
	ID             string // "req_…"
	IdempotencyKey string
}

// text is how a request is stored: its id, a space and the key, if it had any.
func (r Request) text() string {
	if r.IdempotencyKey == "" {
		return r.ID
	}
	return r.ID + " " + r.IdempotencyKey
}

func requestOf(text string) (r Request) {
	r.ID, r.IdempotencyKey, _ = strings.Cut(text, " ")
	return r
}

// Event is one thing that happened.
type Event struct {
	Scope   id.Scope
	Key     int64
	Lane    int64  // key of the object that orders it
	Seq     int64  // position in its lane, from 1
	Type    string // Stripe's name: "payment_intent.succeeded"
	Kind    string // kind of the object it is about: "payment_intent"
	Object  object.Ref
	At      time.Time
	Request Request
}

type row struct {
	Lane, Seq       int64
	Type, Kind      string
	Object, Version int64
	At              time.Time
	Request         string
}

func (r *row) fields(f *db.Fields) {
	db.Int(f, &r.Lane)
	db.Int(f, &r.Seq)
	db.Text(f, &r.Type)
	db.Text(f, &r.Kind)
	db.Int(f, &r.Object)
	db.Int(f, &r.Version)
	db.Time(f, &r.At)
	db.Text(f, &r.Request)
}

const (
	columns   = "lane, seq, type, kind, object, version, at, request"
	qualified = "e.lane, e.seq, e.type, e.kind, e.object, e.version, e.at, e.request"
)

var (
	events = db.NewTable("event", "scope, key", columns, (*row).fields, db.AppendOnly())
	lanes  = db.NewTable("event_lane", "scope, lane", "seq, fresh, due, gone", (*lane).fields)
)

// lane is how far the events of a lane have come.
type lane struct {
	Seq   int64     // the last number given
	Fresh int64     // the first number that is not handed on yet, while Due is set
	Due   time.Time // since when there is something to hand on; zero when there is nothing
	Gone  int64     // the last number whose event was deleted for its age
}

func (l *lane) fields(f *db.Fields) {
	db.Int(f, &l.Seq)
	db.Int(f, &l.Fresh)
	db.Time(f, &l.Due)
	db.Int(f, &l.Gone)
}

// Lane names the row that numbers a lane's events, so that a step can have it
// loaded beforehand.
func Lane(s id.Scope, lane int64) db.Need { return lanes.Need(db.Key{Scope: s.Key(), ID: lane}) }

// Append writes an event. Besides the lane's row it reads the one that
// [Audience] names. The caller gives the key, made for this event; the
// sequence number and the time are set here.
func Append(tx *db.Tx, e Event) error {
	at := db.Key{Scope: e.Scope.Key(), ID: e.Lane}
	l, ok, err := lanes.Get(tx, at)
	_, heard, unheard := audiences.Get(tx, audienceKey(e.Scope)) // both before a miss, so that one round loads both
	if err := cmp.Or(err, unheard); err != nil {
		return err
	}
	if ok && probe.Mutant("event.drop") {
		return nil
	}
	l.Seq++
	if heard && l.Due.IsZero() {
		l.Fresh, l.Due = l.Seq, tx.Now()
	}
	if ok {
		lanes.Update(tx, at, l)
	} else {
		lanes.Insert(tx, at, l)
	}
	events.Insert(tx, db.Key{Scope: e.Scope.Key(), ID: e.Key}, row{e.Lane, l.Seq, e.Type, e.Kind, e.Object.Key, e.Object.Version, tx.Now(), e.Request.text()})
	return nil
}

func (r *row) event(s id.Scope, key int64) *Event {
	return &Event{Scope: s, Key: key, Lane: r.Lane, Seq: r.Seq, Type: r.Type, Kind: r.Kind,
		Object: object.Ref{Key: r.Object, Version: r.Version}, At: r.At, Request: requestOf(r.Request)}
}

// Read gives the event with key, and whether there is one.
func Read(ctx context.Context, d *db.DB, s id.Scope, key int64) (*Event, bool, error) {
	r, ok, err := events.Read(ctx, d, db.Key{Scope: s.Key(), ID: key})
	if !ok || err != nil {
		return nil, false, err
	}
	return r.event(s, key), true, nil
}

// ReadMany gives the events with keys, those that are there.
func ReadMany(ctx context.Context, d *db.DB, s id.Scope, keys []int64) (map[int64]*Event, error) {
	at := make([]db.Key, len(keys))
	for i, key := range keys {
		at[i] = db.Key{Scope: s.Key(), ID: key}
	}
	rows, err := events.ReadMany(ctx, d, at)
	found := make(map[int64]*Event, len(rows))
	for k, r := range rows {
		found[k.ID] = r.event(s, k.ID)
	}
	return found, err
}

type keyed struct {
	Scope, Key int64
	Row        row
}

func (k *keyed) fields(f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.Key)
	k.Row.fields(f)
}

const choose = "SELECT scope, key, " + columns + " FROM event WHERE scope = ? AND key > ? AND key < ?"

var (
	newest       = db.NewQuery("list events", choose+" ORDER BY key DESC LIMIT ?", (*keyed).fields)
	oldest       = db.NewQuery("list events, oldest", choose+" ORDER BY key LIMIT ?", (*keyed).fields)
	newestOfType = db.NewQuery("list events by type", choose+" AND type = ? ORDER BY key DESC LIMIT ?", (*keyed).fields)
	oldestOfType = db.NewQuery("list events by type, oldest", choose+" AND type = ? ORDER BY key LIMIT ?", (*keyed).fields)
	inLane       = db.NewQuery("events of a lane", "SELECT scope, key, "+columns+" FROM event WHERE scope = ? AND lane = ? ORDER BY seq", (*keyed).fields)
	laneEnds     = db.NewQuery("ends of all lanes", "SELECT l.scope, l.lane, l.seq, l.gone, (SELECT coalesce(max(e.seq), 0) FROM event e WHERE e.scope = l.scope AND e.lane = l.lane)"+
		" FROM event_lane l WHERE (l.scope, l.lane) > (?, ?) ORDER BY l.scope, l.lane LIMIT ?", (*laneEnd).fields)
	allLanes = db.NewQuery("all events by lane", "SELECT e.scope, e.key, "+qualified+", coalesce((SELECT l.gone FROM event_lane l WHERE l.scope = e.scope AND l.lane = e.lane), 0)"+
		" FROM event e WHERE (e.scope, e.lane, e.seq) > (?, ?, ?) ORDER BY e.scope, e.lane, e.seq LIMIT ?", (*numbered).fields)
)

// List gives events newest first, of any of the types (none: of all), and
// whether there are more.
func List(ctx context.Context, d *db.DB, s id.Scope, r object.Range, types ...string) (page []*Event, more bool, err error) {
	if r.Before == 0 {
		r.Before = math.MaxInt64
	}
	var rows []keyed
	limit := int64(r.Limit) + 1
	q, ofType := newest, newestOfType
	if r.Oldest {
		q, ofType = oldest, oldestOfType
	}
	if len(types) == 0 {
		rows, err = q.All(ctx, d, s.Key(), r.After, r.Before, limit)
	}
	for _, t := range types {
		some, e := ofType.All(ctx, d, s.Key(), r.After, r.Before, t, limit)
		if rows = append(rows, some...); e != nil {
			return nil, false, e
		}
	}
	if err != nil {
		return nil, false, err
	}
	return cut(s, rows, r)
}

// cut sorts, limits and turns a list newest first.
func cut(s id.Scope, rows []keyed, r object.Range) (page []*Event, more bool, err error) {
	slices.SortFunc(rows, func(a, b keyed) int {
		if r.Oldest {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Compare(b.Key, a.Key)
	})
	rows = slices.CompactFunc(rows, func(a, b keyed) bool { return a.Key == b.Key })
	if more = len(rows) > r.Limit; more {
		rows = rows[:r.Limit]
	}
	if r.Oldest {
		slices.Reverse(rows)
	}
	for _, k := range rows {
		page = append(page, k.Row.event(s, k.Key))
	}
	return page, more, nil
}

// OfLane gives a lane's events in order.
func OfLane(ctx context.Context, d *db.DB, s id.Scope, lane int64) (list []*Event, err error) {
	rows, err := inLane.All(ctx, d, s.Key(), lane)
	for _, k := range rows {
		list = append(list, k.Row.event(s, k.Key))
	}
	return list, err
}

// laneEnd is the last number given in a lane, the last one that was deleted for
// its age, and that of the last event there is.
type laneEnd struct{ Scope, Lane, Given, Gone, Last int64 }

func (l *laneEnd) fields(f *db.Fields) {
	db.Int(f, &l.Scope)
	db.Int(f, &l.Lane)
	db.Int(f, &l.Given)
	db.Int(f, &l.Gone)
	db.Int(f, &l.Last)
}

// numbered is an event with the last number of its lane that was deleted.
type numbered struct {
	keyed
	Gone int64
}

func (n *numbered) fields(f *db.Fields) {
	n.keyed.fields(f)
	db.Int(f, &n.Gone)
}

// Check reports every lane whose events are not numbered 1, 2, 3, …, up to the
// last number that was given; the first of them may have been deleted for their
// age.
func Check(ctx context.Context, d *db.DB, report func(s id.Scope, lane, seq int64, problem string)) error {
	if err := checkNumbers(ctx, d, report); err != nil {
		return err
	}
	const page = 1000
	last := laneEnd{Scope: math.MinInt64}
	for {
		rows, err := laneEnds.All(ctx, d, last.Scope, last.Lane, int64(page))
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, l := range rows {
			if max(l.Last, l.Gone) != l.Given {
				report(id.ScopeOf(l.Scope), l.Lane, l.Last+1, fmt.Sprintf("the lane's events end before number %d, which was given", l.Given))
			}
		}
		last = rows[len(rows)-1]
	}
}

func checkNumbers(ctx context.Context, d *db.DB, report func(s id.Scope, lane, seq int64, problem string)) error {
	const page = 1000
	last := numbered{keyed: keyed{Scope: math.MinInt64}}
	for {
		rows, err := allLanes.All(ctx, d, last.Scope, last.Row.Lane, last.Row.Seq, int64(page))
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, k := range rows {
			want := k.Gone + 1
			if k.Scope == last.Scope && k.Row.Lane == last.Row.Lane {
				want = last.Row.Seq + 1
			}
			if k.Row.Seq != want {
				report(id.ScopeOf(k.Scope), k.Row.Lane, want, "an event is missing from its lane")
			}
			last = k
		}
	}
}
