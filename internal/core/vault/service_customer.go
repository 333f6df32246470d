package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// CreateCustomer makes a customer, and attaches the payment method that the
// request names. Refusals are [Service.AttachPaymentMethod]'s, and
// resource_missing.
func (v *Service) CreateCustomer(ctx context.Context, s id.Scope, p *CustomerParams, r *idem.Request) (*idem.Reply, error) {
	key := v.db.IDs().Next()
	var personal Personal
	p.applyPersonal(&personal)
	person, err := sealPerson(v, s, key, fieldPersonal, personal)
	if err != nil {
		return nil, err
	}
	taxes, err := v.draftTaxIDs(s, key, p.TaxIDs, &person)
	if err != nil {
		return nil, err
	}
	given := v.givenMethods(s, p)
	needs := []db.Need{event.Lane(s, key)}
	for _, g := range given {
		needs = append(needs, g.ref.AttachNeeds()...)
	}
	reply, err := v.once(ctx, "vault.create_customer", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		if p.TestClock != 0 {
			if _, err := timeline.Find(tx, s, p.TestClock, fault.Invalid); err != nil {
				return nil, err
			}
		}
		body := Customer{TestClock: p.TestClock, TaxExempt: "none", Sealed: person.sealed, EmailHash: emailHash(v.master, s, personal.Email)}
		p.apply(&body)
		methods, err := given.resolve(tx, p, key, &body)
		if err != nil {
			return nil, err
		}
		person.insert(tx, s)
		if err := setBalance(tx, s, key, &body, p); err != nil {
			return nil, err
		}
		o, err := Customers.Insert(tx, s, key, body)
		if err != nil {
			return nil, err
		}
		if err := tell(tx, v, Customers, o, "customer.created", By(r)); err != nil {
			return nil, err
		}
		for _, t := range taxes {
			if _, err := v.insertTaxID(tx, s, t, By(r)); err != nil {
				return nil, err
			}
		}
		for _, m := range methods {
			if err := v.Attach(tx, m, key, By(r)); err != nil {
				return nil, err
			}
		}
		return show(Customers, o), nil
	})
	if err == nil && reply.Main != nil && person.opened != nil {
		v.ring.put(at(s, key), person.opened, v.db.Clock().Now())
	}
	return reply, err
}

// given are the payment methods that a request for a customer brings along.
type given []struct {
	ref    *MethodRef
	source bool // becomes the default source
}

func (v *Service) givenMethods(s id.Scope, p *CustomerParams) (list given) {
	if p.PaymentMethod != "" {
		list = append(list, given{{ref: v.Refer(s, p.PaymentMethod)}}...)
	}
	if p.Source != "" {
		list = append(list, given{{ref: v.Refer(s, p.Source), source: true}}...)
	}
	return list
}

// resolve gets or makes the methods and sets the customer's defaults to them.
func (list given) resolve(tx *db.Tx, p *CustomerParams, customer int64, body *Customer) (methods []*object.Object[PaymentMethod], err error) {
	for _, g := range list {
		m, err := g.ref.resolve(tx)
		if err != nil {
			return nil, err
		}
		if g.source && m.Body.Type != TypeCard {
			return nil, fault.Param("source", "", "A customer's source is a card. Attach a PaymentMethod of type %s instead.", m.Body.Type)
		}
		if g.source {
			body.DefaultSource, m.Body.Source = m.Key, true
		} else if p.InvoiceMethod != nil && *p.InvoiceMethod == p.PaymentMethod {
			body.InvoiceMethod = m.Key
		}
		methods = append(methods, m)
	}
	if p.InvoiceMethod != nil && *p.InvoiceMethod != "" && body.InvoiceMethod == 0 {
		return nil, missing(fault.Invalid, "invoice_settings[default_payment_method]", "PaymentMethod", *p.InvoiceMethod)
	}
	return methods, nil
}

