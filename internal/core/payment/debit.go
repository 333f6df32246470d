package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/timeline"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/method"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// SettleJob is the kind of the jobs that [Service.SettleDue] handles.
const SettleJob = "payment.settle"

// settling is what a job of that kind is about.
type settling struct {
	Attempt AttemptID `json:"attempt"`
}

// delayed reports whether what comes of the attempt is known days after it was
// accepted.
func (a *Attempt) delayed() bool {
	t, _ := method.Of(a.Type)
	return a.Operation == OpSale && t.Class == method.Delayed
}

// patience is how long the attempt may be open before a person is asked.
func (a *Attempt) patience() time.Duration {
	if a.State != Pending || !a.delayed() {
		return breakAfter
	}
	t, _ := method.Of(a.Type)
	const day = 24 * time.Hour
	return breakAfter + time.Duration(t.Days)*2*day // business days, with weekends and holidays between
}

// heldLook is how often a payment is asked about that a test clock is to end.
const heldLook = time.Hour

// next is when an open attempt is looked at again.
func (a *Attempt) next(now time.Time, o provider.Outcome) time.Time {
	due := now.Add(wait(a.Tries))
	switch {
	case a.Line != 0 && a.State == Pending:
		return now.Add(heldLook)
	case a.delayed() && o.Status == provider.Pending && o.Arrives.After(due):
		// Not all of the time, lest a wrong word keep it from being looked at.
		return due.Add(min(o.Arrives.Sub(due), heldLook))
	}
	return due
}

// pend applies that a payment was accepted whose end is known later: there is a
// charge from now on, the mandate counts, and the method has been used.
func (v *Service) pend(tx *db.Tx, a *object.Object[Attempt], before State, o provider.Outcome) error {
	in, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	ch, err := Charges.Insert(tx, a.Scope, tx.NewKey(), chargeOf(a, in, ChargePending))
	if err != nil {
		return err
	}
	a.Body.Pends = ChargeID(ch.Key)
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	in.Body.LatestCharge = ChargeID(ch.Key)
	if err := Intents.Update(tx, in); err != nil {
		return err
	}
	if err := v.used(tx, a, &in.Body); err != nil {
		return err
	}
	if err := v.Vault.SettleMandate(tx, a.Scope, a.Body.Mandate, true, a.Body.Request); err != nil {
		return err
	}
	if before == Sending {
		if err := tell(tx, a.Body.Intent, "payment_intent.processing", Intents, in, a.Body.Request); err != nil {
			return err
		}
	}
	if err := tell(tx, a.Body.Intent, "charge.pending", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	return v.planSettle(tx, a, o)
}

// planSettle has a payment whose customer lives by a test clock end when that has
// come so far.
func (v *Service) planSettle(tx *db.Tx, a *object.Object[Attempt], o provider.Outcome) error {
	if a.Body.Line == 0 || o.Arrives.IsZero() || v.Providers[a.Body.Provider].Settle == nil {
		return nil
	}
	now, err := timeline.Now(tx, a.Scope, a.Body.Line)
	if err != nil {
		return err
	}
	wait := max(o.Arrives.Sub(tx.Now()), time.Second)
	return timeline.Enqueue(tx, a.Scope, a.Body.Line, SettleJob, now.Add(wait), settling{AttemptID(a.Key)})
}

// SettleDue ends the payment that a job was planned for, as its provider would
// have in time.
func (v *Service) SettleDue(ctx context.Context, j job.Job) error {
	var p settling
	if err := j.Payload(&p); err != nil {
		return err
	}
	a, ok, err := Attempts.Read(ctx, v.DB, j.Scope, int64(p.Attempt))
	if err != nil || !ok || !a.Body.Open() {
		return err
	}
	with, err := v.provider(a.Body.Provider)
	if err != nil {
		return err
	}
	reference := Reference(j.Scope, p.Attempt)
	if with.Settle == nil {
		return fmt.Errorf("attempt %s: provider %s ends nothing before its time", reference, with.Name)
	}
	asked, cancel := context.WithTimeout(ctx, with.Traits.Timeout)
	defer cancel()
	f := with.Settle(asked, reference)
	if f.Answer != provider.Found || !f.Outcome.Status.Definite() {
		return fmt.Errorf("attempt %s: the provider did not say how it ended", reference)
	}
	_, err = v.settle(ctx, a, f.Outcome, nil)
	return err
}

// waits refuses to cancel an intent whose outcome is open: for a moment, or, where
// it was accepted and is known in days only, by its state.
func (v *Service) waits(tx *db.Tx, o *object.Object[Intent]) error {
	a, err := get(tx, Attempts, o.Scope, int64(o.Body.Attempt))
	if err != nil {
		return err
	}
	if a.Body.State == Pending && a.Body.delayed() {
		return unexpected("canceled", o.Body.Status)
	}
	return locked(o.Scope, o.Body.Attempt)
}

// pendingCharge is the charge of a payment that was accepted and not known yet;
// nil: there is none.
func pendingCharge(tx *db.Tx, a *object.Object[Attempt]) (*object.Object[Charge], error) {
	if a.Body.Pends == 0 {
		return nil, nil
	}
	ch, err := get(tx, Charges, a.Scope, int64(a.Body.Pends))
	if err != nil || ch.Body.Status != ChargePending {
		return nil, err
	}
	return ch, nil
}

// putCharge writes a charge under key: the one that was pending, if there was
// one, or a new one.
func putCharge(tx *db.Tx, pending *object.Object[Charge], s id.Scope, key int64, body Charge) (*object.Object[Charge], error) {
	if pending == nil {
		return Charges.Insert(tx, s, key, body)
	}
	pending.Body = body
	return pending, Charges.Update(tx, pending)
}

// paidNotice applies the news that a pending payment has ended. It reports false
// where that contradicts what is known.
func (v *Service) paidNotice(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], n provider.Notice) (bool, error) {
	o := provider.Outcome{Status: provider.Approved}
	if n.Kind == provider.NoticeUnpaid {
		o = provider.Outcome{Status: provider.Declined, Reason: n.Reason}
	}
	switch {
	case a.Body.Operation != OpSale:
		return false, nil
	case !a.Body.Open():
		return (a.Body.State == Approved) == (o.Status == provider.Approved), nil
	case a.Body.State == Sending, a.Body.Undoing:
		return false, nil // whoever sends or undoes it is about to say so
	}
	if err := v.apply(tx, account, a, o); err != nil {
		return false, err
	}
	_, err := v.answer(tx, a, nil)
	return true, err
}

