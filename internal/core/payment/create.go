package payment

import (
	"context"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/method"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// CreateParams are what a PaymentIntent is made of.
type CreateParams struct {
	Amount             money.Amount
	CaptureMethod      string // empty: automatic_async
	ConfirmationMethod string // empty: automatic
	Customer           int64
	Method             string             // a method's public id, a test method's name, or a token; empty: none yet
	MethodData         *vault.MethodInput // or a new one; nil: none
	Automatic          string             // allow_redirects of automatic_payment_methods, empty when they are off
	Confirm            bool
	Changes            Changes
	ThreeDSecure       string // request_three_d_secure; empty: as the issuer wants it
	Payer              Payer
	Agreement          Agreement // with Confirm
	// ShowCharge, with Confirm: the reply shows the charge.
	ShowCharge bool
}

// ConfirmParams are what a confirmation may bring along.
type ConfirmParams struct {
	Method     string // as in CreateParams; empty: the one the intent has
	MethodData *vault.MethodInput
	// AmountToConfirm is what the caller takes the amount for, in the API's minor
	// units; zero: anything.
	AmountToConfirm int64
	Changes         Changes
	ThreeDSecure    string // as in CreateParams; empty: as it is
	Payer           Payer
	Agreement       Agreement

	account    *merchant.Account
	showCharge bool
	given      *given // what the request says it pays with; nil: nothing
}

// Create makes an intent, and pays it when asked to confirm. The reply shows
// the intent. A decline is a reply with an error that shows the intent; the
// intent stays and can be tried again.
func (v *Service) Create(ctx context.Context, s id.Scope, p CreateParams, r *idem.Request) (*idem.Reply, error) {
	if err := v.checkCreate(s, &p); err != nil {
		return nil, err
	}
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	var needs []db.Need
	customer := vault.Customers.ID(s, p.Customer)
	if p.Customer != 0 {
		needs = vault.CustomerNeed(s, customer)
	}
	method, more, err := v.refer(s, p.Method, p.MethodData)
	if err != nil {
		return nil, err
	}
	needs = append(needs, more...)
	if err := p.Agreement.prepare(v, s); err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.create", s, r, needs, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		if p.Customer != 0 {
			if _, err := v.Vault.Customer(tx, s, vault.Customers.ID(s, p.Customer)); err != nil {
				return nil, nil, err
			}
		}
		if err := p.Agreement.usable(tx); err != nil {
			return nil, nil, err
		}
		body := p.intent()
		if method != nil {
			m, err := method.Resolve(tx, p.Customer)
			if err != nil {
				return nil, nil, err
			}
			body.Method, body.Status = m.Key, RequiresConfirmation
		}
		draft := &object.Object[Intent]{Scope: s, Key: tx.NewKey(), Body: body}
		if err := v.change(tx, draft, &p.Changes, body.Amount); err != nil {
			return nil, nil, err
		}
		o, err := Intents.Insert(tx, s, draft.Key, draft.Body)
		if err != nil {
			return nil, nil, err
		}
		if err := tell(tx, IntentID(o.Key), "payment_intent.created", Intents, o, request(r)); err != nil {
			return nil, nil, err
		}
		if !p.Confirm {
			return shown(Intents, o), nil, nil
		}
		return v.beginConfirm(tx, o, ConfirmParams{Payer: p.Payer, Agreement: p.Agreement, account: account, showCharge: p.ShowCharge, given: method}, r)
	})
}

// refer prepares what a request says it pays with, outside of the step, where
// sealing a new method's card costs nobody else anything. Nil: it says nothing.
func (v *Service) refer(s id.Scope, method string, data *vault.MethodInput) (*given, []db.Need, error) {
	if data != nil {
		ref, err := v.Vault.ReferInput(s, data)
		if err != nil {
			return nil, nil, within(methodData, err)
		}
		return &given{ref, methodData}, ref.Needs(), nil
	}
	if method == "" {
		return nil, nil, nil
	}
	ref := v.Vault.Refer(s, method)
	return &given{ref, ""}, ref.Needs(), nil
}

// given is what a request says it pays with, and the hash that it says so in.
type given struct {
	*vault.MethodRef
	hash string
}

// Resolve is the reference's, with refusals that name parameters as sent.
func (g *given) Resolve(tx *db.Tx, customer int64) (*object.Object[vault.PaymentMethod], error) {
	m, err := g.MethodRef.Resolve(tx, customer)
	if g.hash != "" {
		err = within(g.hash, err)
	}
	return m, err
}

const methodData = "payment_method_data"

// within names a refused parameter as it stands in a hash. What an issuer would
// refuse is named as it is on the card.
func within(hash string, err error) error {
	e, ok := fault.As(err)
	if !ok || e.Kind != fault.Invalid || e.Param == "" {
		return err
	}
	inside := *e
	first, rest, _ := strings.Cut(e.Param, "[")
	inside.Param = hash + "[" + first + "]"
	if rest != "" {
		inside.Param += "[" + rest
	}
	return &inside
}

