package merchant

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/id"
)

// Service makes accounts and keys, and tells whose a key is.
type Service struct {
	db         *db.DB
	random     io.Reader
	apiVersion string
	accounts   cache[int64, *object.Object[Account]]
	keys       cache[digest, *knownKey]
}

// Options are what [New] may be told.
type Options struct {
	// Random makes keys; safe for concurrent use. Default: crypto/rand.
	Random io.Reader
	// APIVersion is that of accounts which choose none.
	APIVersion string
}

// New makes a service over a database.
func New(d *db.DB, o Options) *Service {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	return &Service{db: d, random: o.Random, apiVersion: o.APIVersion}
}

// Create makes an account.
func (v *Service) Create(ctx context.Context, p Params) (*object.Object[Account], error) {
	a, err := v.accountOf(p)
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

// First gives the key of the account that was made first: of those who run the
// platform. It reports false before there is one.
func (v *Service) First(ctx context.Context) (account int64, ok bool, err error) {
	return firstAccount.Read(ctx, v.db, firstKey)
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
	made, err := v.Issue(ctx, s, KeyParams{Kind: kind})
	return made.Plain, err
}

// ImportKey makes a given text an API key of the scope. One that is such a key
// already stays it; one that belongs to anyone else is refused.
func (v *Service) ImportKey(ctx context.Context, s id.Scope, kind KeyKind, plain string) error {
	p := KeyParams{Kind: kind}
	if err := p.check(); err != nil {
		return err
	}
	if err := kind.check(plain, s.Livemode); err != nil {
		return err
	}
	_, err := v.put(ctx, s, p, plain)
	return err
}

// Created is what [Service.Bootstrap] made.
type Created struct {
	Account                   *object.Object[Account]
	SecretKey, PublishableKey string
}

// Bootstrap makes the first account of an empty database, with two keys for
// test mode: those given, or new ones where they are empty. Payouts are made when
// somebody asks for them. It returns nil when there is an account already; of processes that start at once, one makes it.
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
	a, err := v.accountOf(Params{Name: "Florin"})
	if err != nil {
		return nil, err
	}
	a.Payouts.Interval = Manual
	var made *Created
	err = v.db.Run(ctx, db.Step{Name: "merchant.bootstrap", Needs: []db.Need{firstAccount.Need(firstKey)}, Do: func(tx *db.Tx) error {
		made = nil
		if _, ok, err := firstAccount.Get(tx, firstKey); err != nil || ok {
			return err
		}
		o, _, err := insertWithKeys(tx, a, []Issued{{Key{Kind: Secret}, plain[Secret]}, {Key{Kind: Publishable}, plain[Publishable]}})
		if err != nil {
			return err
		}
		made = &Created{o, plain[Secret], plain[Publishable]}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return made, nil
}
