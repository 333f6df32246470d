package vault

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// erasePage is how many payment methods are erased in one step.
const erasePage = 100

// EraseCustomer makes a person unreadable for good: the customer is deleted,
// and the data keys of its personal data, of that of all payment methods that
// it ever had, and of their cards are overwritten. It may be repeated, and is
// complete when it returns nil. 404 for a customer that is not there.
func (v *Service) EraseCustomer(ctx context.Context, s id.Scope, customer string) error {
	key, _ := parse(Customers.Prefix, s, customer)
	needs := []db.Need{Customers.Need(s, key), subjects.Need(at(s, key))}
	err := v.db.Run(ctx, db.Step{Name: "vault.erase_customer", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
		o, ok, err := Customers.Get(tx, s, key)
		if err != nil {
			return err
		}
		if !ok {
			return missing(fault.NotFound, "id", "customer", customer)
		}
		if !o.Body.Deleted || o.Body.EmailHash != 0 {
			o.Body.Deleted, o.Body.EmailHash = true, 0
			if err := Customers.Update(tx, o); err != nil {
				return err
			}
		}
		return eraseSubject(tx, s, key)
	}})
	if err != nil {
		return err
	}
	v.ring.drop(at(s, key))
	return v.eraseMethods(ctx, s, key)
}

// eraseMethods goes through the methods of a deleted customer, who gets no new
// ones.
func (v *Service) eraseMethods(ctx context.Context, s id.Scope, customer int64) error {
	last := int64(0)
	for {
		page, err := ownedMethods.All(ctx, v.db, s.Key(), customer, last, int64(erasePage))
		if err != nil || len(page) == 0 {
			return err
		}
		needs := make([]db.Need, len(page))
		for i, k := range page {
			needs[i] = PaymentMethods.Need(s, k.Key)
		}
		var gone []int64
		err = v.db.Run(ctx, db.Step{Name: "vault.erase_methods", Scope: s.Key(), Needs: needs, Do: func(tx *db.Tx) error {
			gone = gone[:0]
			// All rows are asked for before the first refusal, so that the step
			// runs again once and not once a row.
			var errs error
			for _, k := range page {
				m, ok, err := PaymentMethods.Get(tx, s, k.Key)
				if ok && err == nil {
					gone = append(append(gone, m.Body.Subject), m.Body.Mandates...)
					err = eraseMethod(tx, s, &m.Body)
				}
				errs = errors.Join(errs, err)
			}
			return errs
		}})
		if err != nil {
			return err
		}
		for _, subject := range gone {
			v.ring.drop(at(s, subject))
		}
		last = page[len(page)-1].Key
	}
}

func eraseMethod(tx *db.Tx, s id.Scope, m *PaymentMethod) (errs error) {
	if m.Subject != 0 {
		errs = eraseSubject(tx, s, m.Subject)
	}
	row := at(s, m.CardRow)
	_, number, err := cards.Get(tx, row)
	if number {
		cards.Delete(tx, row)
	}
	_, cvc, err2 := cvcs.Get(tx, row)
	if cvc {
		cvcs.Delete(tx, row)
	}
	for _, mandate := range m.Mandates {
		errs = errors.Join(errs, eraseSubject(tx, s, mandate))
	}
	errs = errors.Join(errs, err, err2)
	if m.CardRow == 0 { // nothing was sealed
		return errs
	}
	return errors.Join(errs, eraseSubject(tx, s, m.CardRow))
}

// eraseSubject overwrites a data key. The row stays, or is made, so that the
// subject never gets another one.
func eraseSubject(tx *db.Tx, s id.Scope, subject int64) error {
	_, ok, err := subjects.Get(tx, at(s, subject))
	switch {
	case err != nil:
		return err
	case ok:
		subjects.Update(tx, at(s, subject), nil)
	default:
		subjects.Insert(tx, at(s, subject), nil)
	}
	return nil
}
