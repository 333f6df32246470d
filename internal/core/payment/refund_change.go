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

// UpdateRefund changes the metadata of a refund. The reply shows it.
func (v *Service) UpdateRefund(ctx context.Context, s id.Scope, refund RefundID, metadata *vault.Metadata, r *idem.Request) (*idem.Reply, error) {
	return v.onRefund(ctx, "payment.update_refund", s, refund, r, func(tx *db.Tx, o *object.Object[Refund]) (err error) {
		if metadata == nil {
			return nil
		}
		if o.Body.Metadata, err = patched(o.Body.Metadata, metadata); err != nil {
			return err
		}
		if err := Refunds.Update(tx, o); err != nil {
			return err
		}
		for _, typ := range []string{"refund.updated", "charge.refund.updated"} {
			if err := tell(tx, o.Body.Intent, typ, Refunds, o, request(r)); err != nil {
				return err
			}
		}
		return nil
	})
}

// StopRefund takes a refund back that waits for the payer to say where the money
// is to go. Refunds to cards never do: the request was with the card's network
// before anybody could take it back. verb is for the refusal: "canceled".
func (v *Service) StopRefund(ctx context.Context, s id.Scope, refund RefundID, verb string, r *idem.Request) (*idem.Reply, error) {
	return v.onRefund(ctx, "payment.stop_refund", s, refund, r, func(_ *db.Tx, o *object.Object[Refund]) error {
		return fault.New(fault.Invalid, "", "The refund %s can't be %s: its status is %s, and only a refund that requires action of the customer can be. Refunds to cards never do.",
			Refunds.ID(s, o.Key), verb, o.Body.Status)
	})
}

// onRefund runs an operation that changes a refund without a provider.
func (v *Service) onRefund(ctx context.Context, name string, s id.Scope, refund RefundID, r *idem.Request, do func(*db.Tx, *object.Object[Refund]) error) (*idem.Reply, error) {
	return v.operate(ctx, name, s, r, []db.Need{Refunds.Need(s, int64(refund))}, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Refunds, s, int64(refund), fault.NotFound, "refund")
		if err != nil {
			return nil, nil, err
		}
		if err := do(tx, o); err != nil {
			return nil, nil, err
		}
		return shown(Refunds, o), nil, nil
	})
}
