// Package idem makes a request that is sent twice under one idempotency key
// happen once.
//
// The key is written in the operation's first step, together with what the
// step does, so that there is no moment at which the one is there without the
// other. It then goes through two states:
//
//	started   the operation is under way; a repetition is refused until the
//	          lease ends, and then goes on where the first one stopped
//	finished  the reply is recorded; a repetition gets it again
//
// A reply is not stored as bytes: it is the versions of the objects it shows
// and how to render them, or, for a refusal, the refusal, sealed.
package idem

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// Request is a call as idempotency sees it. A request without a key is
// executed each time.
type Request struct {
	ID        string   // of the call: "req_…"
	Key       string   // as the client sent it, at most 255 characters
	Hash      [32]byte // of the route and of the canonical parameters
	Rendering string   // how the door renders the reply; kept, not read
	// Lease is how long the operation may take before a repetition takes over.
	Lease time.Duration
}

// Reply is what an operation answers.
type Reply struct {
	// Error, if set, is the refusal.
	Error *fault.Error `json:"-"`
	// Kind is the kind of the object shown first; empty when there is none. A
	// refusal may show one too.
	Kind string `json:"o,omitempty"`
	// Shown are the versions that the reply shows, the main object's first.
	Shown []object.Ref `json:"s,omitempty"`
	// Rendering is the request's.
	Rendering string `json:"r,omitempty"`
	// At is when the reply was recorded.
	At time.Time `json:"t"`

	// Main is the object shown first where it is at hand, to spare a read.
	Main any `json:"-"`
	// Replayed tells that the operation was executed by an earlier request,
	// whose id is Origin.
	Replayed bool   `json:"-"`
	Origin   string `json:"-"`
}

// state of a key.
type state int64

const (
	// started: under way; left when the reply is recorded.
	started state = 1
	// finished: the reply is recorded; the row is deleted once its time is over
	// ([Retention], unless Florin is told otherwise).
	finished state = 2
)

const (
	// Retention is how long a key is kept after its first use, if nothing else is
	// said: as long as what it made can be read as an event.
	Retention = 30 * 24 * time.Hour
	// MinRetention is the least that may be said: what Stripe's API promises.
	MinRetention = 24 * time.Hour
)

type row struct {
	Request  []byte
	State    state
	Lease    time.Time
	Recovery int64
	Created  time.Time
	Origin   string
	Reply    string
	Sealed   []byte
}

var keys = db.NewTable("idempotency", "scope, hash_a, hash_b", "request, state, lease, recovery, created, origin, reply, sealed",
	func(r *row, f *db.Fields) {
		db.Bytes(f, &r.Request)
		db.Int(f, &r.State)
		db.Time(f, &r.Lease)
		db.Int(f, &r.Recovery)
		db.Time(f, &r.Created)
		db.Text(f, &r.Origin)
		db.Text(f, &r.Reply)
		db.Bytes(f, &r.Sealed)
	})

// Sealer keeps refusals from being read in the database.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Keys is the service.
type Keys struct {
	Sealer Sealer
	// Pin, if set, names the versions of the further objects that a reply shows
	// when rendered, besides the main one.
	Pin func(tx *db.Tx, s id.Scope, reply *Reply) ([]object.Ref, error)
}

// Ticket names the row of a key that is under way, for whoever finishes the
// operation. The zero Ticket is that of a request without a key.
type Ticket struct {
	A int64 `json:"a,omitempty"`
	B int64 `json:"b,omitempty"`
}

func (t Ticket) key(s id.Scope) db.Key { return db.Key{Scope: s.Key(), ID: t.A, Sub: t.B} }

// Need names the key's row for a step.
func (t Ticket) Need(s id.Scope) db.Need { return keys.Need(t.key(s)) }

// Ticket is the name of the request's key.
func (r *Request) Ticket() Ticket {
	if r == nil || r.Key == "" {
		return Ticket{}
	}
	sum := sha256.Sum256([]byte(r.Key))
	return Ticket{int64(binary.BigEndian.Uint64(sum[:])), int64(binary.BigEndian.Uint64(sum[8:]))}
}

