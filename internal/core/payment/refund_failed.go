package payment

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// refundFailed applies the news that a refund which was approved did not reach
// the payer: the money comes back, and may be refunded again unless it is
// disputed. One that has failed already stays as it is.
func (v *Service) refundFailed(tx *db.Tx, a *object.Object[Attempt], n provider.Notice) error {
	s, amount := a.Scope, a.Body.money()
	r, err := get(tx, Refunds, s, int64(a.Body.Refund))
	if err != nil || r.Body.Status != RefundSucceeded {
		return err
	}
	ch, err := get(tx, Charges, s, int64(a.Body.Charge))
	if err != nil {
		return err
	}
	if err := v.Book.Return(tx, s, ch.Key, ledger.GuardRefund, amount.Minor()); err != nil {
		return err
	}
	posted, err := v.Book.Post(tx, s, ledger.Transaction{
		Type: ledger.TypeRefundFailure, ReportingCategory: ledger.TypeRefundFailure, SourceKind: Refunds.Name, Source: r.Key, Currency: amount.Currency(),
		Amount: amount.Minor(), Net: amount.Minor(), AvailableOn: tx.Now(), Description: "REFUND FAILURE",
		Provider: a.Body.Provider, Reference: Reference(s, AttemptID(a.Key)),
	}, ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Available, Amount: amount})
	if err != nil {
		return err
	}
	r.Body.Status, r.Body.FailureTransaction, r.Body.FailureReason = RefundFailed, posted.Key, n.Reason
	if r.Body.FailureReason == "" {
		r.Body.FailureReason = "unknown"
	}
	if err := Refunds.Update(tx, r); err != nil {
		return err
	}
	if !probe.Mutant("payment.failed-refund-counts") {
		ch.Body.Refunded -= amount.Minor()
	}
	if err := v.tighten(tx, ch); err != nil {
		return err
	}
	if ch.Body.GivenBack != "" {
		if err := v.bounced(tx, ch, r.Body.FailureReason); err != nil {
			return err
		}
	}
	if err := Charges.Update(tx, ch); err != nil {
		return err
	}
	for _, typ := range []string{"refund.failed", "refund.updated", "charge.refund.updated"} {
		if err := tell(tx, a.Body.Intent, typ, Refunds, r, event.Request{}); err != nil {
			return err
		}
	}
	if err := v.Contradicted(tx, ch); err != nil {
		return err
	}
	return v.refundedNow(tx, s, ch.Key)
}

// refundedNow tells those who look after the charge that what of it is refunded
// has changed.
func (v *Service) refundedNow(tx *db.Tx, s id.Scope, charge int64) error {
	if v.Aftermath == nil {
		return nil
	}
	ch, err := get(tx, Charges, s, charge)
	if err != nil || len(ch.Body.Complaints) == 0 && ch.Body.Warned == 0 {
		return err
	}
	return v.Aftermath.Refunded(tx, ch)
}
