package setup

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Service sets payment methods up.
type Service struct {
	DB    *db.DB
	Keys  *idem.Keys
	Vault *vault.Service
	// Payment says which provider is asked.
	Payment *payment.Service
	Log     *slog.Logger
	// Landing is as in [payment.Service].
	Landing func(id.Scope, AttemptID) string
}

// begun is what the first step of an operation leaves to its caller.
type begun struct {
	reply   *idem.Reply             // ends the operation here
	attempt *object.Object[Attempt] // is to be sent
	resume  AttemptID               // of an earlier execution under the same key
}

// operate runs an operation: first decides within the first step and either
// replies or makes an attempt, which is then sent and settled.
func (v *Service) operate(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need,
	first func(*db.Tx) (*idem.Reply, *object.Object[Attempt], error)) (*idem.Reply, error) {
	if r != nil {
		own := *r // the caller's stays as it is
		if p, err := v.Payment.Acquirer(s); err == nil {
			own.Lease = p.Traits.Timeout + payment.Margin
		}
		r = &own
	}
	var out begun
	err := v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: append(needs, r.Ticket().Need(s)), Do: func(tx *db.Tx) (err error) {
		out, err = v.begin(tx, s, r, first)
		return err
	}})
	switch {
	case err != nil:
		return nil, err
	case out.resume != 0:
		return v.resume(context.WithoutCancel(ctx), s, r, out.resume)
	case out.reply != nil:
		return out.reply, nil
	}
	return v.send(context.WithoutCancel(ctx), out.attempt, r)
}

func (v *Service) begin(tx *db.Tx, s id.Scope, r *idem.Request, first func(*db.Tx) (*idem.Reply, *object.Object[Attempt], error)) (begun, error) {
	reply, recovery, err := v.Keys.Begin(tx, s, r)
	if reply != nil || recovery != 0 || err != nil {
		return begun{reply: reply, resume: AttemptID(recovery)}, err
	}
	reply, attempt, err := first(tx)
	switch {
	case err != nil:
		reply, err = v.Keys.Refuse(tx, s, r, err)
		return begun{reply: reply}, err
	case attempt != nil:
		return begun{attempt: attempt}, v.Keys.Recover(tx, s, r.Ticket(), attempt.Key)
	}
	return begun{reply: reply}, v.Keys.Finish(tx, s, r.Ticket(), reply)
}

// send asks the provider to have the holder authenticate, and settles what it
// says. r is the request that waits, if one does.
func (v *Service) send(ctx context.Context, a *object.Object[Attempt], r *idem.Request) (*idem.Reply, error) {
	probe.Point("setup.before-send")
	o := v.call(ctx, a)
	probe.Point("setup.after-send")
	reply, err := v.settle(ctx, a, o, r)
	probe.Point("setup.settled")
	return reply, err
}

func (v *Service) call(ctx context.Context, a *object.Object[Attempt]) provider.Outcome {
	b := &a.Body
	p, ok := v.Payment.Providers[b.Provider]
	switch {
	case !ok:
		return provider.Outcome{Status: provider.Failed, Message: fmt.Sprintf("provider %q is not configured", b.Provider)}
	case p.Authenticate == nil || b.Type != "": // nobody to ask: the method is as good as it will get
		return provider.Outcome{Status: provider.Approved}
	}
	card, err := v.Vault.CardData(ctx, a.Scope, b.Card)
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: err.Error()}
	}
	back := b.Payer.ReturnURL
	if v.Landing != nil {
		back = b.Payer.Origin + v.Landing(a.Scope, AttemptID(a.Key))
	}
	ctx, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	return p.Authenticate(ctx, provider.AuthenticateRequest{Reference: Reference(a.Scope, AttemptID(a.Key)), Amount: noAmount, Card: card,
		Challenge: b.Payer.Challenge, SetUp: b.Usage == vault.OffSession, ReturnURL: back})
}

// settle applies an outcome to an attempt that is open, and records the reply
// for the request that waits.
func (v *Service) settle(ctx context.Context, held *object.Object[Attempt], o provider.Outcome, r *idem.Request) (reply *idem.Reply, err error) {
	s := held.Scope
	needs := []db.Need{Attempts.Need(s, held.Key), held.Body.Ticket.Need(s), Intents.Need(s, int64(held.Body.Intent)), event.Lane(s, int64(held.Body.Intent)),
		vault.PaymentMethods.Need(s, held.Body.Method.Key)}
	err = v.DB.Run(ctx, db.Step{Name: "setup.settle", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil {
			return err
		}
		if a.Body.Open() {
			if err := v.apply(tx, a, o); err != nil {
				return err
			}
		}
		reply, err = v.answer(tx, a, r)
		return err
	}})
	return reply, err
}

// resume goes on for a request that is repeated under its key after the first
// one was lost.
func (v *Service) resume(ctx context.Context, s id.Scope, r *idem.Request, key AttemptID) (*idem.Reply, error) {
	if err := v.Resolve(ctx, s, key); err != nil {
		return nil, err
	}
	var reply *idem.Reply
	err := v.DB.Run(ctx, db.Step{Name: "setup.resume", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key)), r.Ticket().Need(s)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		reply, err = v.answer(tx, a, r)
		return err
	}})
	return reply, err
}

// answer is the reply to the request behind an attempt: the one that others
// have recorded for it, or as things stand, which it then records.
func (v *Service) answer(tx *db.Tx, a *object.Object[Attempt], r *idem.Request) (*idem.Reply, error) {
	recorded, _, err := v.Keys.Begin(tx, a.Scope, r)
	if recorded != nil || err != nil && fault.KindOf(err) != fault.KeyInUse {
		return recorded, err
	}
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return nil, err
	}
	reply := shown(o)
	reply.Error = a.Body.Error
	return reply, v.Keys.Finish(tx, a.Scope, a.Body.Ticket, reply)
}

// shown is the reply that shows an intent.
func shown(o *object.Object[Intent]) *idem.Reply {
	return &idem.Reply{Kind: Intents.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

// tell writes an event about an intent into its lane.
func tell(tx *db.Tx, typ string, o *object.Object[Intent], r event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: o.Key, Type: typ, Kind: Intents.Name, Object: o.Ref(), Request: r})
}

// get loads an object that must be there because another one names it.
func get[T any, N comparable](tx *db.Tx, k *object.Kind[T, N], s id.Scope, key int64) (*object.Object[T], error) {
	o, ok, err := k.Get(tx, s, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s %d is missing", k.Name, key)
	}
	return o, err
}

// move changes an intent's status by its table.
func move(o *object.Object[Intent], on Trigger) error {
	next, ok := intentMachine.Next(o.Body.Status, on)
	if !ok {
		return fmt.Errorf("setup_intent %d: %s in status %s", o.Key, on, o.Body.Status)
	}
	o.Body.Status = next
	return nil
}
