package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// UpdatePaymentMethod changes a payment method that is attached to a customer.
func (v *Service) UpdatePaymentMethod(ctx context.Context, s id.Scope, method string, p *MethodParams, r *idem.Request) (*idem.Reply, error) {
	key, _ := methodKey(s, method)
	fresh, err := sealPerson(v, s, key, fieldBilling, Billing{Name: "-"})
	if err != nil {
		return nil, err
	}
	needs := []db.Need{PaymentMethods.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.update_payment_method", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		m, err := methodIn(tx, s, key, method)
		if err != nil {
			return nil, err
		}
		if m.Body.Customer == 0 {
			return nil, fault.New(fault.Invalid, "", "You must save this PaymentMethod to a customer before you can update it.")
		}
		if err := v.change(tx, m, p, fresh); err != nil {
			return nil, err
		}
		if err := PaymentMethods.Update(tx, m); err != nil {
			return nil, err
		}
		return show(PaymentMethods, m), tell(tx, v, PaymentMethods, m, "payment_method.updated", By(r))
	})
}

func (v *Service) change(tx *db.Tx, m *object.Object[PaymentMethod], p *MethodParams, fresh personDraft) (err error) {
	b := &m.Body
	if b.Type != TypeCard && (p.Preferred != nil || p.ExpMonth != nil || p.ExpYear != nil) {
		return fault.Param("card", "", "You cannot update the card of a PaymentMethod of type %s.", b.Type)
	}
	if b.Type != TypeACH && (p.HolderType != nil || p.AccountType != nil) {
		return fault.Param(TypeACH, "", "You cannot update the bank account of a PaymentMethod of type %s.", b.Type)
	}
	if b.Account != nil {
		set(&b.Account.HolderType, p.HolderType)
		set(&b.Account.AccountType, p.AccountType)
	}
	b.Metadata = p.Metadata.Apply(b.Metadata)
	set(&b.AllowRedisplay, p.AllowRedisplay)
	if p.Preferred != nil {
		b.Card.Preferred = ""
		if err := b.Card.prefer(*p.Preferred); err != nil {
			return err
		}
	}
	if p.Billing != nil {
		if b.Subject == 0 {
			b.Subject = fresh.subject
		}
		b.Sealed, err = resealPerson(tx, v, m.Scope, b.Subject, fieldBilling, b.Sealed, fresh, func(to *Billing) {
			before := to.Address
			p.Billing.apply(to)
			if to.Address != before && b.Type == TypeCard {
				b.Card.Checks.address(to)
			}
		})
		if err != nil {
			return err
		}
	}
	if p.ExpMonth == nil && p.ExpYear == nil {
		return nil
	}
	return v.changeExpiry(tx, m, p)
}

// changeExpiry changes what is shown and what providers are told.
func (v *Service) changeExpiry(tx *db.Tx, m *object.Object[PaymentMethod], p *MethodParams) error {
	card := &m.Body.Card
	set(&card.ExpMonth, p.ExpMonth)
	set(&card.ExpYear, p.ExpYear)
	year, err := checkExpiry(card.ExpMonth, card.ExpYear, tx.Now())
	if err != nil {
		return err
	}
	card.ExpYear = year
	row := m.Body.CardRow
	key, _, err := subjects.Get(tx, at(m.Scope, row))
	if err != nil {
		return err
	}
	sealed, ok, err := cards.Get(tx, at(m.Scope, row))
	if err != nil {
		return err
	}
	if !ok || len(key) == 0 {
		return errErasedPerson
	}
	subject, err := v.master.OpenSubject(key, identity(m.Scope, row))
	if err != nil {
		return err
	}
	n, err := openNumber(subject, m.Scope, row, sealed)
	if err != nil {
		return err
	}
	n.Month, n.Year = card.ExpMonth, card.ExpYear
	if sealed, err = sealNumber(subject, m.Scope, row, n); err != nil {
		return err
	}
	cards.Update(tx, at(m.Scope, row), sealed)
	return nil
}

// Learn notes what an issuer said of the security code and of the address, and
// reports whether any of it is news. Empty and "unchecked" say nothing.
func (k *Checks) Learn(said Checks) (news bool) {
	for _, part := range []struct {
		to   *string
		said string
	}{{&k.CVC, said.CVC}, {&k.Line1, said.Line1}, {&k.PostalCode, said.PostalCode}} {
		if part.said == "" || part.said == unchecked || *part.to == part.said {
			continue
		}
		*part.to, news = part.said, true
	}
	return news
}
