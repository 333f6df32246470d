package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// maxIncrements is how often it may be tried to have more authorised of one
// intent, refusals included
// (https://docs.stripe.com/api/payment_intents/increment_authorization).
const maxIncrements = 10

// IncrementParams say how much is to be authorised.
type IncrementParams struct {
	// Amount in all, in the API's minor units: more than is authorised.
	Amount  int64
	Changes Changes
}

// Increment has more authorised of an intent that waits to be captured. The
// reply shows the intent, with the larger amount if the issuer agreed; a decline
// leaves it as it was.
func (v *Service) Increment(ctx context.Context, s id.Scope, intent IntentID, p IncrementParams, r *idem.Request) (*idem.Reply, error) {
	if err := v.checkChanges(s, &p.Changes); err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.increment", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, ch, err := v.capturable(tx, s, intent, captureSettled, "incremented")
		if err != nil {
			return nil, nil, err
		}
		if err := v.incrementable(&o.Body, &ch.Body); err != nil {
			return nil, nil, err
		}
		amount, err := amountFromAPI(p.Amount, o.Body.Currency)
		if err != nil {
			return nil, nil, err
		}
		if err := checkAmount(amount); err != nil {
			return nil, nil, err
		}
		by := amount.Minor() - ch.Body.Amount
		if by <= 0 {
			return nil, nil, fault.Param("amount", "payment_intent_invalid_parameter", "The amount must be greater than the amount that is authorised (%s).", ch.Body.money(ch.Body.Amount))
		}
		if err := v.reserveIncrement(tx, o, by); err != nil {
			return nil, nil, err
		}
		o.Body.Increments++
		attempt, err := v.followUp(tx, o, ch, Attempt{Operation: OpIncrement, Amount: by}, r)
		if err != nil {
			return nil, nil, err
		}
		if err := v.change(tx, o, &p.Changes, amount.Minor()); err != nil {
			return nil, nil, err
		}
		return nil, attempt, Intents.Update(tx, o)
	})
}

// incrementable refuses where no more can be authorised.
func (v *Service) incrementable(i *Intent, ch *Charge) error {
	switch {
	case ch.Granted == nil || !ch.Granted.Increment || !ch.Features.Increment:
		return fault.New(fault.Invalid, "payment_intent_invalid_parameter", "This PaymentIntent is not eligible for an incremental authorization. Ask for it with payment_method_options[card][request_incremental_authorization] when you confirm.")
	case ch.Captured > 0:
		return fault.New(fault.Invalid, "payment_intent_unexpected_state", "This PaymentIntent has been captured in part and can't be incremented any more.")
	case i.Increments >= maxIncrements:
		return fault.New(fault.Invalid, "payment_intent_invalid_parameter", "A PaymentIntent can have at most %d incremental authorization attempts.", maxIncrements)
	}
	return nil
}

// reserveIncrement reserves what is to be authorised in addition: the ceiling
// goes up by exactly that, so that nothing else finds room below it.
func (v *Service) reserveIncrement(tx *db.Tx, o *object.Object[Intent], by int64) error {
	guard, _, err := v.Book.Guard(tx, o.Scope, o.Key, ledger.GuardAuthorize)
	if err != nil {
		return err
	}
	if err := v.Book.SetCeiling(tx, o.Scope, o.Key, ledger.GuardAuthorize, guard.Reserved+guard.Done+by); err != nil {
		return err
	}
	return v.Book.Reserve(tx, o.Scope, o.Key, ledger.GuardAuthorize, by)
}

// incremented applies the end of an increment. Only an approval lets more be
// captured.
func (v *Service) incremented(tx *db.Tx, a *object.Object[Attempt]) error {
	o, ch, err := v.intentAndCharge(tx, a)
	if err != nil {
		return err
	}
	s, by := a.Scope, a.Body.Amount
	o.Body.Attempt = 0
	if a.Body.State != Approved && !probe.Mutant("payment.increment-unasked") {
		if err := v.Book.Release(tx, s, o.Key, ledger.GuardAuthorize, by); err != nil {
			return err
		}
		if err := v.Book.SetCeiling(tx, s, o.Key, ledger.GuardAuthorize, max(o.Body.Amount, ch.Body.Amount)); err != nil {
			return err
		}
		return Intents.Update(tx, o)
	}
	if err := v.Book.Settle(tx, s, o.Key, ledger.GuardAuthorize, by); err != nil {
		return err
	}
	ch.Body.raise(by, a.Body.Granted)
	if err := v.Book.SetCeiling(tx, s, ch.Key, ledger.GuardCapture, ch.Body.MaxCapture); err != nil {
		return err
	}
	if err := Charges.Update(tx, ch); err != nil {
		return err
	}
	o.Body.Amount, o.Body.Capturable = ch.Body.Amount, ch.Body.held()
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := tell(tx, a.Body.Intent, "charge.updated", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	return tell(tx, a.Body.Intent, "payment_intent.amount_capturable_updated", Intents, o, a.Body.Request)
}

// raise notes that more is authorised, and what the provider then allows.
func (c *Charge) raise(by int64, granted *provider.Granted) {
	c.Amount += by
	c.MaxCapture += by
	if granted != nil && c.Features.Overcapture {
		c.MaxCapture = max(granted.MaxCapture, c.Amount)
	}
}