// debitRefusals are the reasons for which a bank account is not debited.
var debitRefusals = map[string]string{
	"account_closed":                   "The customer's bank account has been closed.",
	"no_account":                       "The customer's bank account could not be located.",
	"insufficient_funds":               "The customer's account has insufficient funds to cover this payment.",
	"debit_not_authorized":             "The customer has notified their bank that this payment was unauthorized.",
	"charge_exceeds_source_limit":      "The payment exceeds the amount that can be processed from this account in a week.",
	"charge_exceeds_weekly_limit":      "The payment exceeds the number of payments that can be processed from this account in a week.",
	"payment_method_currency_mismatch": "The currency specified does not match the currency of the customer's bank account.",
	"payment_method_provider_decline":  "The payment was declined by the customer's bank.",
}

// refusal is what is told of an attempt by which nothing was taken.
func (a *Attempt) refusal() fault.Error {
	if a.Type == "" || a.Type == vault.TypeCard {
		return failure(provider.Outcome{Status: statusOf(a.State), Reason: a.Reason})
	}
	code, message := a.Reason, debitRefusals[a.Reason]
	if message == "" || a.State != Declined {
		code, message = "payment_intent_payment_attempt_failed", "The payment failed."
	}
	return fault.Error{Kind: fault.Declined, Code: code, Message: message}
}

// typed refuses to pay an intent with a method whose type does not go with it.
func (i *Intent) typed(m *vault.PaymentMethod) error {
	t, _ := method.Of(m.Type)
	const code = "payment_intent_invalid_parameter"
	switch {
	case !t.TakesCurrency(i.Currency):
		return currencyRefused(i.Currency, t.Name)
	case i.CaptureMethod == "manual" && !t.Manual:
		return fault.Param("capture_method", code, "The payment method type %s does not take payments that are captured later. Leave out capture_method=manual.", t.Name)
	case t.Customer && i.Customer == 0:
		return fault.Param("customer", "parameter_missing", "A payment by %s needs a customer.", t.Name)
	case !t.Within(i.money(i.Amount)):
		return fault.Param("amount", code, "The amount is not within the limits of the payment method type %s.", t.Name)
	}
	return nil
}

func currencyRefused(c money.Currency, typ string) error {
	return fault.Param("payment_method_types", "payment_intent_invalid_parameter", "The currency provided (%s) is invalid for one or more payment method types on this PaymentIntent: %s.", c, typ)
}

// checkCurrency refuses a list of types of which one does not take the currency.
func checkCurrency(types *[]string, c money.Currency) error {
	if types == nil {
		return nil
	}
	for _, name := range *types {
		if t, ok := method.Of(name); ok && !t.TakesCurrency(c) {
			return currencyRefused(c, name)
		}
	}
	return nil
}

// noMandate ends a confirmation for which the holder of an account has given no
// permission. The intent keeps the method, and can be confirmed with one.
func (v *Service) noMandate(tx *db.Tx, o *object.Object[Intent]) (*idem.Reply, error) {
	if o.Body.Status == RequiresPaymentMethod {
		if err := move(o, giveMethod); err != nil {
			return nil, err
		}
	}
	if err := Intents.Update(tx, o); err != nil {
		return nil, err
	}
	reply := shown(Intents, o)
	reply.Error = fault.Param("mandate_data", "payment_intent_mandate_invalid",
		"This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.")
	return reply, nil
}
