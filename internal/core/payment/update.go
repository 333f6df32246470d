package payment

import (
	"context"
	"errors"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

// UpdateParams are what an update of an intent may change.
type UpdateParams struct {
	// Amount in the API's minor units; zero: as it is.
	Amount   int64
	Currency money.Currency // empty: as it is
	Customer int64          // zero: as it is
	Method   string         // as in CreateParams; empty: as it is
	// MethodData describes a new method; nil: none.
	MethodData   *vault.MethodInput
	ClearMethod  bool
	ThreeDSecure string // as in CreateParams; empty: as it is
	Changes      Changes
}

// Update changes an intent. What decides how it is paid can be changed only
// before it is confirmed; what is for information, always. The reply shows the
// intent.
func (v *Service) Update(ctx context.Context, s id.Scope, intent IntentID, p UpdateParams, r *idem.Request) (*idem.Reply, error) {
	if err := v.checkChanges(s, &p.Changes); err != nil {
		return nil, err
	}
	method, needs, err := v.refer(s, p.Method, p.MethodData)
	if err != nil {
		return nil, err
	}
	if p.Customer != 0 {
		needs = append(needs, vault.CustomerNeed(s, vault.Customers.ID(s, p.Customer))...)
	}
	return v.operate(ctx, "payment.update", s, r, append(needs, intentNeeds(s, intent)...), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
		if err != nil {
			return nil, nil, err
		}
		if name := p.beforeConfirmation(); name != "" {
			if o.Body.confirmed() {
				return nil, nil, tooLate(name, o.Body.Status)
			}
			if err := v.unconfirm(tx, o, request(r)); err != nil {
				return nil, nil, err
			}
		}
		if err := v.changeAmount(tx, o, &p); err != nil {
			return nil, nil, err
		}
		if err := v.changePayer(tx, o, &p, method); err != nil {
			return nil, nil, err
		}
		if p.ThreeDSecure != "" {
			o.Body.ThreeDSecure = p.ThreeDSecure
		}
		if err := v.change(tx, o, &p.Changes, o.Body.Amount); err != nil {
			return nil, nil, err
		}
		if err := Intents.Update(tx, o); err != nil {
			return nil, nil, err
		}
		return shown(Intents, o), nil, nil // the version that there is now
	})
}

// confirmed reports whether it is settled how the intent is paid.
func (i *Intent) confirmed() bool {
	switch i.Status {
	case Processing, RequiresCapture, Succeeded, Canceled:
		return true
	}
	return i.Attempt != 0 && i.Status != RequiresAction
}

// unconfirm takes back that the payer is asked to authenticate, or to send money:
// it would be for another payment than the one that is made.
func (v *Service) unconfirm(tx *db.Tx, o *object.Object[Intent], by event.Request) error {
	if o.Body.Status != RequiresAction {
		return nil
	}
	if err := v.dropAction(tx, o, by); err != nil {
		return err
	}
	return move(o, giveMethod)
}

// beforeConfirmation names a parameter that can't be changed once an intent is
// confirmed; empty: there is none among those given.
func (p *UpdateParams) beforeConfirmation() string {
	c := &p.Changes
	for _, given := range []struct {
		name string
		is   bool
	}{
		{"amount", p.Amount != 0}, {"currency", p.Currency != ""}, {"customer", p.Customer != 0},
		{"payment_method", p.Method != "" || p.ClearMethod}, {"payment_method_data", p.MethodData != nil},
		{"payment_method_types", c.MethodTypes != nil}, {"excluded_payment_method_types", c.ExcludedTypes != nil},
		{"payment_method_options", c.Card != nil || c.Cash != nil}, {"payment_method_configuration", c.Configuration != nil},
		{"capture_method", c.CaptureMethod != nil}, {"setup_future_usage", c.SetupFutureUsage != nil},
		{"statement_descriptor", c.Descriptor != nil}, {"statement_descriptor_suffix", c.DescriptorSuffix != nil},
		{"amount_details", c.Details != nil}, {"hooks", c.TaxCalculation != nil},
	} {
		if given.is {
			return given.name
		}
	}
	return ""
}

func tooLate(param string, st Status) *fault.Error {
	e := fault.New(fault.Invalid, "payment_intent_unexpected_state",
		"This PaymentIntent's %s could not be updated because it has a status of %s. You may only update the %s of a PaymentIntent with one of the following statuses: requires_payment_method, requires_confirmation, requires_action.", param, st, param)
	e.Param = param
	return e
}

// changeAmount sets what is to be paid, and how much may be authorised for it.
func (v *Service) changeAmount(tx *db.Tx, o *object.Object[Intent], p *UpdateParams) error {
	if p.Amount == 0 && p.Currency == "" {
		return nil
	}
	api, currency := p.Amount, p.Currency
	if currency == "" {
		currency = o.Body.Currency
	}
	if api == 0 {
		var err error
		if api, err = o.Body.money(o.Body.Amount).ToAPI(); err != nil {
			return err
		}
	}
	amount, err := amountFromAPI(api, currency)
	if err != nil {
		return err
	}
	if err := checkAmount(amount); err != nil {
		return err
	}
	o.Body.Amount, o.Body.Currency = amount.Minor(), currency
	_, ok, err := v.Book.Guard(tx, o.Scope, o.Key, ledger.GuardAuthorize)
	if err != nil || !ok {
		return err
	}
	err = v.Book.SetCeiling(tx, o.Scope, o.Key, ledger.GuardAuthorize, amount.Minor())
	if _, under := errors.AsType[*ledger.GuardError](err); under {
		return tooLate("amount", o.Body.Status) // part of it is authorised, or may be
	}
	return err
}

// changePayer sets who pays and what with.
func (v *Service) changePayer(tx *db.Tx, o *object.Object[Intent], p *UpdateParams, method *given) error {
	i, s := &o.Body, o.Scope
	if p.Customer != 0 {
		if _, err := v.Vault.Customer(tx, s, vault.Customers.ID(s, p.Customer)); err != nil {
			return err
		}
		i.Customer = p.Customer
	}
	switch {
	case p.ClearMethod:
		i.Method = 0
		return move(o, takeMethod)
	case method != nil:
		m, err := method.Resolve(tx, i.Customer)
		if err != nil {
			return err
		}
		i.Method = m.Key
		return move(o, giveMethod)
	case p.Customer != 0 && i.Method != 0:
		// The method that the intent has must be one that the new customer may use.
		_, err := v.Vault.Resolve(tx, s, vault.PaymentMethods.ID(s, i.Method), i.Customer)
		return err
	}
	return nil
}
