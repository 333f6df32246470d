package payment

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
)

// ExpireJob is the kind of the jobs that [Service.ExpireDue] handles.
const ExpireJob = "payment.expire"

// expired is the cancellation reason of an intent whose authorisation lapsed
// (https://docs.stripe.com/api/payment_intents/object, cancellation_reason).
const expired = "automatic"

// usualHold is how long an authorisation can be captured where the provider says
// nothing else: seven days, which the card schemes grant online payments
// (https://docs.stripe.com/payments/place-a-hold-on-a-payment-method).
const usualHold = 7 * 24 * time.Hour

// hold is for how long an approved authorisation can be captured, from now.
func (a *Attempt) hold(now time.Time) time.Duration {
	if a.Granted != nil && a.Granted.Expires.After(now) {
		return a.Granted.Expires.Sub(now)
	}
	return usualHold
}

// expiring is what an expiry job is about.
type expiring struct {
	Intent IntentID `json:"intent"`
}

// planExpiry has an authorisation given up when it can't be captured any more, on
// the line of time that its customer lives by, and gives that time.
func (v *Service) planExpiry(tx *db.Tx, s id.Scope, intent IntentID, customer int64, hold time.Duration) (time.Time, error) {
	line, err := vault.Line(tx, s, customer)
	if err != nil {
		return time.Time{}, err
	}
	now, err := timeline.Now(tx, s, line)
	if err != nil {
		return time.Time{}, err
	}
	at := now.Add(hold)
	return at, timeline.Enqueue(tx, s, line, ExpireJob, at, expiring{intent})
}

// ExpireDue gives up the authorisation that a job was planned for, if it is still
// there. One whose outcome is open, or that could not be voided, is tried again.
func (v *Service) ExpireDue(ctx context.Context, j job.Job) error {
	var p expiring
	if err := j.Payload(&p); err != nil {
		return err
	}
	return v.Expire(ctx, j.Scope, p.Intent, j.At)
}

// Expire voids an intent's authorisation as the system if its time is over at a
// time on its line. An intent that has none any more is left as it is.
func (v *Service) Expire(ctx context.Context, s id.Scope, intent IntentID, now time.Time) error {
	reply, err := v.operate(ctx, "payment.expire", s, nil, intentNeeds(s, intent), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := get(tx, Intents, s, int64(intent))
		if err != nil {
			return nil, nil, err
		}
		if o.Body.Status != RequiresCapture {
			return shown(Intents, o), nil, nil
		}
		if o.Body.Attempt != 0 {
			return nil, nil, locked(s, o.Body.Attempt)
		}
		ch, err := get(tx, Charges, s, int64(o.Body.LatestCharge))
		if err != nil || ch.Body.CaptureBefore.After(now) || probe.Mutant("payment.keep-expired") {
			return shown(Intents, o), nil, err
		}
		return v.beginVoid(tx, o, ch, expired, nil)
	})
	switch {
	case err != nil:
		return err
	case reply.Error != nil:
		return reply.Error
	}
	if o, ok := reply.Main.(*object.Object[Intent]); ok && o.Body.Attempt != 0 {
		return locked(s, o.Body.Attempt) // not void yet
	}
	return nil
}

// tellExpired tells that a charge was given up rather than canceled.
func tellExpired(tx *db.Tx, a *object.Object[Attempt], ch *object.Object[Charge]) error {
	if a.Body.Cancellation != expired {
		return nil
	}
	return tell(tx, a.Body.Intent, "charge.expired", Charges, ch, event.Request{})
}
