package vault

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
)

// Contact is what of a payment is about a person: where its receipt and its
// goods go.
type Contact struct {
	Email    string    `json:"e,omitempty"`
	Shipping *Shipping `json:"s,omitempty"` // nil: none
	// From and To are the postal codes that goods are sent between.
	From string `json:"f,omitempty"`
	To   string `json:"to,omitempty"`
}

// ContactChanges is what a request changes of a contact. Nil leaves a field as
// it is; a pointer to the zero value empties it.
type ContactChanges struct {
	Email    *string
	Shipping *Shipping
	From, To *string
}

// Any reports whether something is spoken of.
func (p *ContactChanges) Any() bool { return *p != ContactChanges{} }

func (p *ContactChanges) apply(to *Contact) {
	set(&to.Email, p.Email)
	set(&to.From, p.From)
	set(&to.To, p.To)
	if p.Shipping != nil {
		to.Shipping = unlessZero(p.Shipping)
	}
}

// SealedContact is a contact as the body of an object holds it. It may be copied
// to another object of the same person.
type SealedContact struct {
	// Subject is the key of the data key that Sealed is under: the customer's, or
	// one of its own; 0 for none.
	Subject int64  `json:"s,omitempty"`
	Sealed  []byte `json:"p,omitempty"`
}

// ChangeContact changes, in a step, the contact of an object that belongs to
// customer (0: nobody). It is sealed under the customer's data key, so that
// whoever is erased takes it along, or under one of its own. A person who was
// erased gets no new one: 400.
func (v *Service) ChangeContact(tx *db.Tx, s id.Scope, customer int64, old SealedContact, p *ContactChanges) (SealedContact, error) {
	contact, err := v.contactIn(tx, s, old)
	if err != nil {
		return old, err
	}
	p.apply(&contact)
	if contact == (Contact{}) {
		return SealedContact{}, nil
	}
	subject, key := customer, (*secret.Subject)(nil)
	if subject == 0 {
		subject = old.Subject
	}
	if subject != 0 {
		key, err = v.subjectIn(tx, s, subject)
	} else {
		subject = tx.NewKey()
	}
	if err != nil {
		return old, err
	}
	if key == nil {
		var sealed []byte
		if key, sealed, err = v.master.NewSubject(identity(s, subject)); err != nil {
			return old, err
		}
		subjects.Insert(tx, at(s, subject), sealed)
	}
	sealed, err := sealData(key, bound(fieldContact, s, subject), contact)
	return SealedContact{subject, sealed}, err
}

// contactIn opens a contact in a step. What was erased is empty.
func (v *Service) contactIn(tx *db.Tx, s id.Scope, c SealedContact) (Contact, error) {
	if len(c.Sealed) == 0 {
		return Contact{}, nil
	}
	key, err := v.subjectIn(tx, s, c.Subject)
	if errors.Is(err, errErasedPerson) {
		return Contact{}, nil
	}
	if err != nil {
		return Contact{}, err
	}
	return openData[Contact](key, bound(fieldContact, s, c.Subject), c.Sealed)
}

// subjectIn opens a data key in a step; nil if there never was one.
func (v *Service) subjectIn(tx *db.Tx, s id.Scope, subject int64) (*secret.Subject, error) {
	row, ok, err := subjects.Get(tx, at(s, subject))
	if err != nil || !ok {
		return nil, err
	}
	key, err := v.master.OpenSubject(row, identity(s, subject))
	if errors.Is(err, secret.ErrErased) {
		return nil, errErasedPerson
	}
	return key, err
}

// Contact opens a contact outside of steps. It is empty for who was erased.
func (v *Service) Contact(ctx context.Context, s id.Scope, c SealedContact) (Contact, error) {
	return openPerson[Contact](ctx, v, s, c.Subject, fieldContact, c.Sealed)
}