// checkCreate refuses what no state of the books could make right.
func (v *Service) checkCreate(s id.Scope, p *CreateParams) error {
	if err := checkAmount(p.Amount); err != nil {
		return err
	}
	if err := v.checkChanges(s, &p.Changes); err != nil {
		return err
	}
	if err := checkCurrency(p.Changes.MethodTypes, p.Amount.Currency()); err != nil {
		return err
	}
	if p.Confirm && p.Method == "" && p.MethodData == nil {
		return missingMethod()
	}
	return nil
}

// checkAmount refuses amounts that no card is charged.
func checkAmount(amount money.Amount) error {
	currency := amount.Currency()
	api, err := amount.ToAPI()
	switch {
	case err != nil:
		return fault.Param("amount", "parameter_invalid_integer", "The amount can't be expressed in %s.", currency)
	case api < money.MinCharge(currency):
		return fault.Param("amount", "amount_too_small", "Amount must be at least %d %s, in the currency's smallest unit.", money.MinCharge(currency), currency)
	case api > money.MaxAPI(currency):
		return fault.Param("amount", "amount_too_large", "Amount must be no more than %d %s, in the currency's smallest unit.", money.MaxAPI(currency), currency)
	}
	return nil
}

func missingMethod() error {
	return fault.New(fault.Invalid, "payment_intent_unexpected_state", "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.")
}

func (p *CreateParams) intent() Intent {
	i := Intent{
		Status: RequiresPaymentMethod, Amount: p.Amount.Minor(), Currency: p.Amount.Currency(),
		CaptureMethod: p.CaptureMethod, ConfirmationMethod: p.ConfirmationMethod, Customer: p.Customer,
		MethodTypes: []string{vault.TypeCard}, Automatic: p.Automatic,
		ThreeDSecure: p.ThreeDSecure,
	}
	if i.CaptureMethod == "" {
		i.CaptureMethod = "automatic_async"
	}
	if i.ConfirmationMethod == "" {
		i.ConfirmationMethod = "automatic"
	}
	return i
}

// Confirm pays an intent.
func (v *Service) Confirm(ctx context.Context, s id.Scope, intent IntentID, p ConfirmParams, r *idem.Request) (*idem.Reply, error) {
	if err := v.checkChanges(s, &p.Changes); err != nil {
		return nil, err
	}
	method, needs, err := v.refer(s, p.Method, p.MethodData)
	if err != nil {
		return nil, err
	}
	p.given = method
	if p.account, err = v.Merchant.Account(ctx, s); err != nil {
		return nil, err
	}
	if err := p.Agreement.prepare(v, s); err != nil {
		return nil, err
	}
	return v.operate(ctx, "payment.confirm", s, r, append(needs, intentNeeds(s, intent)...), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, Intents, s, int64(intent), fault.NotFound, "intent")
		if err != nil {
			return nil, nil, err
		}
		if !intentMachine.Can(o.Body.Status, confirm) {
			return nil, nil, unexpected("confirmed", o.Body.Status)
		}
		if err := p.Agreement.usable(tx); err != nil {
			return nil, nil, err
		}
		if method != nil {
			m, err := method.Resolve(tx, o.Body.Customer)
			if err != nil {
				return nil, nil, err
			}
			o.Body.Method = m.Key
		}
		if o.Body.Method == 0 {
			return nil, nil, missingMethod()
		}
		if err := v.change(tx, o, &p.Changes, o.Body.Amount); err != nil {
			return nil, nil, err
		}
		return v.beginConfirm(tx, o, p, r)
	})
}

