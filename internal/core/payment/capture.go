package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// CaptureParams say how much of an authorisation is taken.
type CaptureParams struct {
	// Amount in the API's minor units; zero: all of it.
	Amount int64
	// More: the rest is kept for further captures rather than released.
	More    bool
	Changes Changes

	charge  bool   // the request names, and its reply shows, the charge
	param   string // what the amount is called; empty: amount_to_capture
	account *merchant.Account
}

// prepare reads what a step may not.
func (p *CaptureParams) prepare(ctx context.Context, v *Service, s id.Scope) (err error) {
	if err := v.checkChanges(s, &p.Changes); err != nil {
		return err
	}
	p.account, err = v.Merchant.Account(ctx, s)
	return err
}

// Capture takes an authorised amount, or part of it; the rest is released,
// unless more is to follow. The reply shows the intent. When the outcome is not
// known yet the intent is shown as it is.
func (v *Service) Capture(ctx context.Context, s id.Scope, intent IntentID, p CaptureParams, r *idem.Request) (*idem.Reply, error) {
	if err := p.prepare(ctx, v, s); err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.capture", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, ch, err := v.capturable(tx, s, intent, captureSettled, "captured")
		if err != nil {
			return nil, nil, err
		}
		attempt, err := v.beginCapture(tx, o, ch, &p, r)
		return nil, attempt, err
	})
}

// beginCapture reserves what is captured and writes the attempt to.
func (v *Service) beginCapture(tx *db.Tx, o *object.Object[Intent], ch *object.Object[Charge], p *CaptureParams, r *idem.Request) (*object.Object[Attempt], error) {
	param := p.param
	if param == "" {
		param = "amount_to_capture"
	}
	amount, err := amountOf(p.Amount, param, o.Body.money(o.Body.Capturable))
	if err != nil {
		return nil, err
	}
	switch left := ch.Body.MaxCapture - ch.Body.Captured; {
	case amount.Minor() > left:
		return nil, fault.Param(param, "amount_too_large", "The amount to capture is greater than the capturable amount.")
	case p.More && (ch.Body.Granted == nil || !ch.Body.Granted.Multicapture || !ch.Body.Features.Multicapture):
		return nil, fault.Param("final_capture", "", "This PaymentIntent can be captured once only: multicapture is not available for it.")
	case amount.Minor() == 0:
		return nil, fault.Param(param, "parameter_missing", "All that was authorised is captured. Give the amount that is to be captured beyond it.")
	}
	if err := v.Book.Reserve(tx, o.Scope, ch.Key, ledger.GuardCapture, amount.Minor()); err != nil {
		return nil, err
	}
	attempt, err := v.followUp(tx, o, ch, Attempt{Operation: OpCapture, Amount: amount.Minor(), More: p.More, ShowCharge: p.charge}, r)
	if err != nil {
		return nil, err
	}
	if err := v.change(tx, o, &p.Changes, amount.Minor()); err != nil {
		return nil, err
	}
	if err := p.describe(tx, &o.Body, ch); err != nil {
		return nil, err
	}
	return attempt, Intents.Update(tx, o)
}

// describe has the charge say what a capture says of it.
func (p *CaptureParams) describe(tx *db.Tx, i *Intent, ch *object.Object[Charge]) error {
	c, said := &ch.Body, &p.Changes
	if said.Descriptor == nil && said.DescriptorSuffix == nil && said.TransferGroup == nil && !said.Contact.Any() {
		return nil
	}
	c.Descriptor, c.DescriptorSuffix, c.TransferGroup, c.Contact = i.Descriptor, i.DescriptorSuffix, i.TransferGroup, i.Contact
	c.Statement = descriptor(p.account.StatementDescriptor, i.Descriptor, i.DescriptorSuffix)
	return Charges.Update(tx, ch)
}

