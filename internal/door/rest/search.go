package rest

import (
	"context"
	"slices"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/search"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var searchRoutes = map[string]route{
	"GetCustomersSearch":      {searchCustomers, merchant.Customers, merchant.Read},
	"GetPaymentIntentsSearch": {searchIntents, merchant.PaymentIntents, merchant.Read},
	"GetChargesSearch":        {searchCharges, merchant.Charges, merchant.Read},
}

// searchResult is Stripe's envelope of what was found.
type searchResult struct {
	Object   string `json:"object"`
	URL      string `json:"url"`
	HasMore  bool   `json:"has_more"`
	Data     []any  `json:"data"`
	NextPage any    `json:"next_page"`
	Total    *int   `json:"total_count,omitempty"` // when expanded
}

func searchCustomers(s *Server, c *call) (any, error) {
	return found(s, c, s.Search.Customers, renderCustomer)
}

func searchIntents(s *Server, c *call) (any, error) {
	return found(s, c, s.Search.Intents, renderIntent)
}

func searchCharges(s *Server, c *call) (any, error) {
	return found(s, c, s.Search.Charges, renderCharge)
}

// found answers one page of a search.
func found[T any](s *Server, c *call, find func(context.Context, id.Scope, search.Request) (search.Result[T], error), render func(*view, *object.Object[T]) (any, error)) (any, error) {
	r := search.Request{Limit: defaultLimit, Count: slices.Contains(c.expand, "total_count")}
	r.Query, _ = c.form.String("query")
	r.Page, _ = c.form.String("page")
	if n, ok := c.form.Int64("limit"); ok {
		if n < 1 || n > maxLimit {
			return nil, fault.Param("limit", "parameter_invalid_integer", "Invalid limit: %d. It must be between 1 and %d.", n, maxLimit)
		}
		r.Limit = int(n)
	}
	page, err := find(c.ctx, c.scope, r)
	if err != nil {
		return nil, err
	}
	out := searchResult{Object: "search_result", URL: c.op.Path, HasMore: page.Next != "", Data: make([]any, 0, len(page.Objects)), NextPage: text(page.Next)}
	if r.Count {
		out.Total = &page.Total
	}
	v := s.view(c).within("data")
	for _, o := range page.Objects {
		shown, err := render(v, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	return out, nil
}
