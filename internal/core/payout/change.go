package payout

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Update changes a payout's metadata.
func (v *Service) Update(ctx context.Context, s id.Scope, key int64, change func(map[string]string) (map[string]string, error), r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "payout.update", s, r, []db.Need{Payouts.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, err
		}
		if o.Body.Metadata, err = change(o.Body.Metadata); err != nil {
			return nil, err
		}
		if err := Payouts.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(o), tell(tx, "payout.updated", o, by(r))
	})
}

// Cancel calls a payout off that was not handed to the bank yet.
func (v *Service) Cancel(ctx context.Context, s id.Scope, key int64, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "payout.cancel", s, r, []db.Need{Payouts.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, err
		}
		switch {
		case o.Body.Automatic:
			return nil, fault.New(fault.Invalid, "", "You can't cancel an automatic payout.")
		case o.Body.Status != Pending:
			return nil, fault.New(fault.Invalid, "", "Payouts can only be canceled while they are pending, and %s is %s.", Payouts.ID(s, key), o.Body.Status)
		}
		a, err := get(tx, Attempts, s, o.Body.Attempt)
		if err != nil {
			return nil, err
		}
		next, ok := attemptMachine.Next(a.Body.State, newsCancel)
		if !ok {
			return nil, busy(a)
		}
		a.Body.State, a.Body.Due = next, time.Time{}
		if err := Attempts.Update(tx, a); err != nil {
			return nil, err
		}
		if err := move(o, calledOff); err != nil {
			return nil, err
		}
		if o.Body.Original == 0 {
			if err := v.giveBack(tx, o, "payout_cancel", ledger.PayoutInTransit); err != nil {
				return nil, err
			}
		} else if err := v.freeOriginal(tx, o); err != nil {
			return nil, err
		}
		if err := Payouts.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(o), tell(tx, "payout.canceled", o, by(r))
	})
}

// busy refuses an operation on a payout that is being sent.
func busy(a *object.Object[Attempt]) *fault.Error {
	e := fault.New(fault.Locked, "lock_timeout", "The payout can't be changed now, since it is being handed to the bank (%s). Retrieve it to see what becomes of it.", Reference(a.Scope, a.Key))
	e.NoRetry = true
	return e
}

// giveBack returns a payout's money to the available balance.
func (v *Service) giveBack(tx *db.Tx, o *object.Object[Payout], typ string, from ledger.Kind) error {
	amount := o.Body.money()
	t := transaction(typ, o.Key, amount.Minor(), amount.Currency(), "")
	if from == ledger.Bank {
		a, err := get(tx, Attempts, o.Scope, o.Body.Attempt)
		if err != nil {
			return err
		}
		t.Provider, t.Reference = a.Body.Provider, Reference(a.Scope, a.Key)
	}
	posted, err := v.Book.Post(tx, o.Scope, t,
		ledger.Posting{Debit: from, Credit: ledger.Available, Amount: amount})
	if err == nil {
		o.Body.FailureTransaction = posted.Key
	}
	return err
}

// freeOriginal lets a payout be taken back anew, since this one did not.
func (v *Service) freeOriginal(tx *db.Tx, o *object.Object[Payout]) error {
	before, err := get(tx, Payouts, o.Scope, o.Body.Original)
	if err != nil {
		return err
	}
	before.Body.ReversedBy = 0
	return Payouts.Update(tx, before)
}

// Reverse has the bank take back a payout that arrived, by another payout of the
// negative amount, which the reply shows.
func (v *Service) Reverse(ctx context.Context, s id.Scope, key int64, metadata map[string]string, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "payout.reverse", s, r, []db.Need{Payouts.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, err
		}
		b := &o.Body
		switch {
		case b.Original != 0:
			return nil, fault.New(fault.Invalid, "", "The payout %s takes another one back; it can't be reversed itself.", Payouts.ID(s, key))
		case b.ReversedBy != 0:
			return nil, fault.New(fault.Invalid, "", "The payout %s is reversed by %s already.", Payouts.ID(s, key), Payouts.ID(s, b.ReversedBy))
		case b.Status == Pending:
			return nil, fault.New(fault.Invalid, "", "The payout %s is pending: cancel it instead.", Payouts.ID(s, key))
		case b.Status != Paid:
			return nil, fault.New(fault.Invalid, "", "Only payouts that are paid can be reversed, and %s is %s.", Payouts.ID(s, key), b.Status)
		}
		made, err := v.insert(tx, s, Payout{Amount: -b.Amount, Currency: b.Currency, Destination: b.Destination, Method: "standard",
			SourceType: b.SourceType, Original: key, Metadata: metadata}, tx.Now(), by(r))
		if err != nil {
			return nil, err
		}
		b.ReversedBy = made.Key
		if err := Payouts.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(made), tell(tx, "payout.updated", o, by(r))
	})
}
