package merchant

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// BalanceSettings is the part of an account that says when it is paid out.
const BalanceSettings = "balance_settings"

// changed are the events that tell of a change, by what is shown.
var changed = map[string]string{Accounts.Name: "account.updated", BalanceSettings: "balance_settings.updated"}

// Change changes the account of a scope in one step, under an idempotency key of
// that scope, and writes an event in the scope's mode. kind is as what the reply
// and the event show the account: itself, or a part of it that the API has an
// object of its own for. change may run several times.
func (v *Service) Change(ctx context.Context, s id.Scope, keys *idem.Keys, kind string, r *idem.Request, change func(*Account) error) (reply *idem.Reply, err error) {
	home := Home(s.Account)
	needs := []db.Need{Accounts.Need(home, s.Account), r.Ticket().Need(s), event.Lane(s, s.Account)}
	err = v.db.Run(ctx, db.Step{Name: "merchant.change", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) (err error) {
		reply, err = keys.Once(tx, s, r, func() (*idem.Reply, error) {
			o, ok, err := Accounts.Get(tx, home, s.Account)
			if err == nil && !ok {
				err = fmt.Errorf("merchant: there is no account %d", s.Account)
			}
			if err != nil {
				return nil, err
			}
			if err := change(&o.Body); err != nil {
				return nil, err
			}
			if err := o.Body.check(); err != nil {
				return nil, err
			}
			if err := Accounts.Update(tx, o); err != nil {
				return nil, err
			}
			e := event.Event{Scope: s, Key: tx.NewKey(), Lane: s.Account, Type: changed[kind], Kind: kind, Object: o.Ref()}
			if r != nil {
				e.Request = event.Request{ID: r.ID, IdempotencyKey: r.Key}
			}
			if err := event.Append(tx, e); err != nil {
				return nil, err
			}
			return &idem.Reply{Kind: kind, Shown: []object.Ref{o.Ref()}, Main: o}, nil
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	v.accounts.forget(s.Account)
	return reply, nil
}

// Read gives the account of a scope as it is committed.
func (v *Service) Read(ctx context.Context, s id.Scope) (*object.Object[Account], error) {
	o, ok, err := Accounts.Read(ctx, v.db, Home(s.Account), s.Account)
	if err == nil && !ok {
		err = fmt.Errorf("merchant: there is no account %d", s.Account)
	}
	return o, err
}
