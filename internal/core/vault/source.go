package vault

import (
	"context"
	"math"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Sources are payment methods as the API showed them before it had those: cards
// that a customer keeps. They are the same objects under an older name,
// "card_…", by which payments take them too.
var Sources = PaymentMethods.As("source", "card")

// SourceInput is what a source is made of: a token, or a card.
type SourceInput struct {
	Token    string // an id, or a test name
	Card     *CardInput
	Billing  Billing // of the card
	Param    string  // what held it, for refusals
	Metadata map[string]string
}

// referSource is [Service.Refer] for what becomes a source.
func (v *Service) referSource(s id.Scope, in *SourceInput) (f *MethodRef, err error) {
	if in.Card != nil {
		f, err = v.ReferInput(s, &MethodInput{Type: TypeCard, Card: in.Card, Billing: in.Billing, Metadata: in.Metadata})
	} else {
		f = v.Refer(s, in.Token)
		f.body.Metadata, f.existing = in.Metadata, 0 // a payment method is no token
	}
	if err != nil {
		return nil, err
	}
	f.param, f.noun, f.body.Source = in.Param, "token", true
	return f, nil
}

// methodKey reads the id of a payment method, by whichever name.
func methodKey(s id.Scope, text string) (int64, bool) {
	if key, ok := parse(PaymentMethods.Prefix, s, text); ok {
		return key, true
	}
	return parse(Sources.Prefix, s, text)
}

// CreateSource makes a source of a customer, which becomes its default source if
// it has none. Refusals are those of [Service.AttachPaymentMethod].
func (v *Service) CreateSource(ctx context.Context, s id.Scope, customer string, in *SourceInput, r *idem.Request) (*idem.Reply, error) {
	key, _ := parse(Customers.Prefix, s, customer)
	f, err := v.referSource(s, in)
	if err != nil {
		return nil, err
	}
	needs := append(f.AttachNeeds(), Customers.Need(s, key), event.Lane(s, key))
	return v.once(ctx, "vault.create_source", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		c, err := customerIn(tx, s, key, fault.NotFound, "customer", customer)
		if err != nil {
			return nil, err
		}
		m, err := f.resolve(tx)
		if err != nil {
			return nil, err
		}
		if err := v.Attach(tx, m, key, By(r)); err != nil {
			return nil, err
		}
		if c.Body.DefaultSource != 0 {
			return show(Sources, m), nil
		}
		c.Body.DefaultSource = m.Key
		if err := Customers.Update(tx, c); err != nil {
			return nil, err
		}
		return show(Sources, m), tell(tx, v, Customers, c, "customer.updated", By(r))
	})
}

// sourceIn gets a customer's source.
func sourceIn(tx *db.Tx, s id.Scope, customer, key int64, missed error) (*object.Object[PaymentMethod], error) {
	m, ok, err := PaymentMethods.Get(tx, s, key)
	if err == nil && (!ok || !m.Body.sourceOf(customer)) {
		err = missed
	}
	return m, err
}

func noSource(source string) error { return missing(fault.NotFound, "id", "source", source) }

func (m *PaymentMethod) sourceOf(customer int64) bool {
	return m.Source && customer != 0 && m.Customer == customer
}

// UpdateSource changes a customer's source.
func (v *Service) UpdateSource(ctx context.Context, s id.Scope, customer, source string, p *MethodParams, r *idem.Request) (*idem.Reply, error) {
	owner, _ := parse(Customers.Prefix, s, customer)
	key, _ := methodKey(s, source)
	fresh, err := sealPerson(v, s, key, fieldBilling, Billing{Name: "-"})
	if err != nil {
		return nil, err
	}
	needs := []db.Need{PaymentMethods.Need(s, key), event.Lane(s, key)}
	return v.once(ctx, "vault.update_source", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		m, err := sourceIn(tx, s, owner, key, noSource(source))
		if err != nil {
			return nil, err
		}
		if err := v.change(tx, m, p, fresh); err != nil {
			return nil, err
		}
		if err := PaymentMethods.Update(tx, m); err != nil {
			return nil, err
		}
		return show(Sources, m), tell(tx, v, Sources, m, "customer.source.updated", By(r))
	})
}

