package payment

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Margin is added to a provider's time-out for the lease of an attempt, and to
// its horizon before absence counts.
const Margin = 10 * time.Second

// Service takes payments.
type Service struct {
	DB       *db.DB
	Keys     *idem.Keys
	Vault    *vault.Service
	Merchant *merchant.Service
	Book     *ledger.Book
	// Providers by name, and those that new payments go to in test mode and in
	// live mode; empty: there are none.
	Providers map[string]provider.Provider
	Default   string
	Live      string
	// Own are the types of payment methods that Florin serves without a provider.
	Own []string
	Log *slog.Logger
	// Aftermath looks after disputes; nil: what is told of them waits.
	Aftermath Aftermath
	// Funds keeps what customers have sent ahead; nil: nothing is paid with that.
	Funds Funds
	// Breaks are told what nobody can explain; nil: it is logged alone.
	Breaks Breaks
	// Landing is the path on Florin's own address that a payer comes back to from
	// an authentication. It can't be guessed. Nil: there is none, and what came of
	// an authentication is found by asking the provider now and then.
	Landing func(id.Scope, AttemptID) string
}

func (v *Service) clock() clock.Clock { return v.DB.Clock() }

// route chooses the provider of a new payment.
func (v *Service) route(s id.Scope) (string, error) {
	name := v.Default
	if s.Livemode {
		name = v.Live
	}
	if name == "" {
		return "", fault.New(fault.Invalid, "", "No provider is configured that could take this payment in live mode. Use a test key to pay through the sandbox.")
	}
	return name, nil
}

func (v *Service) provider(name string) (provider.Provider, error) {
	p, ok := v.Providers[name]
	if !ok {
		return provider.Provider{}, fmt.Errorf("provider %q is not configured", name)
	}
	return p, nil
}

// begun is what the first step of an operation leaves to its caller.
type begun struct {
	// reply ends the operation here.
	reply *idem.Reply
	// attempt is to be sent.
	attempt *object.Object[Attempt]
	// resume is an attempt of an earlier execution under the same key.
	resume AttemptID
}

// operate runs an operation: first decides within the first step and either
// replies or makes an attempt, which is then sent and settled.
func (v *Service) operate(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need,
	first func(*db.Tx) (*idem.Reply, *object.Object[Attempt], error)) (*idem.Reply, error) {
	if r != nil {
		own := *r // the caller's stays as it is
		own.Lease = v.lease()
		r = &own
	}
	var out begun
	err := v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: append(needs, r.Ticket().Need(s), event.Audience(s)), Do: func(tx *db.Tx) (err error) {
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
	// From here on the payer's money is at stake: a client that goes away must
	// not stop it half-way.
	if !probe.Mutant("payment.client-stops-it") {
		ctx = context.WithoutCancel(ctx)
	}
	return v.send(ctx, out.attempt, r)
}

func (v *Service) begin(tx *db.Tx, s id.Scope, r *idem.Request, first func(*db.Tx) (*idem.Reply, *object.Object[Attempt], error)) (out begun, err error) {
	reply, recovery, err := v.Keys.Begin(tx, s, r)
	if reply != nil || recovery != 0 || err != nil {
		return begun{reply: reply, resume: AttemptID(recovery)}, err
	}
	reply, attempt, err := first(tx)
	switch {
	case err != nil:
		reply, err = v.Keys.Refuse(tx, s, r, err)
		return begun{reply: reply}, err
	case attempt != nil && probe.Mutant("payment.no-recovery-point"):
		return begun{attempt: attempt}, nil
	case attempt != nil:
		return begun{attempt: attempt}, v.Keys.Recover(tx, s, r.Ticket(), attempt.Key)
	}
	return begun{reply: reply}, v.Keys.Finish(tx, s, r.Ticket(), reply)
}

// lease is how long an operation may take before others may look after it.
func (v *Service) lease() time.Duration {
	longest := time.Duration(0)
	for _, p := range v.Providers {
		longest = max(longest, p.Traits.Timeout)
	}
	return longest + Margin
}

// shown is the reply that shows one object.
func shown[T any, N comparable](k *object.Kind[T, N], o *object.Object[T]) *idem.Reply {
	return &idem.Reply{Kind: k.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}

// request is what events say of the request that caused them.
func request(r *idem.Request) event.Request {
	if r == nil {
		return event.Request{}
	}
	return event.Request{ID: r.ID, IdempotencyKey: r.Key}
}

// tell writes an event about an object into the lane of its intent.
func tell[T any, N comparable](tx *db.Tx, intent IntentID, typ string, k *object.Kind[T, N], o *object.Object[T], r event.Request) error {
	return event.Append(tx, event.Event{Scope: o.Scope, Key: tx.NewKey(), Lane: int64(intent), Type: typ, Kind: k.Name, Object: o.Ref(), Request: r})
}

// get loads an object that must be there because another one names it.
func get[T any, N comparable](tx *db.Tx, k *object.Kind[T, N], s id.Scope, key int64) (*object.Object[T], error) {
	o, ok, err := k.Get(tx, s, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s %d is missing", k.Name, key)
	}
	return o, err
}

// find loads an object that a caller named.
func find[T any, N comparable](tx *db.Tx, k *object.Kind[T, N], s id.Scope, key int64, kind fault.Kind, param string) (*object.Object[T], error) {
	o, ok, err := k.Get(tx, s, key)
	if err == nil && !ok {
		err = fault.Missing(kind, param, k.Name, k.ID(s, key))
	}
	return o, err
}
