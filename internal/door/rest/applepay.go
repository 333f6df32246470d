package rest

import (
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/offering"
	"github.com/florinpay/florin/internal/kit/fault"
)

var applePayRoutes = map[string]route{
	"PostApplePayDomains":         {createAppleDomain, merchant.Configurations, merchant.Write},
	"GetApplePayDomains":          {listAppleDomains, merchant.Configurations, merchant.Read},
	"GetApplePayDomainsDomain":    {retrieveAppleDomain, merchant.Configurations, merchant.Read},
	"DeleteApplePayDomainsDomain": {deleteAppleDomain, merchant.Configurations, merchant.Write},
}

type shownAppleDomain struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Created  int64  `json:"created"`
	Name     string `json:"domain_name"`
	Livemode bool   `json:"livemode"`
}

func renderAppleDomain(_ *view, o *object.Object[offering.AppleDomain]) (any, error) {
	id := offering.AppleDomains.ID(o.Scope, o.Key)
	if o.Body.Deleted {
		return shownDeleted{id, offering.AppleDomains.Name, true}, nil
	}
	return &shownAppleDomain{id, offering.AppleDomains.Name, o.Created().Unix(), o.Body.Name, o.Scope.Livemode}, nil
}

func createAppleDomain(s *Server, c *call) (any, error) {
	name, _ := c.form.String("domain_name")
	return s.Offering.RegisterApple(c.ctx, c.scope, name, c.idem)
}

func listAppleDomains(s *Server, c *call) (any, error) {
	where := map[string]any{"deleted": int64(0)}
	if name, _ := c.form.String("domain_name"); name != "" {
		where["name"] = name
	}
	return listOf(s, c, offering.AppleDomains, where, renderAppleDomain)
}

func retrieveAppleDomain(s *Server, c *call) (any, error) {
	o, err := named(s, c, offering.AppleDomains, "domain")
	if err == nil && o.Body.Deleted {
		err = fault.Missing(fault.NotFound, "domain", offering.AppleDomains.Name, clip(c.path["domain"]))
	}
	if err != nil {
		return nil, err
	}
	return renderAppleDomain(s.view(c), o)
}

func deleteAppleDomain(s *Server, c *call) (any, error) {
	key, err := pathKey(c, offering.AppleDomains, "domain")
	if err != nil {
		return nil, err
	}
	return s.Offering.DeleteApple(c.ctx, c.scope, key, c.idem)
}