// Cancel ends an intent. An authorised one is voided at the provider first.
func (v *Service) Cancel(ctx context.Context, s id.Scope, intent IntentID, reason string, r *idem.Request) (*idem.Reply, error) {
	return v.operate(ctx, "payment.cancel", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
		if err != nil {
			return nil, nil, err
		}
		if o.Body.busy() {
			return nil, nil, v.waits(tx, o)
		}
		if err := v.dropAction(tx, o, request(r)); err != nil {
			return nil, nil, err
		}
		if next, ok := intentMachine.Next(o.Body.Status, cancel); ok {
			o.Body.Status, o.Body.CanceledAt, o.Body.CancellationReason = next, tx.Now(), reason
			if err := Intents.Update(tx, o); err != nil {
				return nil, nil, err
			}
			return shown(Intents, o), nil, tell(tx, intent, "payment_intent.canceled", Intents, o, request(r))
		}
		o, ch, err := v.capturable(tx, s, intent, voidSettled, "canceled")
		if err != nil {
			return nil, nil, err
		}
		return v.beginVoid(tx, o, ch, reason, r)
	})
}

// beginVoid reserves all that is left to be captured of a charge, so that
// nothing of it is meanwhile, and writes the attempt that releases it. Where
// nothing is held for it any more, it is released at once.
func (v *Service) beginVoid(tx *db.Tx, o *object.Object[Intent], ch *object.Object[Charge], reason string, r *idem.Request) (*idem.Reply, *object.Object[Attempt], error) {
	left := ch.Body.MaxCapture - ch.Body.Captured
	a := Attempt{Operation: OpVoid, Amount: ch.Body.held(), Cancellation: reason, Request: request(r)}
	if a.Amount == 0 {
		err := v.released(tx, &object.Object[Attempt]{Scope: o.Scope, Body: withIntent(a, o)}, o, ch)
		return shown(Intents, o), nil, err
	}
	if left != a.Amount {
		a.Held = left
	}
	if err := v.Book.Reserve(tx, o.Scope, ch.Key, ledger.GuardCapture, left); err != nil {
		return nil, nil, err
	}
	attempt, err := v.followUp(tx, o, ch, a, r)
	if err != nil {
		return nil, nil, err
	}
	return nil, attempt, Intents.Update(tx, o)
}

func withIntent(a Attempt, o *object.Object[Intent]) Attempt {
	a.Intent = IntentID(o.Key)
	return a
}

func intentNeeds(s id.Scope, intent IntentID) []db.Need {
	return []db.Need{Intents.Need(s, int64(intent)), event.Lane(s, int64(intent))}
}

// capturable loads an intent that is authorised and free, with its charge.
func (v *Service) capturable(tx *db.Tx, s id.Scope, intent IntentID, on Trigger, verb string) (*object.Object[Intent], *object.Object[Charge], error) {
	o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
	if err != nil {
		return nil, nil, err
	}
	// What is open comes first: its outcome may yet allow this.
	if o.Body.busy() && !probe.Mutant("payment.no-lock") {
		return nil, nil, locked(s, o.Body.Attempt)
	}
	if !intentMachine.Can(o.Body.Status, on) {
		return nil, nil, unexpected(verb, o.Body.Status)
	}
	ch, err := get(tx, Charges, s, int64(o.Body.LatestCharge))
	return o, ch, err
}

// followUp writes an attempt on an authorisation and makes its intent wait for
// it; the caller stores the intent.
func (v *Service) followUp(tx *db.Tx, o *object.Object[Intent], ch *object.Object[Charge], a Attempt, r *idem.Request) (*object.Object[Attempt], error) {
	original, err := get(tx, Attempts, o.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return nil, err
	}
	a.Provider, a.Original, a.Currency = original.Body.Provider, AttemptID(original.Key), ch.Body.Currency
	a.Intent, a.Charge, a.Method = IntentID(o.Key), ChargeID(ch.Key), ch.Body.Method
	attempt, err := v.insertAttempt(tx, o.Scope, a, r)
	if err != nil {
		return nil, err
	}
	o.Body.Attempt = AttemptID(attempt.Key)
	return attempt, nil
}
