package payment

import (
	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
)

// captured applies the end of a capture. What it does not take is released
// unless more captures are to follow.
func (v *Service) captured(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) error {
	s, key := a.Scope, int64(a.Body.Charge)
	o, ch, err := v.intentAndCharge(tx, a)
	if err != nil {
		return err
	}
	o.Body.Attempt = 0
	if a.Body.State != Approved {
		if err := v.Book.Release(tx, s, key, ledger.GuardCapture, a.Body.Amount); err != nil {
			return err
		}
		return Intents.Update(tx, o)
	}
	if err := v.Book.Settle(tx, s, key, ledger.GuardCapture, a.Body.Amount); err != nil {
		return err
	}
	if err := v.addCapture(tx, account, a, ch); err != nil {
		return err
	}
	last := !a.Body.More || ch.Body.MaxCapture == ch.Body.Captured
	if last {
		if err := v.closeCharge(tx, ch); err != nil {
			return err
		}
		if err := move(o, captureSettled); err != nil {
			return err
		}
	}
	if err := Charges.Update(tx, ch); err != nil {
		return err
	}
	o.Body.Received, o.Body.Capturable = ch.Body.Captured, ch.Body.held()
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := tell(tx, a.Body.Intent, "charge.captured", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	typ := "payment_intent.succeeded"
	if !last {
		typ = "payment_intent.amount_capturable_updated"
	}
	return tell(tx, a.Body.Intent, typ, Intents, o, a.Body.Request)
}

// addCapture books what was captured, which can be refunded from now on, and
// notes it on the charge, which the caller stores.
func (v *Service) addCapture(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], ch *object.Object[Charge]) error {
	txn, err := v.take(tx, account, a, ch.Key, a.Body.Amount)
	if err != nil {
		return err
	}
	c := &ch.Body
	if a.Body.More || c.Captured > 0 {
		c.Captures = append(c.taken(), Capture{a.Body.Amount, txn})
	}
	c.Captured += a.Body.Amount
	if c.Captured > a.Body.Amount {
		return v.tighten(tx, ch)
	}
	c.BalanceTransaction = txn
	return v.Book.OpenGuard(tx, ch.Scope, ch.Key, ledger.GuardRefund, c.Captured)
}

// closeCharge lets no more of a charge be captured. The caller stores it.
func (v *Service) closeCharge(tx *db.Tx, ch *object.Object[Charge]) error {
	ch.Body.MaxCapture = ch.Body.Captured
	return v.Book.SetCeiling(tx, ch.Scope, ch.Key, ledger.GuardCapture, ch.Body.Captured)
}

// voided applies the end of a void.
func (v *Service) voided(tx *db.Tx, a *object.Object[Attempt]) error {
	o, ch, err := v.intentAndCharge(tx, a)
	if err != nil {
		return err
	}
	// What was reserved by the void is released, and nothing may be captured any
	// more if it succeeded.
	if err := v.Book.Release(tx, a.Scope, ch.Key, ledger.GuardCapture, a.Body.reserves()); err != nil {
		return err
	}
	if a.Body.State != Approved {
		if o.Body.Attempt != AttemptID(a.Key) {
			return nil // the intent does not wait for it: a charge that it did not want
		}
		o.Body.Attempt = 0
		return Intents.Update(tx, o)
	}
	return v.released(tx, a, o, ch)
}

// released ends an intent and its charge of which no more is captured. One that
// was captured in part and whose time ran out has succeeded with that part.
func (v *Service) released(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent], ch *object.Object[Charge]) error {
	if err := v.closeCharge(tx, ch); err != nil {
		return err
	}
	ch.Body.Voided = ch.Body.Captured == 0
	if err := Charges.Update(tx, ch); err != nil {
		return err
	}
	if ch.Body.GivenBack != "" {
		return nil // the intent did not want this charge; it goes its own way
	}
	o.Body.Attempt, o.Body.Capturable = 0, 0
	if a.Body.Cancellation == expired && ch.Body.Captured > 0 {
		if err := move(o, captureSettled); err != nil {
			return err
		}
		if err := Intents.Update(tx, o); err != nil {
			return err
		}
		return tell(tx, a.Body.Intent, "payment_intent.succeeded", Intents, o, a.Body.Request)
	}
	if err := move(o, voidSettled); err != nil {
		return err
	}
	o.Body.CanceledAt, o.Body.CancellationReason = tx.Now(), a.Body.Cancellation
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := tellExpired(tx, a, ch); err != nil {
		return err
	}
	if err := tell(tx, a.Body.Intent, "payment_intent.canceled", Intents, o, a.Body.Request); err != nil {
		return err
	}
	return CloseReview(tx, ch, "canceled", a.Body.Request)
}
