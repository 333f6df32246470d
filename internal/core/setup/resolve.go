package setup

import (
	"context"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// abandonAfter is how long a holder may take to authenticate, and for how long
// an outcome is asked for.
const abandonAfter = 24 * time.Hour

// Sweep resolves the attempts that are due, at most limit of them, and tells
// how many it looked at.
func (v *Service) Sweep(ctx context.Context, limit int) (int, error) {
	due, err := qDue.All(ctx, v.DB, v.DB.Clock().Now().UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	var problems error
	for _, d := range due {
		problems = errors.Join(problems, v.Resolve(ctx, id.ScopeOf(d.Scope), AttemptID(d.Key)))
	}
	return len(due), problems
}

// Resolve finds out what became of an attempt that is due: by asking the
// provider, which is sent it again under its reference if it knows nothing of
// it. After a day it is given up.
func (v *Service) Resolve(ctx context.Context, s id.Scope, key AttemptID) error {
	a, err := v.claim(ctx, s, key)
	if a == nil || err != nil {
		return err
	}
	probe.Point("setup.claimed")
	if v.DB.Clock().Now().Sub(id.Time(a.Key)) > abandonAfter {
		return v.abandon(ctx, a)
	}
	o := v.ask(ctx, a)
	if o.Status == provider.Unknown && !o.Retryable {
		return v.later(ctx, a)
	}
	if o.Retryable { // it is not known there
		o = v.call(ctx, a)
		if o.Status == provider.Failed {
			return v.later(ctx, a) // which says nothing about the first sending
		}
	}
	_, err = v.settle(ctx, a, o, nil)
	return err
}

// ask asks how an attempt stands. An outcome that is Unknown and Retryable means
// that the provider knows nothing of it.
func (v *Service) ask(ctx context.Context, a *object.Object[Attempt]) provider.Outcome {
	p := v.Payment.Providers[a.Body.Provider]
	if p.Inquire == nil {
		return provider.Outcome{Retryable: true}
	}
	ctx, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	f := p.Inquire(ctx, Reference(a.Scope, AttemptID(a.Key)))
	switch f.Answer {
	case provider.Found:
		f.Outcome.Retryable = false
		return f.Outcome
	case provider.NotFound:
		return provider.Outcome{Retryable: true}
	}
	return provider.Outcome{}
}

// claim takes an attempt that is due for a while; nil: there is nothing to do.
func (v *Service) claim(ctx context.Context, s id.Scope, key AttemptID) (claimed *object.Object[Attempt], err error) {
	err = v.DB.Run(ctx, db.Step{Name: "setup.claim", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key))}, Do: func(tx *db.Tx) error {
		claimed = nil
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil || !a.Body.Open() || tx.Now().Before(a.Body.Due) {
			return err
		}
		a.Body.Tries++
		a.Body.Due = tx.Now().Add(2*v.Payment.Providers[a.Body.Provider].Traits.Timeout + payment.Margin)
		a.Body.Lease = payment.NewLease(tx, a.Body.Due)
		claimed = a
		return Attempts.Update(tx, a)
	}})
	return claimed, err
}

// later gives a claimed attempt back.
func (v *Service) later(ctx context.Context, held *object.Object[Attempt]) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "setup.later", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil || !a.Body.Due.Equal(held.Body.Due) {
			return err
		}
		a.Body.Due = tx.Now().Add(wait(a.Body.Tries))
		return Attempts.Update(tx, a)
	}})
}

// abandon gives up an attempt whose holder does not come back.
func (v *Service) abandon(ctx context.Context, held *object.Object[Attempt]) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "setup.abandon", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil || !a.Body.Open() {
			return err
		}
		o, err := get(tx, Intents, s, int64(a.Body.Intent))
		if err != nil {
			return err
		}
		a.Body.learn(provider.Outcome{ThreeDS: &payment.ThreeDS{Result: "failed", Reason: "abandoned"}})
		if err := v.fail(tx, a, o, notAuthenticated(), newsLeft); err != nil {
			return err
		}
		_, err = v.answer(tx, a, nil)
		return err
	}})
}

// Returned goes on with an intent whose holder comes back from authenticating,
// and gives it as it is then, and where the holder goes from here.
func (v *Service) Returned(ctx context.Context, s id.Scope, key AttemptID) (*object.Object[Intent], *payment.Payer, error) {
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err == nil && !ok {
		err = fault.Missing(fault.NotFound, "", Attempts.Name, Reference(s, key))
	}
	if err != nil {
		return nil, nil, err
	}
	if a.Body.Open() {
		if o := v.ask(ctx, a); o.Status.Definite() {
			if _, err := v.settle(context.WithoutCancel(ctx), a, o, nil); err != nil {
				return nil, nil, err
			}
		}
	}
	o, ok, err := Intents.Read(ctx, v.DB, s, int64(a.Body.Intent))
	if err == nil && !ok {
		err = fault.Missing(fault.NotFound, "", Intents.Name, Intents.ID(s, int64(a.Body.Intent)))
	}
	return o, &a.Body.Payer, err
}
