package dispute

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider"
)

// warned writes an early fraud warning. A charge has one.
func (v *Service) warned(tx *db.Tx, ch *object.Object[payment.Charge], n provider.Notice) error {
	if ch.Body.Warned != 0 {
		return nil
	}
	typ := n.Reason
	if typ == "" {
		typ = "misc"
	}
	o, err := Warnings.Insert(tx, ch.Scope, tx.NewKey(), Warning{
		Type: typ, Charge: payment.ChargeID(ch.Key), Intent: ch.Body.Intent, Actionable: actionable(ch)})
	if err != nil {
		return err
	}
	ch.Body.Warned = o.Key
	if err := payment.Charges.Update(tx, ch); err != nil {
		return err
	}
	return tell(tx, ch.Body.Intent, "radar.early_fraud_warning.created", Warnings, o, event.Request{})
}

// actionable reports whether a refund of the charge may still prevent a dispute.
func actionable(ch *object.Object[payment.Charge]) bool {
	return len(ch.Body.Complaints) == 0 && ch.Body.Refunded < ch.Body.Captured
}

// unwarn has the charge's warning say whether there is something to be done.
func (v *Service) unwarn(tx *db.Tx, ch *object.Object[payment.Charge]) error {
	if ch.Body.Warned == 0 {
		return nil
	}
	o, err := get(tx, Warnings, ch.Scope, ch.Body.Warned)
	if err != nil || o.Body.Actionable == actionable(ch) {
		return err
	}
	o.Body.Actionable = actionable(ch)
	if err := Warnings.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, ch.Body.Intent, "radar.early_fraud_warning.updated", Warnings, o, event.Request{})
}

// Refunded implements [payment.Aftermath].
func (v *Service) Refunded(tx *db.Tx, ch *object.Object[payment.Charge]) error {
	if err := v.unwarn(tx, ch); err != nil {
		return err
	}
	for _, c := range ch.Body.Complaints {
		o, err := get(tx, Disputes, ch.Scope, c.Dispute)
		if err != nil {
			return err
		}
		now := refundable(o.Body.Status, ch)
		if now == o.Body.Refundable {
			continue
		}
		o.Body.Refundable = now
		if err := Disputes.Update(tx, o); err != nil {
			return err
		}
		if err := tell(tx, o.Body.Intent, "charge.dispute.updated", Disputes, o, event.Request{}); err != nil {
			return err
		}
	}
	return nil
}