// UpdateCustomer changes a customer.
func (v *Service) UpdateCustomer(ctx context.Context, s id.Scope, customer string, p *CustomerParams, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(Customers.Prefix, s, customer)
	method := v.Refer(s, deref(p.InvoiceMethod))
	needs := []db.Need{Customers.Need(s, key), event.Lane(s, key)}
	var source *MethodRef
	if p.NewSource != nil {
		var err error
		if source, err = v.referSource(s, p.NewSource); err != nil {
			return nil, err
		}
		needs = append(needs, source.AttachNeeds()...)
	}
	var fresh personDraft
	if p.personal() {
		var err error
		if fresh, err = sealPerson(v, s, key, fieldPersonal, Personal{Name: "-"}); err != nil {
			return nil, err
		}
		needs = append(needs, subjects.Need(at(s, key)))
	}
	return v.once(ctx, "vault.update_customer", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := customerIn(tx, s, key, fault.NotFound, "id", customer)
		if err != nil {
			return nil, err
		}
		p.apply(&o.Body)
		if err := setBalance(tx, s, key, &o.Body, p); err != nil {
			return nil, err
		}
		if p.personal() {
			o.Body.Sealed, err = resealPerson(tx, v, s, key, fieldPersonal, o.Body.Sealed, fresh, func(to *Personal) {
				p.applyPersonal(to)
				o.Body.EmailHash = emailHash(v.master, s, to.Email)
			})
			if err != nil {
				return nil, err
			}
		}
		if p.InvoiceMethod != nil {
			if o.Body.InvoiceMethod, err = method.of(tx, key); err != nil {
				return nil, err
			}
		}
		if err := v.defaultSource(tx, o, source, p, By(r)); err != nil {
			return nil, err
		}
		if err := Customers.Update(tx, o); err != nil {
			return nil, err
		}
		return show(Customers, o), tell(tx, v, Customers, o, "customer.updated", By(r))
	})
}

func deref(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// of gives the key of the method if it is attached to customer; 0 for the
// empty reference.
func (f *MethodRef) of(tx *db.Tx, customer int64) (int64, error) {
	if f.text == "" {
		return 0, nil
	}
	m, ok, err := PaymentMethods.Get(tx, f.scope, f.existing)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, f.refuse()
	}
	if m.Body.Customer != customer {
		return 0, errNotTheCustomers(PaymentMethods.ID(m.Scope, m.Key))
	}
	return m.Key, nil
}

// DeleteCustomer marks a customer as deleted. Its payment methods can't be used
// any more, since what they belong to may not be.
func (v *Service) DeleteCustomer(ctx context.Context, s id.Scope, customer string, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(Customers.Prefix, s, customer)
	needs := []db.Need{Customers.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.delete_customer", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, err := customerIn(tx, s, key, fault.NotFound, "id", customer)
		if err != nil {
			return nil, err
		}
		if v.Holds != nil {
			held, err := v.Holds(tx, o)
			if err != nil {
				return nil, err
			}
			if held {
				return nil, fault.New(fault.Invalid, "", "You cannot delete a customer with a positive cash balance.")
			}
		}
		o.Body.Deleted = true
		if err := Customers.Update(tx, o); err != nil {
			return nil, err
		}
		return show(Customers, o), tell(tx, v, Customers, o, "customer.deleted", By(r))
	})
}

// customerIn gets a customer that may be used. reference is what the caller
// called it, for the refusal.
func customerIn(tx *db.Tx, s id.Scope, key int64, kind fault.Kind, param, reference string) (*object.Object[Customer], error) {
	o, ok, err := Customers.Get(tx, s, key)
	if err != nil {
		return nil, err
	}
	if !ok || o.Body.Deleted {
		return nil, missing(kind, param, "customer", reference)
	}
	return o, nil
}

// CustomerNeed names the rows of [Service.Customer] for a step.
func CustomerNeed(s id.Scope, customer string) []db.Need {
	if key, ok := parse(Customers.Prefix, s, customer); ok {
		return []db.Need{Customers.Need(s, key)}
	}
	return nil
}

// Customer gets, in a step, the customer that the parameter "customer" of a
// request names, or refuses with resource_missing (400). A deleted one is
// missing.
func (v *Service) Customer(tx *db.Tx, s id.Scope, customer string) (*object.Object[Customer], error) {
	key, _ := parse(Customers.Prefix, s, customer)
	return customerIn(tx, s, key, fault.Invalid, "customer", customer)
}

// RetrieveCustomer reads a customer, also a deleted one.
func (v *Service) RetrieveCustomer(ctx context.Context, s id.Scope, customer string) (*object.Object[Customer], error) {
	key, _ := parse(Customers.Prefix, s, customer)
	o, ok, err := Customers.Read(ctx, v.db, s, key)
	if err == nil && !ok {
		err = missing(fault.NotFound, "id", "customer", customer)
	}
	return o, err
}

// ListCustomers reads customers that are not deleted, newest first, of an
// address if email is not empty (in any case of its letters), and whether there
// are more. It shows those of one test clock, or those of none.
func (v *Service) ListCustomers(ctx context.Context, s id.Scope, r object.Range, email string, clock int64) ([]*object.Object[Customer], bool, error) {
	r.Where = map[string]any{"deleted": int64(0), "test_clock": clock}
	if email != "" {
		r.Where["email_hash"] = emailHash(v.master, s, email)
	}
	page, more, err := Customers.List(ctx, v.db, s, r)
	if err != nil {
		return nil, false, err
	}
	keys := make([]int64, 0, len(page))
	for _, o := range page {
		if len(o.Body.Sealed) > 0 {
			keys = append(keys, o.Key)
		}
	}
	return page, more, v.openSubjects(ctx, s, keys)
}