// beginConfirm moves the intent to processing and writes the attempt that will
// pay it, or the one that has the payer authenticate before. A payment that is
// too risky ends here, with the reply.
func (v *Service) beginConfirm(tx *db.Tx, o *object.Object[Intent], p ConfirmParams, r *idem.Request) (*idem.Reply, *object.Object[Attempt], error) {
	i := &o.Body
	next, ok := intentMachine.Next(i.Status, confirm)
	if !ok {
		return nil, nil, unexpected("confirmed", i.Status)
	}
	m, err := get(tx, vault.PaymentMethods, o.Scope, i.Method)
	if err != nil {
		return nil, nil, err
	}
	if err := p.suits(i, &m.Body); err != nil {
		return nil, nil, err
	}
	if m.Body.Type == vault.TypeTransfer {
		reply, err := v.confirmCash(tx, o, m, &p, r)
		return reply, nil, err
	}
	if m.Body.Type != vault.TypeCard {
		if err := i.typed(&m.Body); err != nil {
			return nil, nil, err
		}
	}
	via, err := v.route(o.Scope)
	if err != nil {
		return nil, nil, err
	}
	risk := assess(&m.Body.Card)
	if risk != nil && risk.Blocked {
		reply, err := v.block(tx, o, m, &p, risk, r)
		return reply, nil, err
	}
	if p.ThreeDSecure != "" {
		i.ThreeDSecure = p.ThreeDSecure
	}
	if err := v.dropAction(tx, o, request(r)); err != nil {
		return nil, nil, err
	}
	mandate, err := p.Agreement.take(tx, o, m)
	if err != nil {
		return nil, nil, err
	}
	if t, _ := method.Of(m.Body.Type); t.Mandate && mandate == 0 {
		if mandate, err = vault.Standing(tx, m); err != nil {
			return nil, nil, err
		}
		if mandate == 0 {
			reply, err := v.noMandate(tx, o)
			return reply, nil, err
		}
	}
	a := authorization(o, m, p.account)
	if a.Type != "" {
		if a.Line, err = vault.Line(tx, o.Scope, i.Customer); err != nil {
			return nil, nil, err
		}
	}
	a.Provider, a.Risk, a.Mandate, a.ShowCharge = via, risk, mandate, p.showCharge
	if p.given != nil {
		a.typed = p.given.Typed(a.Card)
	}
	if err := v.before(tx, o, &a, p.Payer, m); err != nil {
		return nil, nil, err
	}
	if a.Operation != OpAuthenticate {
		if err := v.authorizeGuard(tx, o); err != nil {
			return nil, nil, err
		}
	}
	attempt, err := v.insertAttempt(tx, o.Scope, a, r)
	if err != nil {
		return nil, nil, err
	}
	i.Status, i.Attempt, i.LastError = next, AttemptID(attempt.Key), nil
	return nil, attempt, Intents.Update(tx, o)
}

// authorization is an attempt to have an intent paid with a method.
func authorization(o *object.Object[Intent], m *object.Object[vault.PaymentMethod], account *merchant.Account) Attempt {
	i := &o.Body
	a := Attempt{Operation: OpSale, Amount: i.Amount, Currency: i.Currency, Intent: IntentID(o.Key), Method: m.Ref(), Card: m.Body.CardRow,
		Descriptor: descriptor(account.StatementDescriptor, i.Descriptor, i.DescriptorSuffix), Features: i.features(), Billed: len(m.Body.Sealed) > 0}
	if m.Body.Type != vault.TypeCard {
		a.Type, a.Features = m.Body.Type, provider.Features{}
		return a
	}
	if i.manual() {
		a.Operation = OpAuthorize
	}
	return a
}

// openAuthorize sets up the guard of what is paid of the intent's amount, unless
// there is one.
func (v *Service) openAuthorize(tx *db.Tx, o *object.Object[Intent]) error {
	_, ok, err := v.Book.Guard(tx, o.Scope, o.Key, ledger.GuardAuthorize)
	if err != nil || ok {
		return err
	}
	return v.Book.OpenGuard(tx, o.Scope, o.Key, ledger.GuardAuthorize, o.Body.Amount)
}

// authorizeGuard reserves the intent's whole amount for one authorisation.
func (v *Service) authorizeGuard(tx *db.Tx, o *object.Object[Intent]) error {
	if err := v.openAuthorize(tx, o); err != nil {
		return err
	}
	return v.Book.Reserve(tx, o.Scope, o.Key, ledger.GuardAuthorize, o.Body.Amount)
}

// insertAttempt writes an attempt that is about to be sent, with the lease
// during which nobody else may look after it.
func (v *Service) insertAttempt(tx *db.Tx, s id.Scope, a Attempt, r *idem.Request) (*object.Object[Attempt], error) {
	a.Ticket, a.Request = r.Ticket(), request(r)
	return v.writeAttempt(tx, s, a)
}

func (v *Service) writeAttempt(tx *db.Tx, s id.Scope, a Attempt) (*object.Object[Attempt], error) {
	p, err := v.provider(a.Provider)
	if err != nil {
		return nil, err
	}
	if a.told != nil {
		return a.told.write(tx, s, a)
	}
	a.State, a.Sent = Sending, tx.Now()
	a.Due = tx.Now().Add(p.Traits.Timeout + Margin)
	a.Lease = NewLease(tx, a.Due)
	return Attempts.Insert(tx, s, tx.NewKey(), a)
}

// locked refuses a second operation on an object whose first one is open.
func locked(s id.Scope, open AttemptID) *fault.Error {
	e := fault.New(fault.Locked, "lock_timeout",
		"Another operation on this object (%s) has an outcome that is still open. Retrieve the object to see it settle before trying again.", Reference(s, open))
	e.NoRetry = true
	return e
}
