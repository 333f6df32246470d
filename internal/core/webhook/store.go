package webhook

import (
	"context"
	"math"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

type narrow struct{ Deleted bool }

// Endpoints are the endpoints. Deleted ones are kept, with their deliveries.
var Endpoints = object.Define(object.Spec[Endpoint, narrow]{
	Name: "webhook_endpoint", Prefix: "we", Schema: 1, Table: "webhook_endpoint", Columns: "deleted",
	Fields:  func(n *narrow, f *db.Fields) { db.Bool(f, &n.Deleted) },
	Derive:  func(e *Endpoint) narrow { return narrow{e.Deleted} },
	Filters: []string{"deleted"},
})

// queue is the row of an endpoint that has, or had, something to send.
type queue struct {
	Due     time.Time // when it may be claimed; while it is served, the lease's end; zero: nothing to send
	Owner   int64     // whose lease it is; 0: nobody's
	Mark    int64     // counts what was added, so that who lets go notices more
	Failing time.Time // since when every request has failed; zero: the last one did not
}

func (q *queue) fields(f *db.Fields) {
	db.Time(f, &q.Due)
	db.Int(f, &q.Owner)
	db.Int(f, &q.Mark)
	db.Time(f, &q.Failing)
}

// served is an endpoint and whose turn it is.
type served struct {
	queueRef
	owner int64
}

func (s *served) fields(f *db.Fields) {
	s.queueRef.fields(f)
	db.Int(f, &s.owner)
}

type deliveryRow struct {
	Lane  int64
	Seq   int64
	State State
	Due   time.Time
	// Failed is when the first try failed.
	Failed time.Time
	Tries  int64
}

func (r *deliveryRow) fields(f *db.Fields) {
	db.Int(f, &r.Lane)
	db.Int(f, &r.Seq)
	db.Int(f, &r.State)
	db.Time(f, &r.Due)
	db.Time(f, &r.Failed)
	db.Int(f, &r.Tries)
}

func (r *deliveryRow) delivery(event int64) delivery {
	return delivery{event, r.Seq, r.State, r.Due, r.Failed, r.Tries}
}

// take sets the row to what became of the delivery.
func (r *deliveryRow) take(d delivery) {
	r.State, r.Due, r.Failed, r.Tries = d.State, d.Due, d.Failed, d.Tries
}

type attemptRow struct {
	Endpoint int64
	At       time.Time
	Took     time.Duration
	Status   int64 // of the answer; 0: there was none
	Due      time.Time
	Problem  string
	Reply    []byte
}

func (a *attemptRow) fields(f *db.Fields) {
	db.Int(f, &a.Endpoint)
	db.Time(f, &a.At)
	db.Int(f, &a.Took)
	db.Int(f, &a.Status)
	db.Time(f, &a.Due)
	db.Text(f, &a.Problem)
	db.Bytes(f, &a.Reply)
}

const (
	deliveryColumns = "lane, seq, state, due, failed, tries"
	attemptColumns  = "endpoint, at, took, status, due, problem, reply"
)

var (
	queues     = db.NewTable("webhook_queue", "scope, endpoint", "due, owner, mark, failing", (*queue).fields)
	deliveries = db.NewTable("webhook_delivery", "scope, event, endpoint", deliveryColumns, (*deliveryRow).fields)
	attempts   = db.NewTable("webhook_attempt", "scope, event, key", attemptColumns, (*attemptRow).fields, db.AppendOnly())
)

func queueKey(s id.Scope, endpoint int64) db.Key { return db.Key{Scope: s.Key(), ID: endpoint} }

func deliveryKey(s id.Scope, event, endpoint int64) db.Key {
	return db.Key{Scope: s.Key(), ID: event, Sub: endpoint}
}

type queueRef struct{ Scope, Endpoint int64 }

func (q *queueRef) fields(f *db.Fields) {
	db.Int(f, &q.Scope)
	db.Int(f, &q.Endpoint)
}

// eventDelivery is a delivery with the key of its event.
type eventDelivery struct {
	Event int64
	Row   deliveryRow
}

func (e *eventDelivery) fields(f *db.Fields) {
	db.Int(f, &e.Event)
	e.Row.fields(f)
}

// dueDelivery is one that may be sent.
type dueDelivery struct {
	eventDelivery
	Others  int64 // that its lane has open besides
	Pending int64 // endpoints that its event is to be delivered to
}

func (d *dueDelivery) fields(f *db.Fields) {
	d.eventDelivery.fields(f)
	db.Int(f, &d.Others)
	db.Int(f, &d.Pending)
}

// endpointDelivery is a delivery with the key of its endpoint.
type endpointDelivery struct {
	Endpoint int64
	Row      deliveryRow
}

func (e *endpointDelivery) fields(f *db.Fields) {
	db.Int(f, &e.Endpoint)
	e.Row.fields(f)
}

func keyFields(k *db.Key, f *db.Fields) {
	db.Int(f, &k.Scope)
	db.Int(f, &k.ID)
	db.Int(f, &k.Sub)
}

func int64Field(n *int64, f *db.Fields) { db.Int(f, n) }

// qReady is a directory query, as jobs' are: whoever looks for work can't name
// the scopes that have some. What is done is decided on the row.
var (
	qReady  = db.NewQuery("endpoints to serve", "SELECT scope, endpoint FROM webhook_queue WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?", (*queueRef).fields)
	qServed = db.NewQuery("endpoints that are served", "SELECT scope, endpoint, owner FROM webhook_queue WHERE due > 0 AND due > ? AND owner <> 0", (*served).fields)
	// "seq > 0" says nothing and has the lane's open deliveries found by their index.
	qDue = db.NewQuery("due deliveries of an endpoint", "SELECT event, "+deliveryColumns+","+
		" (SELECT count(*) FROM webhook_delivery o WHERE o.scope = d.scope AND o.endpoint = d.endpoint AND o.lane = d.lane AND o.seq > 0 AND o.state <> 2 AND o.event <> d.event),"+
		" (SELECT count(*) FROM webhook_delivery p WHERE p.scope = d.scope AND p.event = d.event AND p.state = 1)"+
		" FROM webhook_delivery d WHERE scope = ? AND endpoint = ? AND due > 0 AND due <= ? AND (due, event) > (?, ?) ORDER BY due, event LIMIT ?", (*dueDelivery).fields)
	qNext = db.NewQuery("next due time of an endpoint", "SELECT due FROM webhook_delivery WHERE scope = ? AND endpoint = ? AND due > 0 ORDER BY due LIMIT 1", int64Field)
	qOpen = db.NewQuery("open deliveries of a lane", "SELECT event, "+deliveryColumns+" FROM webhook_delivery"+
		" WHERE scope = ? AND endpoint = ? AND lane = ? AND state <> 2 ORDER BY seq LIMIT ?", (*eventDelivery).fields)
	qUndelivered = db.NewQuery("deliveries of an event that are to come", "SELECT count(*) FROM webhook_delivery WHERE scope = ? AND event = ? AND state = 1", int64Field)
	qOpenQueues  = db.NewQuery("endpoints without a turn", "SELECT d.scope, d.endpoint FROM webhook_delivery d WHERE d.due > 0 AND NOT EXISTS"+
		" (SELECT 1 FROM webhook_queue q WHERE q.scope = d.scope AND q.endpoint = d.endpoint AND q.due > 0) LIMIT ?", (*queueRef).fields)
)

// What those who look ask.
var (
	qUnacknowledged = db.NewQuery("deliveries of an event that were given up", "SELECT count(*) FROM webhook_delivery WHERE scope = ? AND event = ? AND state > 2", int64Field)
	qOfEndpoint     = db.NewQuery("deliveries of an endpoint", ofEndpoint+" ORDER BY event DESC LIMIT ?", (*eventDelivery).fields)

	qOfEndpointOldest = db.NewQuery("deliveries of an endpoint, oldest", ofEndpoint+" ORDER BY event LIMIT ?", (*eventDelivery).fields)

	qOfEvent = db.NewQuery("deliveries of an event", "SELECT endpoint, "+deliveryColumns+" FROM webhook_delivery WHERE scope = ? AND event = ? ORDER BY endpoint",
		(*endpointDelivery).fields)
	qAttempts = db.NewQuery("attempts of a delivery", "SELECT "+attemptColumns+" FROM webhook_attempt WHERE scope = ? AND event = ? AND endpoint = ? ORDER BY key DESC LIMIT ?",
		(*attemptRow).fields)
)

const ofEndpoint = "SELECT event, " + deliveryColumns + " FROM webhook_delivery WHERE scope = ? AND endpoint = ? AND event > ? AND event < ? AND state >= ? AND state <= ?"

// openLimit is how many deliveries of a lane are looked at: the header that names
// those that are passed has room for as many.
const openLimit = 500

// openIn gives the deliveries of a lane that are not acknowledged, by number.
func (v *Service) openIn(ctx context.Context, s id.Scope, endpoint, lane int64) ([]delivery, error) {
	rows, err := qOpen.All(ctx, v.DB, s.Key(), endpoint, lane, int64(openLimit))
	list := make([]delivery, len(rows))
	for i, r := range rows {
		list[i] = r.Row.delivery(r.Event)
	}
	return list, err
}

// live lists the endpoints of a scope that are not deleted.
func (v *Service) live(ctx context.Context, s id.Scope) (all []*object.Object[Endpoint], err error) {
	r := object.Range{Limit: 100, Where: map[string]any{"deleted": int64(0)}, Before: math.MaxInt64}
	for {
		page, more, err := Endpoints.List(ctx, v.DB, s, r)
		if all = append(all, page...); err != nil || !more {
			return all, err
		}
		r.Before = page[len(page)-1].Key
	}
}

// qScopeOf is a directory query: whoever runs the platform names an endpoint
// alone. The table has a row for each endpoint and no more.
var qScopeOf = db.NewQuery("scope of an endpoint", "SELECT scope FROM webhook_endpoint WHERE key = ?", int64Field)

// Find gives an endpoint by its key alone, for those who run the platform, and
// whether there is one.
func (v *Service) Find(ctx context.Context, key int64) (*object.Object[Endpoint], bool, error) {
	scopes, err := qScopeOf.All(ctx, v.DB, key)
	if err != nil || len(scopes) == 0 {
		return nil, false, err
	}
	return v.Retrieve(ctx, id.ScopeOf(scopes[0]), key)
}
