package offering

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Configuration is the body of a configuration.
type Configuration struct {
	Name    string `json:"name"`
	Active  bool   `json:"active"`
	Default bool   `json:"default,omitempty"`
	// Preferences are "on", "off" or "none" by method; one that is not there is
	// "none".
	Preferences map[string]string `json:"preferences,omitempty"`
}

// Configurations are the configurations.
var Configurations = object.Define(object.Spec[Configuration, struct{}]{
	Name: "payment_method_configuration", Prefix: "pmc", Schema: 1, Table: "payment_method_configuration",
	Fields: func(*struct{}, *db.Fields) {},
	Derive: func(*Configuration) struct{} { return struct{}{} },
})

// defaults hold the key of the default configuration of a scope.
var defaults = db.NewTable("payment_method_default", "scope, key", "configuration", func(key *int64, f *db.Fields) { db.Int(f, key) })

func defaultKey(s id.Scope) db.Key { return db.Key{Scope: s.Key(), ID: 1} }

// Service keeps configurations and domains.
type Service struct {
	DB   *db.DB
	Keys *idem.Keys
}

// Change is what is said of a configuration; nil is left as it is.
type Change struct {
	Name        *string
	Active      *bool
	Preferences map[string]string
}

func (c *Change) apply(b *Configuration) error {
	if c.Name != nil {
		b.Name = *c.Name
	}
	if c.Active != nil {
		if b.Default && !*c.Active {
			return fault.Param("active", "", "The default configuration can't be switched off.")
		}
		b.Active = *c.Active
	}
	now := map[string]string{}
	for _, from := range []map[string]string{b.Preferences, c.Preferences} {
		for method, preference := range from {
			now[method] = preference
		}
	}
	b.Preferences = now
	return nil
}

// Default gives the key of the default configuration of a scope, which it makes
// where there is none yet.
func (v *Service) Default(ctx context.Context, s id.Scope) (key int64, err error) {
	if key, _, err = defaults.Read(ctx, v.DB, defaultKey(s)); key != 0 || err != nil {
		return key, err
	}
	err = v.DB.Run(ctx, db.Step{Name: "offering.default", Scope: s.Key(), Needs: []db.Need{defaults.Need(defaultKey(s))}, Do: func(tx *db.Tx) error {
		have, ok, err := defaults.Get(tx, defaultKey(s))
		if key = have; ok || err != nil {
			return err
		}
		key = tx.NewKey()
		defaults.Insert(tx, defaultKey(s), key)
		_, err = Configurations.Insert(tx, s, key, Configuration{Name: "Default", Active: true, Default: true})
		return err
	}})
	return key, err
}

// Create makes a configuration.
func (v *Service) Create(ctx context.Context, s id.Scope, c Change, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "offering.create", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		body := Configuration{Name: "Configuration", Active: true}
		if err := c.apply(&body); err != nil {
			return nil, err
		}
		o, err := Configurations.Insert(tx, s, tx.NewKey(), body)
		if err != nil {
			return nil, err
		}
		return shown(Configurations, o), nil
	})
}

// Update changes a configuration.
func (v *Service) Update(ctx context.Context, s id.Scope, key int64, c Change, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "offering.update", s, r, []db.Need{Configurations.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Configurations.Get(tx, s, key)
		if err == nil && !ok {
			err = fault.Missing(fault.NotFound, "configuration", "payment_method_configuration", Configurations.ID(s, key))
		}
		if err != nil {
			return nil, err
		}
		if err := c.apply(&o.Body); err != nil {
			return nil, err
		}
		if err := Configurations.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(Configurations, o), nil
	})
}

// once runs an operation that is one step, under its idempotency key.
func (v *Service) once(ctx context.Context, name string, s id.Scope, r *idem.Request, needs []db.Need, decide func(*db.Tx) (*idem.Reply, error)) (reply *idem.Reply, err error) {
	err = v.DB.Run(ctx, db.Step{Name: name, Scope: s.Key(), Needs: append(needs, r.Ticket().Need(s)), Do: func(tx *db.Tx) (err error) {
		reply, err = v.Keys.Once(tx, s, r, func() (*idem.Reply, error) { return decide(tx) })
		return err
	}})
	return reply, err
}

func shown[T any, N comparable](k *object.Kind[T, N], o *object.Object[T]) *idem.Reply {
	return &idem.Reply{Kind: k.Name, Shown: []object.Ref{o.Ref()}, Main: o}
}
