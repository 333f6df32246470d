package vault

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// TypeCVC is the type of a token of a security code alone, with which the holder
// of a card that is kept confirms that they have it.
const TypeCVC = "cvc_update"

// CVCTokens are tokens of that type. They have ids of their own.
var CVCTokens = Tokens.As(Tokens.Name, "cvctok")

// CreateCVCToken makes a token of a security code. The code is kept for
// [CVCLife] at most.
func (v *Service) CreateCVCToken(ctx context.Context, s id.Scope, code secret.Text, r *idem.Request) (*idem.Reply, error) {
	if err := checkCode(code.Reveal()); err != nil {
		return nil, err
	}
	key, row := v.db.IDs().Next(), v.db.IDs().Next()
	subject, sealedKey, err := v.master.NewSubject(identity(s, row))
	if err != nil {
		return nil, err
	}
	sealed, err := subject.Seal([]byte(code.Reveal()), bound(fieldCVC, s, row))
	if err != nil {
		return nil, err
	}
	return v.once(ctx, "vault.create_cvc_token", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		subjects.Insert(tx, at(s, row), sealedKey)
		cvcs.Insert(tx, at(s, row), cvcRow{sealed, tx.Now().Add(CVCLife)})
		t, err := Tokens.Insert(tx, s, key, Token{Type: TypeCVC, CardRow: row})
		if err != nil {
			return nil, err
		}
		return show(Tokens, t), nil
	})
}

// checkCode refuses what is no security code.
func checkCode(code string) error {
	if !digits(code) || len(code) < 3 || len(code) > 4 {
		return cardError("cvc", "invalid_cvc", "Your card's security code is invalid.")
	}
	return nil
}

// Recollect uses, in a step, a token of a security code for a card that is kept:
// the payment that begins with the step is sent with the code. Refusals, all 400:
// resource_missing, token_already_used, and without a code for a token whose time
// is over. param is what held the token.
func (v *Service) Recollect(tx *db.Tx, m *object.Object[PaymentMethod], token, param string) error {
	key, _ := parse(CVCTokens.Prefix, m.Scope, token)
	t, ok, err := Tokens.Get(tx, m.Scope, key)
	switch {
	case err != nil:
		return err
	case !ok || t.Body.Type != TypeCVC:
		return missing(fault.Invalid, param, "token", token)
	case m.Body.Type != TypeCard:
		return fault.Param(param, "", "Only cards have security codes.")
	case t.Body.Used:
		return fault.Param(param, "token_already_used", "You cannot use a Stripe token more than once: %s.", token)
	}
	t.Body.Used = true
	from, to := at(m.Scope, t.Body.CardRow), at(m.Scope, m.Body.CardRow)
	row, ok, err := cvcs.Get(tx, from)
	if err != nil {
		return err
	}
	if !ok || !row.Expires.After(tx.Now()) {
		return fault.Param(param, "", "The security code of this token is not kept any more: collect it again.")
	}
	sealed, err := v.reseal(tx, row.Sealed, from, to)
	if err != nil {
		return err
	}
	_, have, err := cvcs.Get(tx, to)
	if err != nil {
		return err
	}
	cvcs.Delete(tx, from)
	if row.Sealed = sealed; have {
		cvcs.Update(tx, to, row)
	} else {
		cvcs.Insert(tx, to, row)
	}
	return Tokens.Update(tx, t)
}

// reseal opens a security code under one row's data key and seals it under
// another's. Nothing but the step sees it.
func (v *Service) reseal(tx *db.Tx, sealed []byte, from, to db.Key) ([]byte, error) {
	s := id.ScopeOf(from.Scope)
	keys := map[db.Key]*secret.Subject{}
	for _, row := range []db.Key{from, to} {
		key, ok, err := subjects.Get(tx, row)
		if err != nil {
			return nil, err
		}
		if !ok || len(key) == 0 {
			return nil, errErasedPerson
		}
		if keys[row], err = v.master.OpenSubject(key, identity(s, row.ID)); errors.Is(err, secret.ErrErased) {
			return nil, errErasedPerson
		} else if err != nil {
			return nil, err
		}
	}
	code, err := keys[from].Open(sealed, bound(fieldCVC, s, from.ID))
	if err != nil {
		return nil, err
	}
	return keys[to].Seal(code, bound(fieldCVC, s, to.ID))
}
