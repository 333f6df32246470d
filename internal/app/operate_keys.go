package app

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/core/merchant"
)

// Key is an API key, as it is shown to who runs Florin.
type Key struct {
	ID          string            `json:"id"`
	Account     string            `json:"account"`
	Livemode    bool              `json:"livemode"`
	Kind        string            `json:"kind"` // secret, publishable, restricted
	Name        string            `json:"name"`
	Last4       string            `json:"last4"`
	Created     time.Time         `json:"created"`
	Expires     *time.Time        `json:"expires"` // nil: never
	Permissions map[string]string `json:"permissions,omitempty"`
	// Plain is the key itself, once, where it was just made.
	Plain string `json:"key,omitempty"`
}

// Expired reports whether the key has ended at an instant.
func (k Key) Expired(now time.Time) bool { return k.Expires != nil && !now.Before(*k.Expires) }

func keyOf(k merchant.Key) Key {
	out := Key{ID: k.ID, Account: merchant.Accounts.ID(merchant.Home(k.Scope.Account), k.Scope.Account), Livemode: k.Scope.Livemode,
		Kind: k.Kind.String(), Name: k.Name, Last4: k.Last4, Created: k.Created}
	if !k.Expires.IsZero() {
		out.Expires = &k.Expires
	}
	for r, a := range k.Permissions {
		if out.Permissions == nil {
			out.Permissions = map[string]string{}
		}
		out.Permissions[string(r)] = a.String()
	}
	return out
}

func issuedKey(k merchant.Issued) Key {
	out := keyOf(k.Key)
	out.Plain = k.Plain
	return out
}

// KeyParams say what key to make.
type KeyParams struct {
	Account     string // its id; may be empty where there is only one
	Live        bool
	Name        string
	Publishable bool
	// Allow makes a restricted key: what it may do, as "charges=read". Nil: a
	// key without restrictions.
	Allow []string
}

// Resources lists what restricted keys can be admitted to.
func Resources() (names []string) {
	for _, r := range merchant.Resources() {
		names = append(names, string(r))
	}
	return names
}

// CreateKey makes a key.
func (o *Operator) CreateKey(ctx context.Context, p KeyParams) (Key, error) {
	want := merchant.KeyParams{Kind: merchant.Secret, Name: p.Name}
	if p.Publishable {
		want.Kind = merchant.Publishable
	}
	if p.Allow != nil {
		var err error
		want.Kind = merchant.Restricted
		if want.Permissions, err = merchant.ParsePermissions(p.Allow); err != nil {
			return Key{}, err
		}
	}
	s, err := o.scope(ctx, p.Account, p.Live)
	if err != nil {
		return Key{}, err
	}
	if err := o.claim(ctx); err != nil {
		return Key{}, err
	}
	made, err := o.merchants.Issue(ctx, s, want)
	if err != nil {
		return Key{}, err
	}
	return issuedKey(made), nil
}

// RollKey makes a key like the one named, by its id or by its text, and lets
// that one end after a while.
func (o *Operator) RollKey(ctx context.Context, ref string, after time.Duration) (made, old Key, err error) {
	if err := o.claim(ctx); err != nil {
		return Key{}, Key{}, err
	}
	issued, was, err := o.merchants.RollKey(ctx, ref, o.Now().Add(after))
	if err != nil {
		return Key{}, Key{}, err
	}
	return issuedKey(issued), keyOf(was), nil
}

// ExpireKey lets a key, named by its id or by its text, end after a while.
func (o *Operator) ExpireKey(ctx context.Context, ref string, after time.Duration) (Key, error) {
	k, err := o.merchants.ExpireKey(ctx, ref, o.Now().Add(after))
	if err != nil {
		return Key{}, err
	}
	return keyOf(k), nil
}

// Keys lists the keys of an account, or of all where account is empty, with
// those that have expired.
func (o *Operator) Keys(ctx context.Context, account string) ([]Key, error) {
	var of int64
	if account != "" {
		a, err := o.account(ctx, account)
		if err != nil {
			return nil, err
		}
		of = a.Key
	}
	found, err := o.merchants.Keys(ctx, of)
	list := make([]Key, len(found))
	for i, k := range found {
		list[i] = keyOf(k)
	}
	return list, err
}

// Now is the time by which keys expire.
func (o *Operator) Now() time.Time { return o.db.Clock().Now() }
