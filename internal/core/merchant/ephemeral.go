package merchant

import (
	"context"

	"github.com/florinpay/florin/internal/kit/id"
)

// OfCustomer is whom a request is made by that comes with a key to one customer
// of the scope. Whether the key is good was decided before.
func (v *Service) OfCustomer(ctx context.Context, s id.Scope, customer int64) (Principal, error) {
	account, err := v.account(ctx, s.Account)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Scope: s, Account: account, Customer: customer}, nil
}
