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

// EphemeralKey is the body of a key by which a customer's own device may look at
// the customer for a while. Its secret is computed of it and not kept.
type EphemeralKey struct {
	Customer int64     `json:"c"`
	Expires  time.Time `json:"e"`
}

// EphemeralLife is how long an ephemeral key is good, unless it is deleted.
const EphemeralLife = time.Hour

type ephemeralColumns struct{}

// EphemeralKeys are the API's ephemeral keys.
var EphemeralKeys = object.Define(object.Spec[EphemeralKey, ephemeralColumns]{
	Name: "ephemeral_key", Prefix: "ephkey", Schema: 1, Fades: true, Table: "ephemeral_key",
	Fields: func(*ephemeralColumns, *db.Fields) {},
	Derive: func(*EphemeralKey) ephemeralColumns { return ephemeralColumns{} },
})

// CreateEphemeralKey makes a key to a customer.
func (v *Service) CreateEphemeralKey(ctx context.Context, s id.Scope, customer string, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "vault.create_ephemeral_key", s, r, CustomerNeed(s, customer), func(tx *db.Tx) (*idem.Reply, error) {
		c, err := v.Customer(tx, s, customer)
		if err != nil {
			return nil, err
		}
		o, err := EphemeralKeys.Insert(tx, s, tx.NewKey(), EphemeralKey{c.Key, tx.Now().Add(EphemeralLife)})
		if err != nil {
			return nil, err
		}
		return show(EphemeralKeys, o), nil
	})
}

// ExpireEphemeralKey ends a key at once. One that has ended is missing.
func (v *Service) ExpireEphemeralKey(ctx context.Context, s id.Scope, key string, r *idem.Request) (*idem.Reply, error) {
	at, _ := parse(EphemeralKeys.Prefix, s, key)
	return v.once(ctx, "vault.expire_ephemeral_key", s, r, []db.Need{EphemeralKeys.Need(s, at)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := EphemeralKeys.Get(tx, s, at)
		if err != nil {
			return nil, err
		}
		if !ok || !tx.Now().Before(o.Body.Expires) {
			return nil, missing(fault.NotFound, "key", "ephemeral key", key)
		}
		o.Body.Expires = tx.Now()
		return show(EphemeralKeys, o), EphemeralKeys.Update(tx, o)
	})
}

// EphemeralCustomer is the customer that a key is to, 0 where it has ended or
// there is none.
func (v *Service) EphemeralCustomer(ctx context.Context, s id.Scope, key int64) (int64, error) {
	o, ok, err := EphemeralKeys.Read(ctx, v.db, s, key)
	if err != nil || !ok || !v.db.Clock().Now().Before(o.Body.Expires) {
		return 0, err
	}
	return o.Body.Customer, nil
}
