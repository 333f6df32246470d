package offering

import (
	"context"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// AppleDomain is the body of a domain as it was registered for Apple Pay before
// there were domains for all methods.
type AppleDomain struct {
	Name    string `json:"name"`
	Deleted bool   `json:"deleted,omitempty"`
}

type appleColumns struct {
	Name    string
	Deleted bool
}

// AppleDomains are those domains.
var AppleDomains = object.Define(object.Spec[AppleDomain, appleColumns]{
	Name: "apple_pay_domain", Prefix: "apwc", Schema: 1, Table: "apple_pay_domain", Columns: "name, deleted",
	Fields: func(c *appleColumns, f *db.Fields) {
		db.Text(f, &c.Name)
		db.Bool(f, &c.Deleted)
	},
	Derive:  func(d *AppleDomain) appleColumns { return appleColumns{d.Name, d.Deleted} },
	Filters: []string{"name", "deleted"},
})

// RegisterApple makes a domain known. One that is known already is the reply.
func (v *Service) RegisterApple(ctx context.Context, s id.Scope, name string, r *idem.Request) (*idem.Reply, error) {
	name, err := checkDomain(name)
	if err != nil {
		return nil, err
	}
	before, _, err := AppleDomains.List(ctx, v.DB, s, object.Range{Limit: 1, Where: map[string]any{"name": name, "deleted": int64(0)}})
	if err != nil {
		return nil, err
	}
	return v.once(ctx, "offering.register_apple", s, r, nil, func(tx *db.Tx) (*idem.Reply, error) {
		if len(before) > 0 {
			o, ok, err := AppleDomains.Get(tx, s, before[0].Key)
			if err != nil || ok && !o.Body.Deleted {
				return shown(AppleDomains, o), err
			}
		}
		o, err := AppleDomains.Insert(tx, s, tx.NewKey(), AppleDomain{Name: name})
		if err != nil {
			return nil, err
		}
		return shown(AppleDomains, o), nil
	})
}

// DeleteApple makes a domain unknown.
func (v *Service) DeleteApple(ctx context.Context, s id.Scope, key int64, r *idem.Request) (*idem.Reply, error) {
	return v.once(ctx, "offering.delete_apple", s, r, []db.Need{AppleDomains.Need(s, key)}, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := AppleDomains.Get(tx, s, key)
		if err == nil && (!ok || o.Body.Deleted) {
			err = fault.Missing(fault.NotFound, "domain", AppleDomains.Name, AppleDomains.ID(s, key))
		}
		if err != nil {
			return nil, err
		}
		o.Body.Deleted = true
		if err := AppleDomains.Update(tx, o); err != nil {
			return nil, err
		}
		return shown(AppleDomains, o), nil
	})
}

// checkDomain gives a host's name in small letters.
func checkDomain(name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if len(name) > 253 || !domainName.MatchString(name) {
		return "", fault.Param("domain_name", "", "Invalid domain name: it is a host's name, such as shop.example, without scheme, port and path.")
	}
	return name, nil
}