// Begin looks at the key in an operation's step.
//
// For a new key it records that the operation is under way and gives nil and
// zero. For a finished one it gives the reply. For one that its first request
// left behind it takes the lease over and gives the recovery point that the
// first request set with [Keys.Recover]. Otherwise it refuses: kind KeyMismatch
// when the key was used for another request, KeyInUse while the first request
// is under way.
func (k *Keys) Begin(tx *db.Tx, s id.Scope, r *Request) (*Reply, int64, error) {
	if r == nil || r.Key == "" {
		return nil, 0, nil
	}
	at := r.Ticket().key(s)
	have, ok, err := keys.Get(tx, at)
	switch {
	case err != nil:
		return nil, 0, err
	case !ok:
		keys.Insert(tx, at, row{Request: r.Hash[:], State: started, Lease: tx.Now().Add(r.Lease), Created: tx.Now(), Origin: r.ID,
			Reply: r.Rendering})
		return nil, 0, nil
	case len(have.Request) == 0:
		return k.claim(tx, s, r, have)
	case string(have.Request) != string(r.Hash[:]) && !probe.Mutant("idem.no-hash"):
		return nil, 0, fault.New(fault.KeyMismatch, "", "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", r.Key)
	case have.State == finished:
		reply, err := k.open(s, at, have)
		return reply, 0, err
	case tx.Now().Before(have.Lease):
		return nil, 0, fault.New(fault.KeyInUse, "idempotency_key_in_use", "There is currently another in-progress request using this idempotency key (that probably means you submitted twice, and the other request is still going through): %s. Please try again later.", r.Key)
	}
	if !probe.Mutant("idem.lease-twice") {
		have.Lease = tx.Now().Add(r.Lease)
	}
	keys.Update(tx, at, have)
	return nil, have.Recovery, nil
}

// Known reports whether a request's key was used before: whether what comes is
// a repetition, as far as is known now.
func (k *Keys) Known(ctx context.Context, d *db.DB, s id.Scope, r *Request) (bool, error) {
	if r.Ticket() == (Ticket{}) {
		return false, nil
	}
	_, ok, err := keys.Read(ctx, d, r.Ticket().key(s))
	return ok, err
}

// Recover sets where a repetition goes on if this request is lost: the key of
// the attempt it has made.
func (k *Keys) Recover(tx *db.Tx, s id.Scope, t Ticket, point int64) error {
	if t == (Ticket{}) {
		return nil
	}
	have, ok, err := keys.Get(tx, t.key(s))
	if err != nil || !ok {
		return err
	}
	have.Recovery = point
	keys.Update(tx, t.key(s), have)
	return nil
}

// Finish records the reply. A key that is finished already keeps its reply:
// the first one to finish an operation is the one that counts.
func (k *Keys) Finish(tx *db.Tx, s id.Scope, t Ticket, reply *Reply) error {
	reply.At = tx.Now()
	if t == (Ticket{}) {
		return k.pin(tx, s, reply)
	}
	have, ok, err := keys.Get(tx, t.key(s))
	if err != nil || !ok || have.State == finished && !probe.Mutant("idem.last-reply-counts") {
		return err
	}
	if err := k.record(tx, s, t, &have, reply); err != nil {
		return err
	}
	keys.Update(tx, t.key(s), have)
	return nil
}

// record makes the row of a key finished.
func (k *Keys) record(tx *db.Tx, s id.Scope, t Ticket, have *row, reply *Reply) error {
	if reply.Rendering == "" {
		reply.Rendering = have.Reply
	}
	reply.Origin = have.Origin
	if err := k.pin(tx, s, reply); err != nil {
		return err
	}
	text, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	have.State, have.Lease, have.Reply = finished, time.Time{}, string(text)
	if reply.Error != nil {
		plain, err := json.Marshal(reply.Error)
		if err != nil {
			return err
		}
		if have.Sealed, err = k.Sealer.Seal(plain, sealContext(t.key(s))); err != nil {
			return err
		}
	}
	return nil
}

// Foresee records the reply to a request that was executed and is not in the
// database any more, such as one made after the backup that it was restored from.
// Of the request nothing is known but its key: whichever is sent under it first
// is taken for it, and answered in the way that it asks for.
func (k *Keys) Foresee(tx *db.Tx, s id.Scope, t Ticket, reply *Reply) error {
	if t == (Ticket{}) {
		return nil
	}
	_, there, err := keys.Get(tx, t.key(s))
	if there || err != nil {
		return err
	}
	reply.At = tx.Now()
	have := row{Created: tx.Now()}
	if err := k.record(tx, s, t, &have, reply); err != nil {
		return err
	}
	keys.Insert(tx, t.key(s), have)
	return nil
}

