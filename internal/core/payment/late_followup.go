package payment

import (
	"fmt"
	"slices"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
)

// followedLate applies a capture, void, increment or refund that succeeded after
// it was called failed, if what it needs is still there; it reports false where
// others have taken that, or may.
func (v *Service) followedLate(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) (applied bool, err error) {
	if a.Body.Operation == OpRefund {
		return v.refundLate(tx, a)
	}
	o, ch, err := v.intentAndCharge(tx, a)
	if err != nil {
		return false, err
	}
	room, err := v.roomFor(tx, a, o, ch)
	if !room || err != nil {
		return false, err
	}
	if err := v.cameLate(tx, a); err != nil {
		return false, err
	}
	switch {
	case a.Body.Operation == OpCapture && account == nil:
		return false, fmt.Errorf("capture %s: the account is not known", Reference(a.Scope, AttemptID(a.Key)))
	case a.Body.Operation == OpCapture:
		return true, v.captured(tx, account, a)
	case a.Body.Operation == OpIncrement:
		return true, v.incremented(tx, a)
	case ch.Body.Voided: // by another, which had the same effect
		return true, nil
	}
	return true, v.voided(tx, a)
}

// roomFor reserves what an operation on an authorisation needs, as its beginning
// did, if the intent waits for nothing else and there is as much left.
func (v *Service) roomFor(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent], ch *object.Object[Charge]) (bool, error) {
	op := a.Body.Operation
	if op == OpVoid && ch.Body.Voided {
		return true, nil
	}
	unwanted := op == OpVoid && ch.Body.GivenBack != "" // goes its own way
	if !unwanted && (o.Body.Status != RequiresCapture || o.Body.Attempt != 0 || o.Body.LatestCharge != ChargeID(ch.Key)) {
		return false, nil
	}
	if op == OpIncrement {
		if ch.Body.Captured > 0 {
			return false, nil
		}
		return true, v.reserveIncrement(tx, o, a.Body.Amount)
	}
	guard, _, err := v.Book.Guard(tx, a.Scope, ch.Key, ledger.GuardCapture)
	if err != nil || guard.Left() < a.Body.reserves() {
		return false, err
	}
	return true, v.Book.Reserve(tx, a.Scope, ch.Key, ledger.GuardCapture, a.Body.reserves())
}

// cameLate stores that an attempt counts after all.
func (v *Service) cameLate(tx *db.Tx, a *object.Object[Attempt]) error {
	a.Body.State, a.Body.Note = Approved, noteLate
	if err := v.explain(tx, a, noteLate); err != nil {
		return err
	}
	return Attempts.Update(tx, a)
}

// refundLate applies a refund that succeeded after it was called failed, if
// there is as much left to refund.
func (v *Service) refundLate(tx *db.Tx, a *object.Object[Attempt]) (applied bool, err error) {
	s := a.Scope
	ch, err := get(tx, Charges, s, int64(a.Body.Charge))
	if err != nil {
		return false, err
	}
	r, err := get(tx, Refunds, s, int64(a.Body.Refund))
	if err != nil {
		return false, err
	}
	guard, _, err := v.Book.Guard(tx, s, ch.Key, ledger.GuardRefund)
	if err != nil || guard.Left() < a.Body.Amount {
		return false, err
	}
	if err := v.Book.Reserve(tx, s, ch.Key, ledger.GuardRefund, a.Body.Amount); err != nil {
		return false, err
	}
	if err := v.cameLate(tx, a); err != nil {
		return false, err
	}
	r.Body.FailureReason = ""
	if err := v.giveBack(tx, r, ch, a, ledger.ProviderClearing); err != nil {
		return false, err
	}
	if err := tell(tx, a.Body.Intent, "refund.updated", Refunds, r, a.Body.Request); err != nil {
		return false, err
	}
	if err := tell(tx, a.Body.Intent, "charge.refunded", Charges, ch, a.Body.Request); err != nil {
		return false, err
	}
	return true, v.refundedNow(tx, s, ch.Key)
}

// contradicted opens a break about an operation that the provider has done and
// the books have no room for, and has its charge remember it until they do:
// others may have reserved what may not be there any more.
func (v *Service) contradicted(tx *db.Tx, a *object.Object[Attempt]) error {
	ch, err := get(tx, Charges, a.Scope, int64(a.Body.Charge))
	if err != nil {
		return err
	}
	if !slices.Contains(ch.Body.Contradicted, AttemptID(a.Key)) {
		ch.Body.Contradicted = append(slices.Clone(ch.Body.Contradicted), AttemptID(a.Key))
		if err := Charges.Update(tx, ch); err != nil {
			return err
		}
	}
	a.Body.Note = noteContradicted
	if err := v.openBreak(tx, a, BreakContradiction, a.Body.stake(), string(a.Body.Operation)+" "+noteContradicted); err != nil {
		return err
	}
	return Attempts.Update(tx, a)
}

// Contradicted books the refunds and voids of a charge that happened though they
// were called failed, as far as there is room for them now. The caller has
// stored the charge, and loads it again to go on with it.
func (v *Service) Contradicted(tx *db.Tx, ch *object.Object[Charge]) error {
	return v.makeUp(tx, nil, ch.Scope, ChargeID(ch.Key))
}

// makeUp books what of a charge happened though it was called failed, and has
// room now. Captures need the account, and wait where it is not at hand.
func (v *Service) makeUp(tx *db.Tx, account *merchant.Account, s id.Scope, charge ChargeID) error {
	ch, err := get(tx, Charges, s, int64(charge))
	if err != nil || len(ch.Body.Contradicted) == 0 {
		return err
	}
	var left []AttemptID
	for _, key := range ch.Body.Contradicted {
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		applied := false
		if a.Body.Operation != OpCapture || account != nil {
			if applied, err = v.followedLate(tx, account, a); err != nil {
				return err
			}
		}
		if !applied {
			left = append(left, key)
		}
	}
	if len(left) == len(ch.Body.Contradicted) {
		return nil
	}
	if ch, err = get(tx, Charges, s, int64(charge)); err != nil {
		return err
	}
	ch.Body.Contradicted = left
	return Charges.Update(tx, ch)
}
