package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// CreateToken makes a token of card data, which is refused as
// [Service.ReferInput] refuses it.
func (v *Service) CreateToken(ctx context.Context, s id.Scope, in *TokenInput, r *idem.Request) (*idem.Reply, error) {
	c, err := in.Card.check(v.db.Clock().Now())
	if err != nil {
		return nil, err
	}
	key, row := v.db.IDs().Next(), v.db.IDs().Next()
	draft, err := v.sealCard(s, row, c)
	if err != nil {
		return nil, err
	}
	person, err := sealPerson(v, s, key, fieldBilling, in.Billing)
	if err != nil {
		return nil, err
	}
	body := Token{Type: TypeCard, CardRow: row, ClientIP: in.ClientIP, Subject: person.subject, Sealed: person.sealed,
		Card: c.describe(v.master, s, testCardNumbered(s, c.number.Reveal()), &in.Billing)}
	if err := body.Card.prefer(in.Card.Preferred); err != nil {
		return nil, err
	}
	return v.once(ctx, "vault.create_token", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		draft.insert(tx, s)
		person.insert(tx, s)
		t, err := Tokens.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		return show(Tokens, t), nil
	})
}

// RetrieveToken reads a token.
func (v *Service) RetrieveToken(ctx context.Context, s id.Scope, token string) (*object.Object[Token], error) {
	key, ok := parse(Tokens.Prefix, s, token)
	if !ok {
		key, _ = parse(CVCTokens.Prefix, s, token)
	}
	t, ok, err := Tokens.Read(ctx, v.db, s, key)
	if err == nil && !ok {
		err = missing(fault.NotFound, "token", "token", token)
	}
	return t, err
}
