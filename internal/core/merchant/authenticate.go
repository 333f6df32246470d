package merchant

import (
	"context"
	"crypto/subtle"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Principal is whom a request is made by.
type Principal struct {
	Scope   id.Scope
	Secret  bool // the key is kept on servers: a secret or a restricted one
	Account *object.Object[Account]
	// Customer, unless 0, is the customer whose own device it is, with an
	// ephemeral key.
	Customer int64

	kind        KeyKind
	permissions Permissions // of a restricted key
	last4       string
}

// knownKey is a key that was read.
type knownKey struct {
	keyRow
	permissions Permissions
}

// Authenticate tells whose an API key is. Refusals are of kind Unauthenticated.
// Keys and accounts are as they were at most [cacheFor] ago, so that a request
// need not ask the database.
func (v *Service) Authenticate(ctx context.Context, plain string) (Principal, error) {
	switch {
	case plain == "":
		return Principal{}, fault.New(fault.Unauthenticated, "", "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
	case len(plain) > maxKeyLen:
		return Principal{}, unknownKey(plain)
	}
	sum, now := digestOf(plain), v.db.Clock().Now()
	r, err := v.keys.get(sum, now, func() (*knownKey, error) {
		r, ok, err := apiKeys.Read(ctx, v.db, sum.row())
		if err == nil && (!ok || subtle.ConstantTimeCompare(r.Hash, sum[:]) != 1) {
			err = unknownKey(plain)
		}
		if err != nil {
			return nil, err
		}
		known := &knownKey{keyRow: r}
		if r.Kind == Restricted {
			known.permissions = readPermissions(r.Permissions)
		}
		return known, nil
	})
	if err != nil {
		return Principal{}, err
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) {
		return Principal{}, fault.New(fault.Unauthenticated, "api_key_expired", "Expired API Key provided: %s", mask(plain))
	}
	account, err := v.account(ctx, r.Account)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Scope: r.scope(), Secret: r.Kind != Publishable, Account: account, kind: r.Kind, permissions: r.permissions, last4: r.Last4}, nil
}

func unknownKey(plain string) error {
	return fault.New(fault.Unauthenticated, "", "Invalid API Key provided: %s", mask(plain))
}
