package merchant

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Key is what may be known of an API key: all but the key itself, which is not
// kept.
type Key struct {
	ID          string // "key_…"
	Scope       id.Scope
	Kind        KeyKind
	Name        string // what it is for; may be empty
	Last4       string
	Created     time.Time
	Expires     time.Time   // zero: never
	Permissions Permissions // of a restricted key
}

// Issued is a key that was just made, with its plain text, which is shown this
// once.
type Issued struct {
	Key
	Plain string
}

// KeyParams say what key to make.
type KeyParams struct {
	Kind        KeyKind
	Name        string      // at most 100 characters
	Permissions Permissions // of a restricted key; others have none
}

// keyPrefix begins the ids of keys.
const keyPrefix = id.Prefix("key")

// errNoRow is a row gone that was there a moment ago; nothing here deletes any.
var errNoRow = errors.New("merchant: the row of an API key is gone")

// maxKeyName bounds the name of a key, in bytes.
const maxKeyName = 100

func (p KeyParams) check() error {
	switch {
	case !p.Kind.known():
		return fault.Param("kind", "", "There is no kind %d of API keys.", p.Kind)
	case len(p.Name) > maxKeyName || strings.ContainsFunc(p.Name, unicode.IsControl) || strings.ToValidUTF8(p.Name, "") != p.Name:
		return fault.Param("name", "", "The name of a key may have %d bytes, and no control characters.", maxKeyName)
	case p.Kind == Restricted:
		return p.Permissions.check()
	case len(p.Permissions) > 0:
		return fault.Param("permissions", "", "Only a restricted key has permissions.")
	}
	return nil
}

func (p KeyParams) row(s id.Scope, plain string) keyRow {
	sum := digestOf(plain)
	return keyRow{Hash: sum[:], Account: s.Account, Livemode: s.Livemode, Kind: p.Kind, Last4: lastFour(plain),
		Name: p.Name, Permissions: p.Permissions.String()}
}

// key is what may be known of a row.
func (r *keyRow) key() Key {
	k := Key{ID: keyPrefix.Format(r.scope(), r.ID), Scope: r.scope(), Kind: r.Kind, Name: r.Name, Last4: r.Last4, Created: r.Created, Expires: r.Expires}
	if r.Kind == Restricted {
		k.Permissions = readPermissions(r.Permissions)
	}
	return k
}

// Issue makes an API key for the scope.
func (v *Service) Issue(ctx context.Context, s id.Scope, p KeyParams) (Issued, error) {
	if err := p.check(); err != nil {
		return Issued{}, err
	}
	plain, err := p.Kind.generate(v.random, s.Livemode)
	if err != nil {
		return Issued{}, err
	}
	return v.put(ctx, s, p, plain)
}

// put makes plain a key of the scope. One that is the same key already stays
// it; one that is anyone else's is refused.
func (v *Service) put(ctx context.Context, s id.Scope, p KeyParams, plain string) (out Issued, err error) {
	row := p.row(s, plain)
	needs := []db.Need{apiKeys.Need(digestOf(plain).row()), Accounts.Need(Home(s.Account), s.Account)}
	err = v.db.Run(ctx, db.Step{Name: "merchant.key", Needs: needs, Do: func(tx *db.Tx) error {
		_, ok, err := Accounts.Get(tx, Home(s.Account), s.Account)
		switch {
		case err != nil:
			return err
		case !ok:
			return fault.Missing(fault.NotFound, "account", Accounts.Name, Accounts.ID(Home(s.Account), s.Account))
		}
		have, err := insertKey(tx, row, plain)
		out = Issued{have.key(), plain}
		return err
	}})
	if err != nil {
		return Issued{}, err
	}
	return out, nil
}

func insertKey(tx *db.Tx, row keyRow, plain string) (keyRow, error) {
	k := digestOf(plain).row()
	have, ok, err := apiKeys.Get(tx, k)
	switch {
	case err != nil:
		return have, err
	case ok && have.scope() == row.scope() && have.Kind == row.Kind && have.Permissions == row.Permissions && have.Expires.IsZero():
		return have, nil
	case ok:
		return have, fault.New(fault.Invalid, "", "The API key %s is in use or has expired.", mask(plain))
	}
	row.ID, row.Created = tx.NewKey(), tx.Now()
	apiKeys.Insert(tx, k, row)
	return row, nil
}

// find gives the row of a key by its id or by its plain text.
func (v *Service) find(ctx context.Context, ref string) (db.Key, error) {
	missing := func(shown string) error { return fault.Missing(fault.NotFound, "", "api key", shown) }
	if prefixOf(ref) != "" {
		sum := digestOf(ref)
		r, ok, err := apiKeys.Read(ctx, v.db, sum.row())
		if err == nil && (!ok || !bytes.Equal(r.Hash, sum[:])) {
			err = missing(mask(ref))
		}
		return sum.row(), err
	}
	key, ok := keyPrefix.Parse(ref)
	if !ok {
		return db.Key{}, missing(ref)
	}
	rows, err := keyByID.All(ctx, v.db, key)
	if err != nil || len(rows) == 0 || len(rows[0].Hash) != len(digest{}) {
		if err == nil {
			err = missing(ref)
		}
		return db.Key{}, err
	}
	return digest(rows[0].Hash).row(), nil
}

