package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service is the vault.
type Service struct {
	db     *db.DB
	master *secret.Master
	keys   *idem.Keys
	ring   *keyring

	// Holds, if set, reports in a step whether money is held for a customer, who
	// can't be deleted then.
	Holds func(*db.Tx, *object.Object[Customer]) (bool, error)
}

// New opens the vault in d. master seals everything in it.
func New(d *db.DB, master *secret.Master, keys *idem.Keys) *Service {
	return &Service{db: d, master: master, keys: keys, ring: newKeyring()}
}

// once runs an operation that is one step, under its idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need, decide func(*db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	needs = append(needs, event.Audience(s))
	if t := r.Ticket(); t != (idem.Ticket{}) {
		needs = append(needs, t.Need(s))
	}
	err = v.db.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.keys.Once(tx, s, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	}})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

// show is the reply that shows o.
func show[T any, N comparable](k *object.Kind[T, N], o *object.Object[T]) *idem.Reply {
	return &idem.Reply{Kind: k.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

// By is how events name the request r; nil is none.
func By(r *idem.Request) event.Request {
	if r == nil {
		return event.Request{}
	}
	return event.Request{ID: r.ID, IdempotencyKey: r.Key}
}

// tell writes the event kind about o, in o's own lane.
func tell[T any, N comparable](tx *db.Tx, v *Service, k *object.Kind[T, N], o *object.Object[T], kind string, by event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: o.Key, Type: kind, Kind: k.Name, Object: o.Ref(), Request: by})
}

// parse reads a public id of prefix p that belongs to scope s. Any other text
// gives key 0, which is the key of nothing.
func parse(p id.Prefix, s id.Scope, text string) (key int64, ok bool) {
	key, shard, ok := p.ParseShard(text)
	if !ok || shard != s.Shard() {
		return 0, false
	}
	return key, true
}

// missing is the refusal of a reference that names nothing. One that looks like
// a card number, sent in the wrong place, is not repeated.
func missing(kind fault.Kind, param, noun, reference string) error {
	if number := separators.Replace(reference); len(number) >= minDigits && digits(number) {
		reference = secret.Redacted
	}
	return fault.Missing(kind, param, noun, reference)
}

var errErasedPerson = fault.New(fault.Invalid, "", "The personal data of this object was erased and can't be set again.")
