package vault

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// taxValue is what is sealed of a tax id. It is comparable, as personal data
// has to be.
type taxValue struct {
	Value string `json:"v"`
}

// taxDraft is a tax id on its way into the store.
type taxDraft struct {
	body TaxID
	ends string // how the verification ends
}

// draftTaxIDs prepares the tax ids of a new customer, sealed under the data key
// in person, which gets one if it has none.
func (v *Service) draftTaxIDs(s id.Scope, customer int64, list []TaxIDInput, person *personDraft) ([]taxDraft, error) {
	if len(list) > 0 && person.opened == nil {
		opened, key, err := v.master.NewSubject(identity(s, customer))
		if err != nil {
			return nil, err
		}
		person.subject, person.key, person.opened, person.owned = customer, key, opened, true
	}
	drafts := make([]taxDraft, 0, len(list))
	for _, in := range list {
		d, err := draftTaxID(s, customer, in, person.opened)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

func draftTaxID(s id.Scope, customer int64, in TaxIDInput, under *secret.Subject) (d taxDraft, err error) {
	d.body = TaxID{Customer: customer, Type: in.Type}
	if d.body.Country, d.body.Status, d.ends, err = in.check(s.Livemode); err != nil {
		return d, err
	}
	d.body.Sealed, err = sealData(under, bound(fieldTaxID, s, customer), taxValue{in.Value})
	return d, err
}

// insertTaxID records a tax id, and the end of its verification where that is
// known. It gives the tax id as it began.
func (v *Service) insertTaxID(tx *db.Tx, s id.Scope, d taxDraft, by event.Request) (*object.Object[TaxID], error) {
	o, err := TaxIDs.Insert(tx, s, tx.NewKey(), d.body)
	if err != nil {
		return nil, err
	}
	if err := tellOf(tx, o, "customer.tax_id.created", by); err != nil || d.ends == d.body.Status {
		return o, err
	}
	later := *o
	later.Body.Status = d.ends
	if err := TaxIDs.Update(tx, &later); err != nil {
		return nil, err
	}
	return o, tellOf(tx, &later, "customer.tax_id.updated", event.Request{})
}

// tellOf writes an event about a tax id in its customer's lane.
func tellOf(tx *db.Tx, o *object.Object[TaxID], kind string, by event.Request) error {
	return event.Append(tx, event.Event{
		Scope: o.Scope, Key: tx.NewKey(), Lane: o.Body.Customer, Type: kind, Kind: TaxIDs.Name, Object: o.Ref(), Request: by,
	})
}

// maxTaxIDs is how many tax ids a customer can have, as in the API's reference.
const maxTaxIDs = 5

// CreateTaxID gives a customer a tax id. A value that its type does not have is
// refused with tax_id_invalid.
func (v *Service) CreateTaxID(ctx context.Context, s id.Scope, customer string, in TaxIDInput, r *idem.Request) (*idem.Reply, error) {
	if _, _, _, err := in.check(s.Livemode); err != nil {
		return nil, err
	}
	key, _ := parse(Customers.Prefix, s, customer)
	fresh, err := sealPerson(v, s, key, fieldTaxID, taxValue{"-"})
	if err != nil {
		return nil, err
	}
	have, more, err := v.ListTaxIDs(ctx, s, customer, object.Range{Limit: maxTaxIDs})
	if err != nil {
		return nil, err
	}
	if more || len(have) >= maxTaxIDs {
		return nil, fault.New(fault.Invalid, "", "A customer can have at most %d tax IDs.", maxTaxIDs)
	}
	needs := []db.Need{Customers.Need(s, key), subjects.Need(at(s, key)), event.Lane(s, key)}
	return v.once(ctx, "vault.create_tax_id", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		if _, err := customerIn(tx, s, key, fault.NotFound, "customer", customer); err != nil {
			return nil, err
		}
		d := taxDraft{body: TaxID{Customer: key, Type: in.Type}}
		var err error
		if d.body.Country, d.body.Status, d.ends, err = in.check(s.Livemode); err != nil {
			return nil, err
		}
		d.body.Sealed, err = resealPerson(tx, v, s, key, fieldTaxID, nil, fresh, func(to *taxValue) { to.Value = in.Value })
		if err != nil {
			return nil, err
		}
		o, err := v.insertTaxID(tx, s, d, By(r))
		if err != nil {
			return nil, err
		}
		return show(TaxIDs, o), nil
	})
}

// DeleteTaxID takes a tax id from a customer.
func (v *Service) DeleteTaxID(ctx context.Context, s id.Scope, customer, taxID string, r *idem.Request) (*idem.Reply, error) {
	owner, _ := parse(Customers.Prefix, s, customer)
	key, _ := parse(TaxIDs.Prefix, s, taxID)
	needs := []db.Need{TaxIDs.Need(s, key), event.Lane(s, owner)}
	return v.once(ctx, "vault.delete_tax_id", s, r, needs, func(tx *db.Tx) (*idem.Reply, error) {
		o, ok, err := TaxIDs.Get(tx, s, key)
		if err != nil {
			return nil, err
		}
		if !ok || o.Body.Deleted || o.Body.Customer != owner {
			return nil, missing(fault.NotFound, "id", "tax ID", taxID)
		}
		o.Body.Deleted = true
		if err := TaxIDs.Update(tx, o); err != nil {
			return nil, err
		}
		return show(TaxIDs, o), tellOf(tx, o, "customer.tax_id.deleted", By(r))
	})
}

// RetrieveTaxID reads a tax id of a customer.
func (v *Service) RetrieveTaxID(ctx context.Context, s id.Scope, customer, taxID string) (*object.Object[TaxID], error) {
	owner, _ := parse(Customers.Prefix, s, customer)
	key, _ := parse(TaxIDs.Prefix, s, taxID)
	o, ok, err := TaxIDs.Read(ctx, v.db, s, key)
	if err == nil && (!ok || o.Body.Deleted || o.Body.Customer != owner) {
		err = missing(fault.NotFound, "id", "tax ID", taxID)
	}
	return o, err
}

// ListTaxIDs reads the tax ids of a customer, newest first.
func (v *Service) ListTaxIDs(ctx context.Context, s id.Scope, customer string, r object.Range) ([]*object.Object[TaxID], bool, error) {
	c, err := v.RetrieveCustomer(ctx, s, customer)
	if err != nil {
		return nil, false, err
	}
	r.Where = map[string]any{"customer": c.Key, "deleted": int64(0)}
	return TaxIDs.List(ctx, v.db, s, r)
}

// TaxIDValue opens the value of a tax id. It is empty for a person who was
// erased.
func (v *Service) TaxIDValue(ctx context.Context, o *object.Object[TaxID]) (string, error) {
	t, err := openPerson[taxValue](ctx, v, o.Scope, o.Body.Customer, fieldTaxID, o.Body.Sealed)
	return t.Value, err
}
