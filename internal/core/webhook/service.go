package webhook

import (
	"context"
	"log/slog"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service makes endpoints and serves them. All fields are set before its use;
// who only looks needs no more than DB.
type Service struct {
	DB       *db.DB
	Keys     *idem.Keys
	Sealer   Sealer
	Renderer Renderer
	Sender   Sender
	Notifier Notifier
	Log      *slog.Logger
}

// Sealer keeps secrets from being read in the database.
type Sealer interface {
	Seal(plaintext, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Renderer shows events.
type Renderer interface {
	// RenderEvent gives an event as it is sent, at an API version, which is the
	// account's where empty: its object as it was at the time of the event; pending is
	// to how many endpoints it is still to be delivered.
	RenderEvent(ctx context.Context, e *event.Event, version string, pending int) ([]byte, error)
}

// Sender is the medium: it carries requests to merchants' servers.
type Sender interface {
	// Send posts a request and gives the answer, whatever its status. It follows
	// no redirect. An error says that there was no answer, or no complete one.
	Send(ctx context.Context, r Request) (Answer, error)
}

// Request is what is sent.
type Request struct {
	URL    string
	Header [][2]string // names and values
	Body   []byte
	// Public demands an address that anybody can reach: one that is private, of
	// this machine or of its link is not to be called.
	Public bool
}

// Answer is what comes back.
type Answer struct {
	Status int
	Body   []byte // its first bytes
}

// Notifier tells merchants what they must know.
type Notifier interface {
	// EndpointDisabled tells that Florin has disabled an endpoint.
	EndpointDisabled(ctx context.Context, n Notice) error
}

// Notice is about an endpoint that Florin has disabled. It is the payload of a
// [NoticeJob].
type Notice struct {
	Account  int64     `json:"account"` // row key
	Livemode bool      `json:"livemode"`
	ID       string    `json:"id"`      // the endpoint's
	Failing  time.Time `json:"failing"` // since when every request failed
}

// DisabledEvent is the type of the event that tells of an endpoint that Florin has
// disabled, to whoever reads events and to other endpoints.
const DisabledEvent = "florin.webhook_endpoint.disabled"

// NoticeJob is the kind of the jobs that call [Notifier].
const NoticeJob = "webhook.notice"

// once runs an operation that is one step, under its idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need, decide func(*db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	if t := r.Ticket(); t != (idem.Ticket{}) {
		needs = append(needs, t.Need(s))
	}
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	}})
	if err != nil {
		return nil, err
	}
	return reply, nil
}

