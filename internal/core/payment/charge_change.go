package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// ChargeChanges are what a request changes of a charge. Nil leaves a field as it
// is; a pointer to the zero value empties it.
type ChargeChanges struct {
	Description   *string
	TransferGroup *string // once
	UserReport    *string // fraudulent or safe
	Metadata      *vault.Metadata
	Contact       vault.ContactChanges
	Customer      int64 // zero: as it is; where there is none yet
}

// UpdateCharge changes what a charge says for information. The reply shows it.
func (v *Service) UpdateCharge(ctx context.Context, s id.Scope, charge ChargeID, p ChargeChanges, r *idem.Request) (*idem.Reply, error) {
	needs := []db.Need{Charges.Need(s, int64(charge))}
	if p.Customer != 0 {
		needs = append(needs, vault.CustomerNeed(s, vault.Customers.ID(s, p.Customer))...)
	}
	return v.operate(ctx, "payment.update_charge", s, r, needs, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		ch, err := find(tx, Charges, s, int64(charge), fault.NotFound, "charge")
		if err != nil {
			return nil, nil, err
		}
		if err := v.changeCharge(tx, ch, &p); err != nil {
			return nil, nil, err
		}
		if err := Charges.Update(tx, ch); err != nil {
			return nil, nil, err
		}
		return shown(Charges, ch), nil, tell(tx, ch.Body.Intent, "charge.updated", Charges, ch, request(r))
	})
}

func (v *Service) changeCharge(tx *db.Tx, ch *object.Object[Charge], p *ChargeChanges) (err error) {
	c, s := &ch.Body, ch.Scope
	if p.TransferGroup != nil && *p.TransferGroup != c.TransferGroup {
		if c.TransferGroup != "" {
			return fault.Param("transfer_group", "", "The transfer_group of a charge can be set once only. This charge's is %s.", c.TransferGroup)
		}
		c.TransferGroup = *p.TransferGroup
	}
	if p.Customer != 0 && p.Customer != c.Customer {
		if c.Customer != 0 {
			return fault.Param("customer", "", "This charge belongs to a customer already.")
		}
		if _, err := v.Vault.Customer(tx, s, vault.Customers.ID(s, p.Customer)); err != nil {
			return err
		}
		c.Customer = p.Customer
	}
	put(&c.Description, p.Description)
	put(&c.UserReport, p.UserReport)
	if c.Metadata, err = patched(c.Metadata, p.Metadata); err != nil {
		return err
	}
	if p.Contact.Any() || p.Customer != 0 {
		c.Contact, err = v.Vault.ChangeContact(tx, s, c.Customer, c.Contact, &p.Contact)
	}
	return err
}

// CaptureCharge is [Service.Capture] for a caller that names the charge. The
// reply shows the charge.
func (v *Service) CaptureCharge(ctx context.Context, s id.Scope, charge ChargeID, p CaptureParams, r *idem.Request) (*idem.Reply, error) {
	if err := p.prepare(ctx, v, s); err != nil {
		return nil, err
	}
	p.charge, p.param = true, "amount"
	return v.operate(ctx, "payment.capture_charge", s, r, []db.Need{Charges.Need(s, int64(charge))}, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		ch, err := find(tx, Charges, s, int64(charge), fault.NotFound, "charge")
		if err != nil {
			return nil, nil, err
		}
		switch c := &ch.Body; {
		case c.Status != ChargeSucceeded:
			return nil, nil, fault.New(fault.Invalid, "", "The charge %s failed and can't be captured.", Charges.ID(s, ch.Key))
		case c.Voided:
			return nil, nil, fault.New(fault.Invalid, "charge_expired_for_capture", "The charge %s was released and can't be captured any more.", Charges.ID(s, ch.Key))
		case !c.Authorized || c.MaxCapture == c.Captured:
			return nil, nil, fault.New(fault.Invalid, "charge_already_captured", "The charge %s has already been captured.", Charges.ID(s, ch.Key))
		case c.GivenBack != "":
			return nil, nil, fault.New(fault.Invalid, "", "The charge %s came when it was no longer wanted and is given back.", Charges.ID(s, ch.Key))
		}
		o, now, err := v.capturable(tx, s, ch.Body.Intent, captureSettled, "captured")
		if err != nil {
			return nil, nil, err
		}
		attempt, err := v.beginCapture(tx, o, now, &p, r)
		return nil, attempt, err
	})
}
