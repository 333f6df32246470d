package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// CreatePaymentMethod makes a payment method of card data or of a token. It
// belongs to nobody yet. Refusals are those of [Service.ReferInput] and
// [MethodRef.Resolve].
func (v *Service) CreatePaymentMethod(ctx context.Context, s id.Scope, in *MethodInput, r *idem.Request) (*idem.Reply, error) {
	f, err := v.ReferInput(s, in)
	if err != nil {
		return nil, err
	}
	reply, err := v.once(ctx, "vault.create_payment_method", s, r, f.Needs(), func(tx *db.Tx) (*idem.Reply, error) {
		m, err := f.resolve(tx)
		if err != nil {
			return nil, err
		}
		return show(PaymentMethods, m), nil
	})
	if err == nil && reply.Main != nil && f.person.opened != nil {
		v.ring.put(at(s, f.person.subject), f.person.opened, v.db.Clock().Now())
	}
	return reply, err
}

// AttachPaymentMethod attaches a payment method, by id or test name, to a
// customer. Refusals: those of [MethodRef.Resolve] and [Service.Attach].
func (v *Service) AttachPaymentMethod(ctx context.Context, s id.Scope, method, customer string, r *idem.Request) (*idem.Reply, error) {
	f := v.Refer(s, method)
	f.kind = fault.NotFound // it stands in the path
	needs := append(f.AttachNeeds(), CustomerNeed(s, customer)...)
	return v.once(ctx, "vault.attach_payment_method", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		c, err := v.Customer(tx, s, customer)
		if err != nil {
			return nil, err
		}
		m, err := f.resolve(tx)
		if err != nil {
			return nil, err
		}
		if err := v.Attach(tx, m, c.Key, By(r)); err != nil {
			return nil, err
		}
		return show(PaymentMethods, m), nil
	})
}

// Attach attaches, in a step, a payment method to a customer who is there, and
// writes payment_method.attached; one that is attached to that customer
// already is left as it is. Refusals: 400 for one that is or was attached to
// somebody, or was used up; 402 for a test card that is declined.
func (v *Service) Attach(tx *db.Tx, m *object.Object[PaymentMethod], customer int64, by event.Request) error {
	switch b := &m.Body; {
	case b.Customer == customer:
		return nil
	case b.Customer != 0:
		return fault.New(fault.Invalid, "", "The payment method you provided has already been attached to a customer.")
	case b.Spent():
		return fault.New(fault.Invalid, "", "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.")
	}
	if err := verify(m); err != nil {
		return err
	}
	m.Body.Customer, m.Body.Owner = customer, customer
	if err := PaymentMethods.Update(tx, m); err != nil {
		return err
	}
	if err := tell(tx, v, PaymentMethods, m, "payment_method.attached", by); err != nil || !m.Body.Source {
		return err
	}
	return tell(tx, v, Sources, m, "customer.source.created", by)
}

// verify has a test card say what its issuer says when it is asked about it.
func verify(m *object.Object[PaymentMethod]) error {
	test := testByName[m.Body.Card.Test]
	if test == nil {
		return nil
	}
	if test.Decline != "" {
		return refusal(test.Decline)
	}
	m.Body.Card.Checks = test.verified(m.Body.Card.Checks)
	return nil
}

// SetUp notes, in a step, that the holder of a payment method has agreed to a
// usage of it ([OnSession], [OffSession]), and attaches it to a customer, 0 for
// nobody. Refusals are those of [Service.Attach].
func (v *Service) SetUp(tx *db.Tx, m *object.Object[PaymentMethod], customer int64, usage string, by event.Request) error {
	if customer != 0 && m.Body.Customer != customer {
		m.Body.NoteSetUp(usage)
		return v.Attach(tx, m, customer, by)
	}
	if err := verify(m); err != nil {
		return err
	}
	m.Body.NoteSetUp(usage)
	return PaymentMethods.Update(tx, m)
}