// DeleteSource detaches a customer's source for good. If it was the default
// one, the newest of those that are left becomes so.
func (v *Service) DeleteSource(ctx context.Context, s id.Scope, customer, source string, r *idem.Request) (*idem.Reply, error) {
	owner, _ := parse(Customers.Prefix, s, customer)
	key, _ := methodKey(s, source)
	heir, err := v.newestSource(ctx, s, owner, key)
	if err != nil {
		return nil, err
	}
	needs := []db.Need{PaymentMethods.Need(s, key), event.Lane(s, key), Customers.Need(s, owner)}
	return v.once(ctx, "vault.delete_source", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		m, err := sourceIn(tx, s, owner, key, noSource(source))
		if err != nil {
			return nil, err
		}
		c, err := customerIn(tx, s, owner, fault.NotFound, "customer", customer)
		if err != nil {
			return nil, err
		}
		if err := v.detach(tx, m, By(r)); err != nil {
			return nil, err
		}
		if c.Body.DefaultSource == key && heir != 0 {
			next, ok, err := PaymentMethods.Get(tx, s, heir)
			if err != nil {
				return nil, err
			}
			if ok && next.Body.sourceOf(owner) {
				return show(Sources, m), v.setDefault(tx, c, heir, By(r))
			}
		}
		return show(Sources, m), v.dropDefault(tx, s, owner, key, By(r))
	})
}

func (v *Service) setDefault(tx *db.Tx, c *object.Object[Customer], source int64, by event.Request) error {
	c.Body.DefaultSource = source
	if err := Customers.Update(tx, c); err != nil {
		return err
	}
	return tell(tx, v, Customers, c, "customer.updated", by)
}

// newestSource is the newest source of a customer but one; 0: there is none.
func (v *Service) newestSource(ctx context.Context, s id.Scope, customer, but int64) (int64, error) {
	if customer == 0 {
		return 0, nil
	}
	all, err := v.SourcesEver(ctx, s, customer, 0)
	for _, m := range all {
		if m.Key != but && m.Body.sourceOf(customer) {
			return m.Key, err
		}
	}
	return 0, err
}

// sourcesEver is how many payment methods of a customer are looked at for
// sources.
const sourcesEver = 100

// SourcesEver reads the sources that a customer has or had among its newest
// payment methods, newest first: those with keys below before, 0 for all.
func (v *Service) SourcesEver(ctx context.Context, s id.Scope, customer, before int64) ([]*object.Object[PaymentMethod], error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := newestMethods.All(ctx, v.db, s.Key(), customer, before, int64(sourcesEver))
	if err != nil {
		return nil, err
	}
	keys := make([]int64, len(rows))
	for i, row := range rows {
		keys[i] = row.Key
	}
	found, err := PaymentMethods.ReadMany(ctx, v.db, s, keys)
	if err != nil {
		return nil, err
	}
	var out []*object.Object[PaymentMethod]
	for _, key := range keys {
		if m := found[key]; m != nil && m.Body.Source {
			out = append(out, m)
		}
	}
	return out, nil
}

// RetrieveSource reads a customer's source.
func (v *Service) RetrieveSource(ctx context.Context, s id.Scope, customer int64, source string) (*object.Object[PaymentMethod], error) {
	key, _ := methodKey(s, source)
	m, ok, err := PaymentMethods.Read(ctx, v.db, s, key)
	if err == nil && (!ok || !m.Body.sourceOf(customer)) {
		err = noSource(source)
	}
	return m, err
}

// defaultSource makes, in the step that updates a customer, another source its
// default one: a new one (f), in whose favour the old one goes, or one that the
// customer has. The caller stores the customer and tells of it.
func (v *Service) defaultSource(tx *db.Tx, c *object.Object[Customer], f *MethodRef, p *CustomerParams, by event.Request) error {
	if f == nil {
		if p.DefaultSource == nil {
			return nil
		}
		key, _ := methodKey(c.Scope, *p.DefaultSource)
		if _, err := sourceIn(tx, c.Scope, c.Key, key, missing(fault.Invalid, p.DefaultParam, "source", *p.DefaultSource)); err != nil {
			return err
		}
		c.Body.DefaultSource = key
		return nil
	}
	m, err := f.resolve(tx)
	if err != nil {
		return err
	}
	if err := v.Attach(tx, m, c.Key, by); err != nil {
		return err
	}
	old := c.Body.DefaultSource
	c.Body.DefaultSource = m.Key
	if old == 0 {
		return nil
	}
	if c.Body.InvoiceMethod == old {
		c.Body.InvoiceMethod = 0
	}
	gone, ok, err := PaymentMethods.Get(tx, c.Scope, old)
	if err != nil || !ok || gone.Body.Customer != c.Key {
		return err
	}
	return v.detach(tx, gone, by)
}
