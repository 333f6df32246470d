package vault

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// ConfirmationLife is how long a confirmation token can be used.
const ConfirmationLife = 12 * time.Hour

// ConfirmationToken is the body of a confirmation token: what a payer's page
// has collected for the confirmation of an intent.
type ConfirmationToken struct {
	Method           int64     `json:"m"` // to pay with
	Expires          time.Time `json:"x"`
	ReturnURL        string    `json:"r,omitempty"`
	SetupFutureUsage string    `json:"f,omitempty"`
	SDK              bool      `json:"sdk,omitempty"` // use_stripe_sdk
	// Payment and Setup are the intent that it confirmed; it confirms one.
	Payment int64  `json:"pi,omitempty"`
	Setup   int64  `json:"si,omitempty"`
	Sealed  []byte `json:"p,omitempty"` // Shipping; empty when there is none
}

// Used reports whether it has confirmed an intent.
func (t *ConfirmationToken) Used() bool { return t.Payment != 0 || t.Setup != 0 }

type confirmationColumns struct{}

// ConfirmationTokens are the API's confirmation tokens.
var ConfirmationTokens = object.Define(object.Spec[ConfirmationToken, confirmationColumns]{
	Name: "confirmation_token", Prefix: "ctoken", Schema: 1, Table: "confirmation_token",
	Fields: func(*confirmationColumns, *db.Fields) {},
	Derive: func(*ConfirmationToken) confirmationColumns { return confirmationColumns{} },
})

// ConfirmationInput describes a new confirmation token.
type ConfirmationInput struct {
	Method           string       // an id or a test name
	MethodData       *MethodInput // or a new method
	Shipping         *Shipping    // nil: none
	ReturnURL        string
	SetupFutureUsage string
	SDK              bool
}

// CreateConfirmationToken makes a confirmation token, and the payment method that
// it describes. Refusals are those of [Service.ReferInput] and
// [MethodRef.Resolve].
func (v *Service) CreateConfirmationToken(ctx context.Context, s id.Scope, in *ConfirmationInput, r *idem.Request) (*idem.Reply, error) {
	var f *MethodRef
	var err error
	switch {
	case in.MethodData != nil:
		f, err = v.ReferInput(s, in.MethodData)
	case in.Method != "":
		f = v.Refer(s, in.Method)
	default:
		err = fault.Param("payment_method", "parameter_missing", "Give a payment_method or payment_method_data.")
	}
	if err != nil {
		return nil, err
	}
	key := v.db.IDs().Next()
	var person personDraft
	if in.Shipping != nil {
		if person, err = sealPerson(v, s, key, fieldShipping, *in.Shipping); err != nil {
			return nil, err
		}
	}
	return v.once(ctx, "vault.create_confirmation_token", s, r, f.Needs(), func(tx *db.Tx) (*idem.Reply, error) {
		m, err := f.resolve(tx)
		if err != nil {
			return nil, err
		}
		if m.Body.Spent() {
			return nil, usable(m, 0)
		}
		person.insert(tx, s)
		o, err := ConfirmationTokens.Insert(tx, s, key, ConfirmationToken{Method: m.Key, Expires: tx.Now().Add(ConfirmationLife).Truncate(time.Second),
			ReturnURL: in.ReturnURL, SetupFutureUsage: in.SetupFutureUsage, SDK: in.SDK, Sealed: person.sealed})
		if err != nil {
			return nil, err
		}
		return show(ConfirmationTokens, o), nil
	})
}

// ReadConfirmation reads what a parameter names as a confirmation token. Used or
// not is for [Service.UseConfirmation] to say.
func (v *Service) ReadConfirmation(ctx context.Context, s id.Scope, token string) (*object.Object[ConfirmationToken], error) {
	key, _ := parse(ConfirmationTokens.Prefix, s, token)
	o, ok, err := ConfirmationTokens.Read(ctx, v.db, s, key)
	if err == nil && !ok {
		err = missing(fault.Invalid, "confirmation_token", "confirmation_token", token)
	}
	return o, err
}

// Confirmation gives, in a step, a token that can be used; one whose time is over
// or that was used is refused with code.
func (v *Service) Confirmation(tx *db.Tx, s id.Scope, key int64, code string) (*object.Object[ConfirmationToken], error) {
	o, ok, err := ConfirmationTokens.Get(tx, s, key)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, missing(fault.Invalid, "confirmation_token", "confirmation_token", ConfirmationTokens.ID(s, key))
	case o.Body.Used():
		return nil, fault.Param("confirmation_token", code, "The provided ConfirmationToken (%s) was already used to confirm an intent. Each confirms one.", ConfirmationTokens.ID(s, key))
	case !tx.Now().Before(o.Body.Expires):
		return nil, fault.Param("confirmation_token", code, "The provided ConfirmationToken (%s) has expired.", ConfirmationTokens.ID(s, key))
	}
	return o, nil
}

// UseConfirmation notes, in a step, that a token confirms an intent: a payment's
// or a setup's; the other is 0. Refusals are those of [Service.Confirmation].
func (v *Service) UseConfirmation(tx *db.Tx, s id.Scope, key, payment, setup int64, code string) error {
	o, err := v.Confirmation(tx, s, key, code)
	if err != nil {
		return err
	}
	o.Body.Payment, o.Body.Setup = payment, setup
	return ConfirmationTokens.Update(tx, o)
}

// ConfirmationShipping opens where the goods go; nil: it was not said.
func (v *Service) ConfirmationShipping(ctx context.Context, o *object.Object[ConfirmationToken]) (*Shipping, error) {
	shipping, err := openPerson[Shipping](ctx, v, o.Scope, o.Key, fieldShipping, o.Body.Sealed)
	if err != nil || shipping == (Shipping{}) {
		return nil, err
	}
	return &shipping, nil
}