// ExpireKey ends a key, named by its id or its plain text, at an instant: at
// once, where that is past. A key that ends before does so. A process that has
// just used the key may go on to for [cacheFor].
func (v *Service) ExpireKey(ctx context.Context, ref string, at time.Time) (out Key, err error) {
	k, err := v.find(ctx, ref)
	if err != nil {
		return Key{}, err
	}
	var sum digest
	err = v.db.Run(ctx, db.Step{Name: "merchant.expire-key", Needs: []db.Need{apiKeys.Need(k)}, Do: func(tx *db.Tx) error {
		have, err := endKey(tx, k, at)
		out = have.key()
		copy(sum[:], have.Hash)
		return err
	}})
	if err != nil {
		return Key{}, err
	}
	v.keys.forget(sum)
	return out, nil
}

// endKey notes when a key ends. Its row stays: keys are never deleted.
func endKey(tx *db.Tx, k db.Key, at time.Time) (keyRow, error) {
	have, ok, err := apiKeys.Get(tx, k)
	if err != nil || !ok {
		return have, cmp.Or(err, errNoRow)
	}
	if have.Expires.IsZero() || at.Before(have.Expires) {
		have.Expires = at
		apiKeys.Update(tx, k, have)
	}
	return have, nil
}

// RollKey makes a key like another one, named by its id or its plain text,
// which ends at an instant. One that has ended is refused.
func (v *Service) RollKey(ctx context.Context, ref string, oldEnds time.Time) (made Issued, old Key, err error) {
	k, err := v.find(ctx, ref)
	if err != nil {
		return Issued{}, Key{}, err
	}
	was, ok, err := apiKeys.Read(ctx, v.db, k)
	if err != nil || !ok {
		return Issued{}, Key{}, cmp.Or(err, errNoRow)
	}
	plain, err := was.Kind.generate(v.random, was.Livemode)
	if err != nil {
		return Issued{}, Key{}, err
	}
	needs := []db.Need{apiKeys.Need(k), apiKeys.Need(digestOf(plain).row())}
	err = v.db.Run(ctx, db.Step{Name: "merchant.roll-key", Needs: needs, Do: func(tx *db.Tx) error {
		have, ok, err := apiKeys.Get(tx, k)
		if err != nil || !ok {
			return cmp.Or(err, errNoRow)
		}
		if !have.Expires.IsZero() && !tx.Now().Before(have.Expires) {
			return fault.New(fault.Invalid, "api_key_expired", "The API key %s has expired: make a new one instead of rolling it.", keyPrefix.Format(have.scope(), have.ID))
		}
		if have, err = endKey(tx, k, oldEnds); err != nil {
			return err
		}
		next := KeyParams{Kind: have.Kind, Name: have.Name}.row(have.scope(), plain)
		next.Permissions = have.Permissions
		if next, err = insertKey(tx, next, plain); err != nil {
			return err
		}
		made, old = Issued{next.key(), plain}, have.key()
		return nil
	}})
	if err != nil {
		return Issued{}, Key{}, err
	}
	v.keys.forget(digest(was.Hash))
	return made, old, nil
}

// Keys lists the keys of an account, or those of all accounts where account is
// zero, the oldest of each account first, with those that have ended.
func (v *Service) Keys(ctx context.Context, account int64) (list []Key, err error) {
	query, args := allKeys, []any(nil)
	if account != 0 {
		query, args = keysOfAccount, []any{account}
	}
	err = query.Each(ctx, v.db, func(r keyRow) error {
		list = append(list, r.key())
		return nil
	}, args...)
	return list, err
}

// Open makes an account with a secret and a publishable key for test mode and,
// if asked to, for live mode too, all or nothing.
func (v *Service) Open(ctx context.Context, p Params, live bool) (made *object.Object[Account], keys []Issued, err error) {
	a, err := v.accountOf(p)
	if err != nil {
		return nil, nil, err
	}
	var want []Issued
	for _, livemode := range []bool{false, true} {
		for _, kind := range []KeyKind{Secret, Publishable} {
			if livemode && !live {
				continue
			}
			plain, err := kind.generate(v.random, livemode)
			if err != nil {
				return nil, nil, err
			}
			want = append(want, Issued{Key{Kind: kind, Scope: id.Scope{Livemode: livemode}}, plain})
		}
	}
	err = v.db.Run(ctx, db.Step{Name: "merchant.open", Needs: []db.Need{firstAccount.Need(firstKey)}, Do: func(tx *db.Tx) error {
		made, keys, err = insertWithKeys(tx, a, want)
		return err
	}})
	if err != nil {
		return nil, nil, err
	}
	return made, keys, nil
}

// insertWithKeys adds an account and its keys; of what is wanted, only kind,
// mode and plain text count.
func insertWithKeys(tx *db.Tx, a Account, want []Issued) (*object.Object[Account], []Issued, error) {
	o, err := insert(tx, a)
	if err != nil {
		return nil, nil, err
	}
	keys := make([]Issued, len(want))
	for i, w := range want {
		s := id.Scope{Account: o.Key, Livemode: w.Scope.Livemode}
		row, err := insertKey(tx, KeyParams{Kind: w.Kind}.row(s, w.Plain), w.Plain)
		if err != nil {
			return nil, nil, err
		}
		keys[i] = Issued{row.key(), w.Plain}
	}
	return o, keys, nil
}
