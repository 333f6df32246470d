package offering

import (
	"context"
	"regexp"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Domain is the body of a domain.
type Domain struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Checked is when it was last asked to be validated.
	Checked time.Time `json:"checked,omitzero"`
}

type domainColumns struct {
	Name    string
	Enabled bool
}

// Domains are the domains.
var Domains = object.Define(object.Spec[Domain, domainColumns]{
	Name: "payment_method_domain", Prefix: "pmd", Schema: 1, Table: "payment_method_domain", Columns: "name, enabled",
	Fields: func(c *domainColumns, f *db.Fields) {
		db.Text(f, &c.Name)
		db.Bool(f, &c.Enabled)
	},
	Derive:  func(d *Domain) domainColumns { return domainColumns{d.Name, d.Enabled} },
	Filters: []string{"name", "enabled"},
})

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// Register makes a domain known, or changes whether one that is known is enabled.
func (v *Service) Register(ctx context.Context, s id.Scope, name string, enabled *bool, r *idem.Request) (*idem.Reply, error) {
	name, err := checkDomain(name)
	if err != nil {
		return nil, err
	}
	before, _, err := Domains.List(ctx, v.DB, s, object.Range{Limit: 1, Where: map[string]any{"name": name}})
	if err != nil {
		return nil, err
	}
	if len(before) > 0 {
		return v.ChangeDomain(ctx, s, before[0].Key, enabled, false, r)
	}
	return v.once(ctx, "offering.register", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := Domains.Insert(tx, s, tx.NewKey(), Domain{Name: name, Enabled: enabled == nil || *enabled})
		if err != nil {
			return nil, err
		}
		return shown(Domains, o), nil
	})
}

// ChangeDomain enables or disables a domain, and notes that it was asked to be
// validated.
func (v *Service) ChangeDomain(ctx context.Context, s id.Scope, key int64, enabled *bool, validate bool, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "offering.change_domain", s, r, []db.Need{Domains.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := Domains.Get(tx, s, key)
		if err == nil && !ok {
			err = fault.Missing(fault.NotFound, "payment_method_domain", "payment_method_domain", Domains.ID(s, key))
		}
		if err != nil {
			return nil, err
		}
		if enabled != nil {
			o.Body.Enabled = *enabled
		}
		if validate {
			o.Body.Checked = tx.Now()
		}
		if err := Domains.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(Domains, o), nil
	})
}