// claim takes a request for the one whose reply was foreseen.
func (k *Keys) claim(tx *db.Tx, s id.Scope, r *Request, have row) (*Reply, int64, error) {
	at := r.Ticket().key(s)
	reply, err := k.open(s, at, have)
	if err != nil {
		return nil, 0, err
	}
	reply.Rendering = r.Rendering
	text, err := json.Marshal(reply)
	if err != nil {
		return nil, 0, err
	}
	have.Request, have.Origin, have.Reply = r.Hash[:], r.ID, string(text)
	reply.Origin = r.ID
	keys.Update(tx, at, have)
	return reply, 0, nil
}

func (k *Keys) pin(tx *db.Tx, s id.Scope, reply *Reply) error {
	if k.Pin == nil || reply.Kind == "" {
		return nil
	}
	more, err := k.Pin(tx, s, reply)
	reply.Shown = append(reply.Shown, more...)
	return err
}

func (k *Keys) open(s id.Scope, at db.Key, have row) (*Reply, error) {
	reply := &Reply{Replayed: true, Origin: have.Origin}
	if err := json.Unmarshal([]byte(have.Reply), reply); err != nil {
		return nil, fmt.Errorf("reply under an idempotency key: %w", err)
	}
	if len(have.Sealed) > 0 {
		plain, err := k.Sealer.Open(have.Sealed, sealContext(at))
		if err != nil {
			return nil, fmt.Errorf("reply under an idempotency key: %w", err)
		}
		reply.Error = new(fault.Error)
		return reply, json.Unmarshal(plain, reply.Error)
	}
	return reply, nil
}

// sealContext binds a sealed refusal to its row.
func sealContext(at db.Key) []byte {
	return fmt.Appendf(nil, "idempotency/%d/%d/%d", at.Scope, at.ID, at.Sub)
}

// Once executes an operation that needs no provider, whole, in one step: it
// gives the recorded reply of an earlier execution, or runs decide and records
// its reply. A refusal by decide is recorded too, and none of decide's changes.
func (k *Keys) Once(tx *db.Tx, s id.Scope, r *Request, decide func() (*Reply, error)) (*Reply, error) {
	reply, _, err := k.Begin(tx, s, r)
	if reply != nil || err != nil {
		return reply, err
	}
	reply, err = decide()
	if err != nil {
		return k.Refuse(tx, s, r, err)
	}
	return reply, k.Finish(tx, s, r.Ticket(), reply)
}

// Refuse ends an operation that was refused in its first step. Refusals that
// are about the request are recorded under its key and come back as a reply;
// others, which a repetition may not meet, come back as the error.
func (k *Keys) Refuse(tx *db.Tx, s id.Scope, r *Request, refusal error) (*Reply, error) {
	e, ok := fault.As(refusal)
	if !ok || (e.Kind != fault.Invalid && e.Kind != fault.Declined && e.Kind != fault.NotFound) {
		return nil, refusal
	}
	tx.Discard()
	reply := &Reply{Error: e}
	if _, _, err := k.Begin(tx, s, r); err != nil {
		return nil, err
	}
	return reply, k.Finish(tx, s, r.Ticket(), reply)
}

// qExpired is a directory query: retention is one rule for all scopes, and the
// index on created finds what is old without visiting each of them. The same
// index gives the oldest key.
var (
	qExpired = db.NewQuery("expired idempotency keys", "SELECT scope, hash_a, hash_b FROM idempotency WHERE created < ? AND state = ? ORDER BY created LIMIT ?",
		func(k *db.Key, f *db.Fields) {
			db.Int(f, &k.Scope)
			db.Int(f, &k.ID)
			db.Int(f, &k.Sub)
		})
	qOldest = db.NewQuery("oldest idempotency key", "SELECT created FROM idempotency WHERE created > 0 ORDER BY created LIMIT 1",
		func(t *time.Time, f *db.Fields) { db.Time(f, t) })
)

// Expire deletes keys that were first used before a time. A key that is still
// under way is left. Whoever uses a deleted key anew makes a new request, whatever
// its parameters are.
func Expire(ctx context.Context, d *db.DB, before time.Time, pace db.Pace) error {
	find := func(limit int64) ([]db.Key, error) {
		return qExpired.All(ctx, d, before.UnixMicro(), int64(finished), limit)
	}
	return db.Sweep(ctx, d, "idem.expire", keys, find, func(r row) bool { return r.State == finished }, pace)
}

// Oldest is when the oldest key that is kept was first used; zero when there is
// none.
func Oldest(ctx context.Context, d *db.DB) (time.Time, error) {
	list, err := qOldest.All(ctx, d)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0], nil
}
