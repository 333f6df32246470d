package payment

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/money"
)

// refunded applies the end of a refund.
func (v *Service) refunded(tx *db.Tx, a *object.Object[Attempt], before State) error {
	s := a.Scope
	r, err := get(tx, Refunds, s, int64(a.Body.Refund))
	if err != nil {
		return err
	}
	ch, err := get(tx, Charges, s, int64(a.Body.Charge))
	if err != nil {
		return err
	}
	if err := v.Book.ReleaseHold(tx, s, r.Key); err != nil {
		return err
	}
	if a.Body.State == Approved {
		err = v.giveBack(tx, r, ch, a, ledger.ProviderClearing)
	} else {
		err = v.keepMoney(tx, a, r, ch)
	}
	if err != nil {
		return err
	}
	types := []string{"refund.created"}
	if before != Sending {
		types = []string{"refund.updated", "charge.refund.updated"}
	}
	if r.Body.Status == RefundFailed {
		types = append(types, "refund.failed")
	}
	for _, typ := range types {
		if err := tell(tx, a.Body.Intent, typ, Refunds, r, a.Body.Request); err != nil {
			return err
		}
	}
	if r.Body.Status != RefundSucceeded {
		return nil
	}
	if err := tell(tx, a.Body.Intent, "charge.refunded", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	if err := reviewRefunded(tx, ch, r, a.Body.Request); err != nil {
		return err
	}
	return v.refundedNow(tx, s, ch.Key)
}

// giveBack books refunded money: available to where it goes by. a is the attempt
// that gave it back; nil where no provider did.
func (v *Service) giveBack(tx *db.Tx, r *object.Object[Refund], ch *object.Object[Charge], a *object.Object[Attempt], to ledger.Kind) error {
	s, amount := r.Scope, money.New(r.Body.Amount, r.Body.Currency)
	if err := v.Book.Settle(tx, s, ch.Key, ledger.GuardRefund, amount.Minor()); err != nil {
		return err
	}
	typ := "refund"
	if to != ledger.ProviderClearing {
		typ = "payment_refund"
	}
	t := ledger.Transaction{
		Type: typ, ReportingCategory: "refund", SourceKind: Refunds.Name, Source: r.Key, Currency: amount.Currency(),
		Amount: -amount.Minor(), Net: -amount.Minor(), AvailableOn: tx.Now(),
	}
	if a != nil {
		t.Provider, t.Reference = a.Body.Provider, Reference(s, AttemptID(a.Key))
	}
	posted, err := v.Book.Post(tx, s, t, ledger.Posting{Debit: ledger.Available, Credit: to, Amount: amount})
	if err != nil {
		return err
	}
	r.Body.Status, r.Body.BalanceTransaction = RefundSucceeded, posted.Key
	if err := Refunds.Update(tx, r); err != nil {
		return err
	}
	ch.Body.Refunded += amount.Minor()
	return Charges.Update(tx, ch)
}

// keepMoney ends a refund by which nothing was given back.
func (v *Service) keepMoney(tx *db.Tx, a *object.Object[Attempt], r *object.Object[Refund], ch *object.Object[Charge]) error {
	if err := v.Book.Release(tx, a.Scope, int64(a.Body.Charge), ledger.GuardRefund, a.Body.Amount); err != nil {
		return err
	}
	r.Body.Status, r.Body.FailureReason = RefundFailed, "unknown"
	if a.Body.State == Declined {
		r.Body.FailureReason = "declined"
	}
	if err := Refunds.Update(tx, r); err != nil {
		return err
	}
	return v.tighten(tx, ch)
}