func shown(o *object.Object[Endpoint]) *idem.Reply {
	return &idem.Reply{Kind: Endpoints.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

// Params say what an endpoint is to be. Nil leaves as it is.
type Params struct {
	URL         *string
	Events      []string
	Version     string // when it is made only
	Description *string
	Disabled    *bool
	// Metadata changes the metadata.
	Metadata func(map[string]string) (map[string]string, error)
}

// apply changes e, and refuses what can't be.
func (p *Params) apply(s id.Scope, e *Endpoint) error {
	if p.URL != nil {
		if err := checkURL(s, *p.URL); err != nil {
			return err
		}
		e.URL = *p.URL
	}
	if p.Events != nil {
		if err := checkEvents(p.Events); err != nil {
			return err
		}
		e.Events = p.Events
	}
	if p.Description != nil {
		e.Description = *p.Description
	}
	if p.Disabled != nil {
		e.Disabled, e.Reason = *p.Disabled, ""
	}
	if p.Metadata == nil {
		return nil
	}
	changed, err := p.Metadata(e.Metadata)
	if err == nil {
		e.Metadata = changed
	}
	return err
}

// sealContext binds a secret to its endpoint.
func sealContext(s id.Scope, endpoint int64) []byte {
	return secret.Context("webhook_endpoint", Endpoints.ID(s, endpoint), "secret")
}

func (v *Service) seal(s id.Scope, endpoint int64) (Secret, error) {
	sealed, err := v.Sealer.Seal([]byte(newSecret().Reveal()), sealContext(s, endpoint))
	return Secret{Sealed: sealed}, err
}

// Secrets opens the secrets of an endpoint that sign at an instant, the present
// one first.
func (v *Service) Secrets(o *object.Object[Endpoint], now time.Time) (list []hidden.Text, err error) {
	for _, s := range o.Body.alive(now) {
		plain, err := v.Sealer.Open(s.Sealed, sealContext(o.Scope, o.Key))
		if err != nil {
			return nil, err
		}
		list = append(list, hidden.NewText(string(plain)))
	}
	return list, nil
}

// Create makes an endpoint, which is told of what happens from now on.
func (v *Service) Create(ctx context.Context, s id.Scope, p *Params, r *idem.Request) (*idem.Reply, error) {
	key := v.DB.IDs().Next()
	made, err := v.seal(s, key)
	if err != nil {
		return nil, err
	}
	return v.once(ctx, "webhook.create", s, r, []db.Need{event.Audience(s)}, func(tx *db.Tx) (*idem.Reply, error) {
		body := Endpoint{Version: p.Version, Secrets: []Secret{made}, Fresh: true}
		if err := p.apply(s, &body); err != nil {
			return nil, err
		}
		if err := event.Listen(tx, s); err != nil {
			return nil, err
		}
		o, err := Endpoints.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		return shown(o), nil
	})
}

// change changes an endpoint that is not deleted.
func (v *Service) change(ctx context.Context, name string, s id.Scope, key int64, r *idem.Request, needs []db.Need, f func(*db.Tx, *object.Object[Endpoint]) error) (*idem.Reply, error) {
	needs = append(needs, Endpoints.Need(s, key))
	return v.once(ctx, name, s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Endpoints.Get(tx, s, key)
		if err != nil {
			return nil, err
		}
		if !ok || o.Body.Deleted {
			return nil, Missing(s, key)
		}
		o.Body.Fresh = false
		if err := f(tx, o); err != nil {
			return nil, err
		}
		if err := Endpoints.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(o), nil
	})
}

// Missing is the refusal of an endpoint that is not there.
func Missing(s id.Scope, key int64) error {
	return fault.Missing(fault.NotFound, "webhook_endpoint", "webhook endpoint", Endpoints.ID(s, key))
}

// Update changes an endpoint. What was to be sent to a disabled one when it is
// enabled again, and is not due yet, is sent.
func (v *Service) Update(ctx context.Context, s id.Scope, key int64, p *Params, r *idem.Request) (*idem.Reply, error) {
	at := queueKey(s, key)
	return v.change(ctx, "webhook.update", s, key, r, []db.Need{queues.Need(at)}, func(tx *db.Tx, o *object.Object[Endpoint]) error {
		was := o.Body.Disabled
		if err := p.apply(s, &o.Body); err != nil || !was || o.Body.Disabled {
			return err
		}
		q, ok, err := queues.Get(tx, at)
		if ok { // a new start: what failed before does not count
			q.Failing = time.Time{}
			queues.Update(tx, at, q)
		}
		return err
	})
}

// Roll gives an endpoint another secret. The present one signs too until a time
// at most [MaxRoll] away.
func (v *Service) Roll(ctx context.Context, s id.Scope, key int64, overlap time.Duration, r *idem.Request) (*idem.Reply, error) {
	if overlap < 0 || overlap > MaxRoll {
		return nil, fault.Param("expires_in", "", "The old secret can sign for at most %d seconds more.", int64(MaxRoll/time.Second))
	}
	made, err := v.seal(s, key)
	if err != nil {
		return nil, err
	}
	return v.change(ctx, "webhook.roll", s, key, r, nil, func(tx *db.Tx, o *object.Object[Endpoint]) error {
		old := o.Body.Secrets[0]
		o.Body.Secrets, o.Body.Fresh = []Secret{made}, true
		if overlap > 0 {
			old.Until = tx.Now().Add(overlap)
			o.Body.Secrets = append(o.Body.Secrets, old)
		}
		return nil
	})
}

// Delete ends an endpoint. Nothing is sent to it any more.
func (v *Service) Delete(ctx context.Context, s id.Scope, key int64, r *idem.Request) (*idem.Reply, error) {
	at := queueKey(s, key)
	return v.change(ctx, "webhook.delete", s, key, r, []db.Need{queues.Need(at)}, func(tx *db.Tx, o *object.Object[Endpoint]) error {
		o.Body.Deleted, o.Body.Secrets = true, nil
		return mark(tx, at, false)
	})
}

// mark tells whoever serves the endpoint, or will, that there is something to do.
// Where there is no row yet it makes one, if it is to.
func mark(tx *db.Tx, at db.Key, make bool) error {
	q, ok, err := queues.Get(tx, at)
	switch {
	case err != nil:
		return err
	case ok:
		q.Mark++
		if q.Owner == 0 {
			q.Due = tx.Now()
		}
		queues.Update(tx, at, q)
	case make:
		queues.Insert(tx, at, queue{Due: tx.Now(), Mark: 1})
	}
	return nil
}

// Retrieve reads an endpoint that is not deleted, and reports whether there is
// one.
func (v *Service) Retrieve(ctx context.Context, s id.Scope, key int64) (*object.Object[Endpoint], bool, error) {
	o, ok, err := Endpoints.Read(ctx, v.DB, s, key)
	if !ok || err != nil || o.Body.Deleted {
		return nil, false, err
	}
	return o, true, nil
}
