package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
)

// What a ciphertext is bound to: which field, of whom.
const (
	fieldNumber   = "vault.card.number"
	fieldCVC      = "vault.card.cvc"
	fieldPersonal = "vault.customer.personal"
	fieldBilling  = "vault.payment_method.billing"
	fieldTaxID    = "vault.tax_id.value"
	fieldShipping = "vault.confirmation_token.shipping"
	fieldMandate  = "vault.mandate.acceptance"
	fieldContact  = "vault.contact"
)

func bound(field string, s id.Scope, key int64) []byte {
	return secret.Context(field, strconv.FormatInt(s.Key(), 10), strconv.FormatInt(key, 10))
}

// identity binds a sealed data key to its row.
func identity(s id.Scope, subject int64) []byte { return bound("vault.subject", s, subject) }

// sealedNumber is the content of a card row.
type sealedNumber struct {
	Number      secret.Text
	Month, Year int
}

// clearNumber is sealedNumber as it stands in the row, before it is sealed and
// after it is opened, and nowhere else.
type clearNumber struct {
	Number string `json:"n"`
	Month  int    `json:"m"`
	Year   int    `json:"y"`
}

// cardDraft is a sealed card on its way into the store.
type cardDraft struct {
	row                  int64
	subject, number, cvc []byte
	typed                *clearCard
}

// sealCard seals a card under a new data key. row is the card's key and the
// data key's.
func (v *Service) sealCard(s id.Scope, row int64, c *clearCard) (*cardDraft, error) {
	subject, sealed, err := v.master.NewSubject(identity(s, row))
	if err != nil {
		return nil, err
	}
	d := &cardDraft{row: row, subject: sealed, typed: c}
	if d.number, err = sealNumber(subject, s, row, sealedNumber{c.number, c.month, c.year}); err != nil {
		return nil, err
	}
	if !c.cvc.IsZero() {
		d.cvc, err = subject.Seal([]byte(c.cvc.Reveal()), bound(fieldCVC, s, row))
	}
	return d, err
}

func sealNumber(subject *secret.Subject, s id.Scope, row int64, n sealedNumber) ([]byte, error) {
	plain, err := json.Marshal(clearNumber{n.Number.Reveal(), n.Month, n.Year})
	if err != nil {
		return nil, err
	}
	return subject.Seal(plain, bound(fieldNumber, s, row))
}

// insert writes the card in a step; the security code's time begins with it.
func (d *cardDraft) insert(tx *db.Tx, s id.Scope) {
	subjects.Insert(tx, at(s, d.row), d.subject)
	cards.Insert(tx, at(s, d.row), d.number)
	if len(d.cvc) > 0 {
		cvcs.Insert(tx, at(s, d.row), cvcRow{d.cvc, tx.Now().Add(CVCLife)})
	}
}

// personDraft is sealed personal data on its way into the store, with its new
// data key. Without personal data it is empty.
type personDraft struct {
	subject int64
	key     []byte
	sealed  []byte
	opened  *secret.Subject
	// owned: the data key is written although there is no personal data, since
	// something else is sealed under it.
	owned bool
}

// sealPerson seals personal data under a new data key for subject. The zero
// value of data needs none.
func sealPerson[T comparable](v *Service, s id.Scope, subject int64, field string, data T) (personDraft, error) {
	if data == *new(T) {
		return personDraft{}, nil
	}
	opened, key, err := v.master.NewSubject(identity(s, subject))
	if err != nil {
		return personDraft{}, err
	}
	sealed, err := sealData(opened, bound(field, s, subject), data)
	return personDraft{subject: subject, key: key, sealed: sealed, opened: opened}, err
}

func (d personDraft) insert(tx *db.Tx, s id.Scope) {
	if len(d.sealed) > 0 || d.owned {
		subjects.Insert(tx, at(s, d.subject), d.key)
	}
}

func sealData[T any](subject *secret.Subject, context []byte, data T) ([]byte, error) {
	plain, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	return subject.Seal(plain, context)
}

// openData opens personal data. What was erased is the zero value.
func openData[T any](subject *secret.Subject, context, sealed []byte) (data T, err error) {
	if len(sealed) == 0 {
		return data, nil
	}
	plain, err := subject.Open(sealed, context)
	if errors.Is(err, secret.ErrErased) {
		return data, nil
	}
	if err == nil {
		err = json.Unmarshal(plain, &data)
	}
	if err != nil {
		return *new(T), fmt.Errorf("vault: personal data: %w", err)
	}
	return data, nil
}

// resealPerson changes personal data in a step: it opens what there is, lets
// change work on it, and seals it under the same data key, or under a new one
// (newKey) where there was none yet. It gives the subject and the ciphertext.
func resealPerson[T comparable](tx *db.Tx, v *Service, s id.Scope, subject int64, field string, sealed []byte, newKey personDraft, change func(*T)) ([]byte, error) {
	row, ok, err := subjects.Get(tx, at(s, subject))
	if err != nil {
		return nil, err
	}
	opened := newKey.opened
	if ok {
		opened, err = v.master.OpenSubject(row, identity(s, subject))
		if errors.Is(err, secret.ErrErased) {
			return nil, errErasedPerson
		}
		if err != nil {
			return nil, err
		}
	}
	data, err := openData[T](opened, bound(field, s, subject), sealed)
	if err != nil {
		return nil, err
	}
	change(&data)
	if data == *new(T) {
		return nil, nil
	}
	if !ok {
		subjects.Insert(tx, at(s, subject), newKey.key)
	}
	return sealData(opened, bound(field, s, subject), data)
}
