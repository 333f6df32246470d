package payout

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider"
)

// ResolveByHand settles a payout's attempt about which a break is open as a
// person says, and posts what follows.
func (v *Service) ResolveByHand(ctx context.Context, s id.Scope, key int64, r payment.Resolution) error {
	if err := r.Check(); err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payout.resolve-by-hand", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, key)}, Do: func(tx *db.Tx) error {
		a, ok, err := Attempts.Get(tx, s, key)
		if err == nil && !ok {
			err = fault.Missing(fault.NotFound, "attempt", Attempts.Name, Reference(s, key))
		}
		if err != nil {
			return err
		}
		if a.Body.Break.IsZero() {
			return fault.New(fault.Invalid, "", "No break is open about %s, which is %s: what became of it is found out by itself. A person can settle it when that was not possible for a day.", Reference(s, key), a.Body.State)
		}
		said, o := "failed", provider.Outcome{Status: provider.Failed}
		if r.Succeeded {
			said, o = "succeeded", provider.Outcome{Status: provider.Approved}
		}
		v.Log.Info("a person settles a payout", "attempt", Reference(s, key), "state", a.Body.State, "said", said, "by", r.By, "evidence", r.Evidence)
		r.At = tx.Now()
		a.Body.Resolution, a.Body.Note = &r, "settled by a person"
		if err := v.explain(tx, a, fmt.Sprintf("%s says that it %s: %s", r.By, said, r.Evidence)); err != nil {
			return err
		}
		switch {
		case a.Body.open():
			return v.apply(tx, a, o)
		case r.Succeeded == (a.Body.State == Approved):
			return Attempts.Update(tx, a) // the books have said so all the time
		case r.Succeeded && (a.Body.State == AttemptFailed || a.Body.State == Declined):
			return v.late(tx, a, o)
		}
		return fault.New(fault.Invalid, "", "%s is booked as %s. Resolve its break with the posting that is due instead.", Reference(s, key), a.Body.State)
	}})
}

// Find gives the scope and the key of the attempt that a reference of ours names.
func (v *Service) Find(ctx context.Context, reference string) (s id.Scope, key int64, ok bool, err error) {
	key, ok = Attempts.Prefix.Parse(reference)
	if !ok {
		return s, 0, false, nil
	}
	s, err = v.scopeOf(ctx, key)
	return s, key, s != (id.Scope{}), err
}
