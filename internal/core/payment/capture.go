package payment

import (
	"context"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// CaptureParams say how much of an authorisation is taken.
type CaptureParams struct {
	// Amount in the API's minor units; zero: all of it.
	Amount int64
	// Metadata, unless nil, is laid over the intent's; an empty value removes its
	// key. ClearMetadata removes all keys first.
	Metadata      map[string]string
	ClearMetadata bool
}

// maxMetadata is how many keys an object's metadata may have
// (https://docs.stripe.com/api/metadata).
const maxMetadata = 50

// Capture takes an authorised amount, or part of it; the rest is released. The
// reply shows the intent. When the outcome is not known yet the intent is
// shown as it is.
func (v *Service) Capture(ctx context.Context, s id.Scope, intent IntentID, p CaptureParams, r *idem.Request) (*idem.Reply, error) {
	return v.operate(ctx, "payment.capture", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, ch, err := v.capturable(tx, s, intent, captureSettled, "captured")
		if err != nil {
			return nil, nil, err
		}
		amount, err := amountOf(p.Amount, "amount_to_capture", o.Body.money(o.Body.Capturable))
		if err != nil {
			return nil, nil, err
		}
		if amount.Minor() > o.Body.Capturable {
			return nil, nil, fault.Param("amount_to_capture", "amount_too_large", "The amount to capture is greater than the capturable amount.")
		}
		if err := v.Book.Reserve(tx, s, ch.Key, ledger.GuardCapture, amount.Minor()); err != nil {
			return nil, nil, err
		}
		attempt, err := v.followUp(tx, o, ch, Attempt{Operation: OpCapture, Amount: amount.Minor()}, r)
		if err != nil {
			return nil, nil, err
		}
		if p.ClearMetadata {
			o.Body.Metadata = nil
		}
		if p.Metadata != nil {
			o.Body.Metadata = merge(o.Body.Metadata, p.Metadata)
		}
		if n := len(o.Body.Metadata); n > maxMetadata {
			return nil, nil, fault.Param("metadata", "", "Metadata can have up to %d keys, but this request would leave %d keys.", maxMetadata, n)
		}
		return nil, attempt, Intents.Update(tx, o)
	})
}

// Cancel ends an intent. An authorised one is voided at the provider first.
func (v *Service) Cancel(ctx context.Context, s id.Scope, intent IntentID, reason string, r *idem.Request) (*idem.Reply, error) {
	return v.operate(ctx, "payment.cancel", s, r, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
		if err != nil {
			return nil, nil, err
		}
		if o.Body.busy() {
			return nil, nil, locked(s, o.Body.Attempt)
		}
		if err := v.dropAuthentication(tx, o); err != nil {
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
		// The whole authorisation goes: nothing of it may be captured meanwhile.
		if err := v.Book.Reserve(tx, s, ch.Key, ledger.GuardCapture, o.Body.Capturable); err != nil {
			return nil, nil, err
		}
		attempt, err := v.followUp(tx, o, ch, Attempt{Operation: OpVoid, Amount: ch.Body.Amount, Cancellation: reason}, r)
		if err != nil {
			return nil, nil, err
		}
		return nil, attempt, Intents.Update(tx, o)
	})
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

func merge(into, from map[string]string) map[string]string {
	out := make(map[string]string, len(into)+len(from))
	for k, value := range into {
		out[k] = value
	}
	for k, value := range from {
		if value == "" {
			delete(out, k)
		} else {
			out[k] = value
		}
	}
	return out
}
