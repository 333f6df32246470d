package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/kit/id"
)

// fieldPrivate is a text about a person in a body that is not the vault's.
const fieldPrivate = "vault.private"

// Private is how a text about a person is sealed in a body of another package:
// under the key of the person, so that it goes when they are erased. Subject is
// the customer, or the object itself where there is none.
type Private struct {
	v       *Service
	scope   id.Scope
	subject int64
	fresh   personDraft
}

// private is comparable, as personal data has to be.
type private struct {
	Text string `json:"t,omitempty"`
}

// NewPrivate prepares, outside of a step, for [Private.Seal].
func (v *Service) NewPrivate(s id.Scope, subject int64) (*Private, error) {
	fresh, err := sealPerson(v, s, subject, fieldPrivate, private{"-"})
	return &Private{v, s, subject, fresh}, err
}

// Need names the row of the person's key.
func (p *Private) Need() db.Need { return subjects.Need(at(p.scope, p.subject)) }

// Seal changes, in a step, a sealed text; nil is the empty one. A person who was
// erased gets no new texts: that is refused.
func (p *Private) Seal(tx *db.Tx, sealed []byte, change func(string) string) ([]byte, error) {
	return resealPerson(tx, p.v, p.scope, p.subject, fieldPrivate, sealed, p.fresh, func(t *private) { t.Text = change(t.Text) })
}

// OpenPrivate opens a sealed text. It is empty for a person who was erased.
func (v *Service) OpenPrivate(ctx context.Context, s id.Scope, subject int64, sealed []byte) (string, error) {
	t, err := openPerson[private](ctx, v, s, subject, fieldPrivate, sealed)
	return t.Text, err
}
