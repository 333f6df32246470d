package merchant

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service makes accounts and keys, and tells whose a key is.
type Service struct {
	db       *db.DB
	random   io.Reader
	accounts cache[int64, *object.Object[Account]]
	keys     cache[digest, *keyRow]
}

// Options are what [New] may be told.
type Options struct {
	// Random makes keys; safe for concurrent use. Default: crypto/rand.
	Random io.Reader
}

// New makes a service over a database.
func New(d *db.DB, o Options) *Service {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Service{db: d, random: o.Random}
}

// Create makes an account.
func (v *Service) Create(ctx context.Context, p Params) (*object.Object[Account], error) {
	a, err := p.account()
	if err != nil {
		return nil, err
	}
	var made *object.Object[Account]
	err = v.db.Run(ctx, db.Step{Name: "merchant.create", Needs: []db.Need{firstAccount.Need(firstKey)}, Do: func(tx *db.Tx) error {
		made, err = insert(tx, a)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// insert adds an account, and notes it where it is the first.
func insert(tx *db.Tx, a Account) (*object.Object[Account], error) {
	key := tx.NewKey()
	_, ok, err := firstAccount.Get(tx, firstKey)
	if err != nil {
		return nil, err
	}
	if !ok {
		firstAccount.Insert(tx, firstKey, key)
	}
	return Accounts.Insert(tx, Home(key), key, a)
}

// Account gives the account of a scope as it was at most [cacheFor] ago. That
// there is none is a mistake of whoever made the scope.
func (v *Service) Account(ctx context.Context, s id.Scope) (*Account, error) {
	o, err := v.account(ctx, s.Account)
	if err != nil {
		return nil, err
	}
	return &o.Body, nil
}

func (v *Service) account(ctx context.Context, key int64) (*object.Object[Account], error) {
	return v.accounts.get(key, v.db.Clock().Now(), func() (*object.Object[Account], error) {
		o, ok, err := Accounts.Read(ctx, v.db, Home(key), key)
		if err == nil && !ok {
			err = fmt.Errorf("merchant: there is no account %d", key)
		}
		return o, err
	})
}

// NewKey makes an API key for the scope. The plain text is shown this once.
func (v *Service) NewKey(ctx context.Context, s id.Scope, kind KeyKind) (plain string, err error) {
	if plain, err = kind.generate(v.random, s.Livemode); err != nil {
		return "", err
	}
	return plain, v.ImportKey(ctx, s, kind, plain)
}

// ImportKey makes a given text an API key of the scope. One that is such a key
// already stays it; one that belongs to anyone else is refused.
func (v *Service) ImportKey(ctx context.Context, s id.Scope, kind KeyKind, plain string) error {
	if !kind.known() {
		return fault.Param("kind", "", "There is no kind %d of API keys.", kind)
	}
	if err := kind.check(plain, s.Livemode); err != nil {
		return err
	}
	needs := []db.Need{apiKeys.Need(digestOf(plain).row()), Accounts.Need(Home(s.Account), s.Account)}
	return v.db.Run(ctx, db.Step{Name: "merchant.key", Needs: needs, Do: func(tx *db.Tx) error {
		_, ok, err := Accounts.Get(tx, Home(s.Account), s.Account)
		switch {
		case err != nil:
			return err
		case !ok:
			return fault.Missing(fault.NotFound, "account", Accounts.Name, Accounts.ID(Home(s.Account), s.Account))
		}
		return insertKey(tx, s, kind, plain)
	}})
}

func insertKey(tx *db.Tx, s id.Scope, kind KeyKind, plain string) error {
	sum := digestOf(plain)
	have, ok, err := apiKeys.Get(tx, sum.row())
	switch {
	case err != nil:
		return err
	case ok && have.scope() == s && have.Kind == kind && have.Expires.IsZero():
		return nil
	case ok:
		return fault.New(fault.Invalid, "", "The API key %s is in use or has expired.", mask(plain))
	}
	apiKeys.Insert(tx, sum.row(), keyRow{Hash: sum[:], Account: s.Account, Livemode: s.Livemode, Kind: kind, Last4: lastFour(plain), Created: tx.Now()})
	return nil
}

// ExpireKey ends a key at an instant: at once, where that is past. A process
// that has just used the key may go on to for [cacheFor].
func (v *Service) ExpireKey(ctx context.Context, s id.Scope, plain string, at time.Time) error {
	k := digestOf(plain).row()
	err := v.db.Run(ctx, db.Step{Name: "merchant.expire-key", Needs: []db.Need{apiKeys.Need(k)}, Do: func(tx *db.Tx) error {
		have, ok, err := apiKeys.Get(tx, k)
		switch {
		case err != nil:
			return err
		case !ok || have.scope() != s:
			return fault.Missing(fault.NotFound, "", "api key", mask(plain))
		}
		if have.Expires.IsZero() || at.Before(have.Expires) {
			have.Expires = at
		}
		apiKeys.Update(tx, k, have)
		return nil
	}})
	if err == nil {
		v.keys.forget(digestOf(plain))
	}
	return err
}

// Created is what [Service.Bootstrap] made.
type Created struct {
	Account                   *object.Object[Account]
	SecretKey, PublishableKey string
}

// Bootstrap makes the first account of an empty database, with two keys for
// test mode: those given, or new ones where they are empty. It returns nil when
// there is an account already; of processes that start at once, one makes it.
func (v *Service) Bootstrap(ctx context.Context, secretKey, publishableKey string) (*Created, error) {
	plain := map[KeyKind]string{Secret: secretKey, Publishable: publishableKey}
	for kind, given := range plain {
		var err error
		if given == "" {
			plain[kind], err = kind.generate(v.random, false)
		} else {
			err = kind.check(given, false)
		}
		if err != nil {
			return nil, err
		}
	}
	a, err := Params{Name: "Florin"}.account()
	if err != nil {
		return nil, err
	}
	var made *Created
	err = v.db.Run(ctx, db.Step{Name: "merchant.bootstrap", Needs: []db.Need{firstAccount.Need(firstKey)}, Do: func(tx *db.Tx) error {
		made = nil
		if _, ok, err := firstAccount.Get(tx, firstKey); err != nil || ok {
			return err
		}
		o, err := insert(tx, a)
		if err != nil {
			return err
		}
		for _, kind := range []KeyKind{Secret, Publishable} {
			if err := insertKey(tx, id.Scope{Account: o.Key}, kind, plain[kind]); err != nil {
				return err
			}
		}
		made = &Created{o, plain[Secret], plain[Publishable]}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return made, nil
}
