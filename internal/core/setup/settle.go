package setup

import (
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/provider"
)

// wait is the time before an open attempt is looked at again: it doubles from
// one second to five minutes.
func wait(tries int) time.Duration {
	return min(time.Second<<min(tries, 9), 5*time.Minute)
}

// apply moves an open attempt by an outcome.
func (v *Service) apply(tx *db.Tx, a *object.Object[Attempt], outcome provider.Outcome) error {
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if o.Body.LatestAttempt != AttemptID(a.Key) {
		return fmt.Errorf("setup_attempt %d is open, and its intent goes by %d", a.Key, o.Body.LatestAttempt)
	}
	if a.Body.State == Asking {
		a.Body.Request = event.Request{} // what follows is the holder's doing
	}
	a.Body.learn(outcome)
	switch outcome.Status {
	case provider.Approved:
		return v.succeed(tx, a, o)
	case provider.Declined, provider.Failed:
		return v.fail(tx, a, o, refused(outcome), newsFailed)
	}
	a.Body.Due = tx.Now().Add(wait(a.Body.Tries))
	if outcome.Status != provider.Pending || outcome.Action == "" || a.Body.State == Asking {
		return Attempts.Update(tx, a)
	}
	if err := v.moveAttempt(tx, a, newsAsked); err != nil {
		return err
	}
	if err := move(o, needsAction); err != nil {
		return err
	}
	o.Body.Action = a.Body.Payer.NewAction(outcome.Action)
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, "setup_intent.requires_action", o, a.Body.Request)
}

func (v *Service) moveAttempt(tx *db.Tx, a *object.Object[Attempt], on News) error {
	next, ok := attemptMachine.Next(a.Body.State, on)
	if !ok {
		return fmt.Errorf("setup_attempt %d: %s in state %s", a.Key, on, a.Body.State)
	}
	if a.Body.State = next; !a.Body.Open() {
		a.Body.Due = time.Time{}
	}
	return Attempts.Update(tx, a)
}

// refused is what is told of an attempt by which nothing was set up.
func refused(o provider.Outcome) *fault.Error {
	switch {
	case o.Status == provider.Failed:
		return payment.Refusal("processing_error")
	case o.ThreeDS != nil && o.ThreeDS.Result != "failed" && o.Reason != "":
		return payment.Refusal(o.Reason)
	}
	return notAuthenticated()
}

func notAuthenticated() *fault.Error {
	return fault.New(fault.Invalid, "setup_intent_authentication_failure", "The latest attempt to set up the payment method has failed because authentication failed.")
}

// succeed sets the method up, and attaches it to the customer.
func (v *Service) succeed(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent]) error {
	m, err := get(tx, vault.PaymentMethods, a.Scope, a.Body.Method.Key)
	if err != nil {
		return err
	}
	customer := a.Body.Customer
	if customer != 0 {
		c, err := get(tx, vault.Customers, a.Scope, customer)
		if err != nil {
			return err
		}
		if c.Body.Deleted { // who is gone gets no new methods: nobody would erase them
			customer = 0
		}
	}
	if err := v.Vault.SetUp(tx, m, customer, a.Body.Usage, a.Body.Request); err != nil {
		refusal, ok := fault.As(err)
		if !ok {
			return err
		}
		return v.fail(tx, a, o, refusal, newsFailed)
	}
	if err := v.moveAttempt(tx, a, newsDone); err != nil {
		return err
	}
	if err := move(o, done); err != nil {
		return err
	}
	o.Body.Action, o.Body.LastError = nil, nil
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.end(tx, a, true); err != nil {
		return err
	}
	return tell(tx, "setup_intent.succeeded", o, a.Body.Request)
}

// fail ends an attempt by which nothing was set up.
func (v *Service) fail(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent], why *fault.Error, on News) error {
	a.Body.Error = why
	if err := v.moveAttempt(tx, a, on); err != nil {
		return err
	}
	if err := move(o, failed); err != nil {
		return err
	}
	o.Body.Action, o.Body.Method, o.Body.Mandate = nil, 0, 0
	o.Body.LastError = &Failure{Error: *why, Method: a.Body.Method}
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.end(tx, a, false); err != nil {
		return err
	}
	return tell(tx, "setup_intent.setup_failed", o, a.Body.Request)
}

// end has the security code go and the mandate count, or not.
func (v *Service) end(tx *db.Tx, a *object.Object[Attempt], active bool) error {
	if err := v.Vault.DropCVC(tx, a.Scope, a.Body.Card); err != nil {
		return err
	}
	return v.Vault.SettleMandate(tx, a.Scope, a.Body.Mandate, active, a.Body.Request)
}
