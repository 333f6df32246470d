package vault

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Line is the line of time that a customer lives by; 0, the system's, for
// nobody.
func Line(tx *db.Tx, s id.Scope, customer int64) (int64, error) {
	o, ok, err := Customers.Get(tx, s, customer)
	if err != nil || !ok {
		return 0, err
	}
	return o.Body.TestClock, nil
}

// Join has a customer live by a test clock from now on. Refusals are 400:
// resource_missing, and without a code where the customer has a clock already.
func (v *Service) Join(tx *db.Tx, s id.Scope, customer, clock int64, by event.Request) error {
	o, err := customerIn(tx, s, customer, fault.Invalid, "customer", Customers.ID(s, customer))
	if err != nil {
		return err
	}
	if o.Body.TestClock != 0 {
		return fault.Param("customer", "", "The customer %s lives by a test clock already and can't be removed from it.", Customers.ID(s, customer))
	}
	o.Body.TestClock = clock
	if err := Customers.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, v, Customers, o, "customer.updated", by)
}

// clockPage is how many customers are read at once.
const clockPage = 100

// DeleteOf deletes the customers of a test clock. Those that are deleted already
// are left, so that it can be called again.
func (v *Service) DeleteOf(ctx context.Context, s id.Scope, clock int64) error {
	for {
		page, more, err := v.ListCustomers(ctx, s, object.Range{Limit: clockPage}, "", clock)
		if err != nil {
			return err
		}
		for _, o := range page {
			reply, err := v.DeleteCustomer(ctx, s, Customers.ID(s, o.Key), nil)
			if err == nil && reply.Error != nil {
				err = reply.Error
			}
			// Somebody else has deleted it.
			if e, ok := errors.AsType[*fault.Error](err); ok && e.Kind == fault.NotFound {
				err = nil
			}
			if err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}