// UseUp notes, in a step, that a payment without a customer was made with the
// payment method, after which it may not be used again. One that is attached is
// left as it is.
func (v *Service) UseUp(tx *db.Tx, m *object.Object[PaymentMethod]) error {
	if m.Body.Customer != 0 || m.Body.UsedUp {
		return nil
	}
	m.Body.UsedUp = true
	return PaymentMethods.Update(tx, m)
}

// DetachPaymentMethod detaches a payment method from its customer for good, and
// where it was the customer's default leaves the customer without.
func (v *Service) DetachPaymentMethod(ctx context.Context, s id.Scope, method string, r *idem.Request) (*idem.Reply, error) {
	key, _ := methodKey(s, method)
	needs := []db.Need{PaymentMethods.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.detach_payment_method", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		m, err := methodIn(tx, s, key, method)
		if err != nil {
			return nil, err
		}
		customer := m.Body.Customer
		if customer == 0 {
			return nil, fault.New(fault.Invalid, "", "The payment method you provided is not attached to a customer so detachment is impossible.")
		}
		if err := v.detach(tx, m, By(r)); err != nil {
			return nil, err
		}
		return show(PaymentMethods, m), v.dropDefault(tx, s, customer, key, By(r))
	})
}

// detach detaches, in a step, a payment method from its customer, and tells so.
func (v *Service) detach(tx *db.Tx, m *object.Object[PaymentMethod], by event.Request) error {
	m.Body.Customer, m.Body.Detached = 0, true
	if err := PaymentMethods.Update(tx, m); err != nil {
		return err
	}
	if err := tell(tx, v, PaymentMethods, m, "payment_method.detached", by); err != nil || !m.Body.Source {
		return err
	}
	return tell(tx, v, Sources, m, "customer.source.deleted", by)
}

// dropDefault leaves a customer without the default that method was.
func (v *Service) dropDefault(tx *db.Tx, s id.Scope, customer, method int64, by event.Request) error {
	c, ok, err := Customers.Get(tx, s, customer)
	if err != nil || !ok || c.Body.DefaultSource != method && c.Body.InvoiceMethod != method {
		return err
	}
	if c.Body.DefaultSource == method {
		c.Body.DefaultSource = 0
	}
	if c.Body.InvoiceMethod == method {
		c.Body.InvoiceMethod = 0
	}
	if err := Customers.Update(tx, c); err != nil {
		return err
	}
	return tell(tx, v, Customers, c, "customer.updated", by)
}

func methodIn(tx *db.Tx, s id.Scope, key int64, reference string) (*object.Object[PaymentMethod], error) {
	m, ok, err := PaymentMethods.Get(tx, s, key)
	if err == nil && !ok {
		err = missing(fault.NotFound, "payment_method", "PaymentMethod", reference)
	}
	return m, err
}

// RetrievePaymentMethod reads a payment method.
func (v *Service) RetrievePaymentMethod(ctx context.Context, s id.Scope, method string) (*object.Object[PaymentMethod], error) {
	key, _ := methodKey(s, method)
	m, ok, err := PaymentMethods.Read(ctx, v.db, s, key)
	if err == nil && !ok {
		err = missing(fault.NotFound, "payment_method", "PaymentMethod", method)
	}
	return m, err
}

// ListPaymentMethods reads the payment methods attached to customer, newest
// first, of one type if kind is not empty, and whether there are more.
func (v *Service) ListPaymentMethods(ctx context.Context, s id.Scope, r object.Range, customer, kind string) ([]*object.Object[PaymentMethod], bool, error) {
	c, err := v.RetrieveCustomer(ctx, s, customer)
	if fault.KindOf(err) == fault.NotFound || err == nil && c.Body.Deleted {
		return nil, false, missing(fault.Invalid, "customer", "customer", customer)
	}
	if err != nil {
		return nil, false, err
	}
	r.Where = map[string]any{"customer": c.Key}
	if kind != "" {
		r.Where["type"] = kind
	}
	page, more, err := PaymentMethods.List(ctx, v.db, s, r)
	if err != nil {
		return nil, false, err
	}
	keys := make([]int64, 0, len(page))
	for _, m := range page {
		keys = append(keys, m.Body.Subject)
	}
	return page, more, v.openSubjects(ctx, s, keys)
}
