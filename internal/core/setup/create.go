package setup

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/method"
	"github.com/florinpay/florin/internal/kit/money"
)

// noAmount is what a holder authenticates for where nothing is paid.
var noAmount = money.New(0, "usd")

// Params are what a SetupIntent is made of, or is to be from now on. Nil leaves
// a field as it is.
type Params struct {
	Customer     *int64
	Method       *string            // an id, a test name or a token; empty: none
	MethodData   *vault.MethodInput // or a new one
	MethodTypes  []string
	Excluded     []string
	Directions   []string
	Automatic    string // allow_redirects of automatic_payment_methods; on creation only
	Description  *string
	Metadata     func(map[string]string) (map[string]string, error)
	Usage        string // on creation only; empty: off_session
	ThreeDSecure string
	Network      string
	Options      map[string]payment.TypeChange
}

// ConfirmParams are what a confirmation brings along.
type ConfirmParams struct {
	Method       string // as in Params; empty: the one the intent has
	MethodData   *vault.MethodInput
	ThreeDSecure string
	Network      string
	Options      map[string]payment.TypeChange
	Payer        payment.Payer
	Mandate      *vault.MandateInput
	// Inferred: the mandate is only meant where the method is set up for use while
	// its holder is away.
	Inferred bool
	// Use is as in [payment.Agreement].
	Use func(*db.Tx, int64) error
}

// usable refuses what can't be used.
func (c *ConfirmParams) usable(tx *db.Tx) error {
	if c == nil || c.Use == nil {
		return nil
	}
	return c.Use(tx, 0)
}

// Create makes an intent, and confirms it if c is not nil.
func (v *Service) Create(ctx context.Context, s id.Scope, p Params, c *ConfirmParams, r *idem.Request) (*idem.Reply, error) {
	if c != nil && (c.Method != "" || c.MethodData != nil) {
		p.Method, p.MethodData = &c.Method, c.MethodData
	}
	if c != nil && (p.Method == nil || *p.Method == "") && p.MethodData == nil {
		return nil, missingMethod()
	}
	draft, err := v.draft(s, c)
	if err != nil {
		return nil, err
	}
	method, needs, err := v.refer(s, p.Method, p.MethodData)
	if err != nil {
		return nil, err
	}
	return v.operate(ctx, "setup.create", s, r, needs, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		body := Intent{Status: RequiresPaymentMethod, Usage: p.Usage, Automatic: p.Automatic}
		if body.Usage == "" {
			body.Usage = vault.OffSession
		}
		if err := c.usable(tx); err != nil {
			return nil, nil, err
		}
		if err := v.change(tx, s, &body, p, method); err != nil {
			return nil, nil, err
		}
		o, err := Intents.Insert(tx, s, tx.NewKey(), body)
		if err != nil {
			return nil, nil, err
		}
		if err := tell(tx, "setup_intent.created", o, vault.By(r)); err != nil {
			return nil, nil, err
		}
		if c == nil {
			return shown(o), nil, nil
		}
		attempt, err := v.attempt(tx, o, c, draft, r)
		return nil, attempt, err
	})
}

func (v *Service) refer(s id.Scope, method *string, data *vault.MethodInput) (*payment.Given, []db.Need, error) {
	if method == nil {
		method = new(string)
	}
	return v.Payment.Refer(s, *method, data)
}

func (v *Service) draft(s id.Scope, c *ConfirmParams) (*vault.MandateDraft, error) {
	if c == nil {
		return nil, nil
	}
	return v.Vault.DraftMandate(s, c.Mandate)
}

// change applies p to an intent that is not confirmed.
func (v *Service) change(tx *db.Tx, s id.Scope, i *Intent, p Params, method *payment.Given) (err error) {
	if p.Customer != nil {
		if i.Customer = *p.Customer; i.Customer != 0 {
			if _, err := v.Vault.Customer(tx, s, vault.Customers.ID(s, i.Customer)); err != nil {
				return err
			}
		}
	}
	if err := v.changeTypes(s, i, p); err != nil {
		return err
	}
	if err := i.option(p.Options); err != nil {
		return err
	}
	set(&i.Directions, p.Directions)
	if p.Description != nil {
		i.Description = *p.Description
	}
	if p.Metadata != nil {
		if i.Metadata, err = p.Metadata(i.Metadata); err != nil {
			return err
		}
	}
	for to, value := range map[*string]string{&i.ThreeDSecure: p.ThreeDSecure, &i.Network: p.Network} {
		if value != "" {
			*to = value
		}
	}
	if method == nil {
		return nil
	}
	m, err := method.Resolve(tx, i.Customer)
	if err != nil {
		return err
	}
	next, ok := intentMachine.Next(i.Status, giveMethod)
	if !ok {
		return unexpected("update", i.Status)
	}
	i.Method, i.Status = m.Key, next
	return nil
}

func set(to *[]string, value []string) {
	if value != nil {
		*to = slices.Clone(value)
	}
}

// Update changes an intent that is not at its end.
func (v *Service) Update(ctx context.Context, s id.Scope, key IntentID, p Params, r *idem.Request) (*idem.Reply, error) {
	method, needs, err := v.refer(s, p.Method, p.MethodData)
	if err != nil {
		return nil, err
	}
	return v.operate(ctx, "setup.update", s, r, append(needs, intentNeeds(s, key)...), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, nil, err
		}
		i := &o.Body
		clears := p.Method != nil && *p.Method == "" && p.MethodData == nil
		final := i.Status == Succeeded || i.Status == Canceled || i.Status == Processing
		if final && (p.Method != nil || p.MethodData != nil || p.Customer != nil || p.MethodTypes != nil || p.ThreeDSecure != "" || p.Network != "" || p.Directions != nil || p.Excluded != nil) {
			return nil, nil, unexpected("update", i.Status)
		}
		if (method != nil || clears) && i.Status == RequiresAction {
			if err := v.leave(tx, o); err != nil {
				return nil, nil, err
			}
		}
		if err := v.change(tx, s, i, p, method); err != nil {
			return nil, nil, err
		}
		if clears {
			i.Method = 0
			if err := move(o, takeMethod); err != nil {
				return nil, nil, err
			}
		}
		if err := Intents.Update(tx, o); err != nil {
			return nil, nil, err
		}
		return shown(o), nil, nil // the version that there is now
	})
}

// Confirm sets the intent's method up.
func (v *Service) Confirm(ctx context.Context, s id.Scope, key IntentID, c ConfirmParams, r *idem.Request) (*idem.Reply, error) {
	draft, err := v.draft(s, &c)
	if err != nil {
		return nil, err
	}
	method, needs, err := v.refer(s, &c.Method, c.MethodData)
	if err != nil {
		return nil, err
	}
	return v.operate(ctx, "setup.confirm", s, r, append(needs, intentNeeds(s, key)...), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, nil, err
		}
		if !intentMachine.Can(o.Body.Status, confirm) {
			return nil, nil, unexpected("confirm", o.Body.Status)
		}
		if err := c.usable(tx); err != nil {
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
		attempt, err := v.attempt(tx, o, &c, draft, r)
		return nil, attempt, err
	})
}

// Cancel ends an intent. A holder who is being asked is not waited for.
func (v *Service) Cancel(ctx context.Context, s id.Scope, key IntentID, reason string, r *idem.Request) (*idem.Reply, error) {
	return v.operate(ctx, "setup.cancel", s, r, intentNeeds(s, key), func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		o, err := find(tx, s, key)
		if err != nil {
			return nil, nil, err
		}
		next, ok := intentMachine.Next(o.Body.Status, cancel)
		if !ok {
			return nil, nil, unexpected("cancel", o.Body.Status)
		}
		if err := v.leave(tx, o); err != nil {
			return nil, nil, err
		}
		o.Body.Status, o.Body.CanceledReason, o.Body.CanceledAt = next, reason, tx.Now()
		if err := Intents.Update(tx, o); err != nil {
			return nil, nil, err
		}
		return shown(o), nil, tell(tx, "setup_intent.canceled", o, vault.By(r))
	})
}

// attempt moves an intent to processing and writes the attempt that is to be
// sent.
func (v *Service) attempt(tx *db.Tx, o *object.Object[Intent], c *ConfirmParams, draft *vault.MandateDraft, r *idem.Request) (*object.Object[Attempt], error) {
	i := &o.Body
	if c.Use != nil {
		if err := c.Use(tx, o.Key); err != nil {
			return nil, err
		}
	}
	if err := v.leave(tx, o); err != nil {
		return nil, err
	}
	if err := move(o, confirm); err != nil {
		return nil, err
	}
	p, err := v.Payment.Acquirer(o.Scope)
	if err != nil {
		return nil, err
	}
	m, err := get(tx, vault.PaymentMethods, o.Scope, i.Method)
	if err != nil {
		return nil, err
	}
	for to, value := range map[*string]string{&i.ThreeDSecure: c.ThreeDSecure, &i.Network: c.Network} {
		if value != "" {
			*to = value
		}
	}
	if err := i.option(c.Options); err != nil {
		return nil, err
	}
	if c.Inferred && i.Usage != vault.OffSession {
		draft = nil
	}
	if !slices.Contains(i.MethodTypes, m.Body.Type) {
		return nil, fault.Param("payment_method", "setup_intent_invalid_parameter", "This SetupIntent does not take payment methods of type %s. It takes: %s.", m.Body.Type, strings.Join(i.MethodTypes, ", "))
	}
	mandate, err := draft.Insert(tx, m)
	if err != nil {
		return nil, err
	}
	typ := ""
	if m.Body.Type != vault.TypeCard {
		if typ = m.Body.Type; mandate == 0 {
			mandate, err = vault.Standing(tx, m)
		}
		if err == nil && mandate == 0 {
			err = fault.Param("mandate_data", "setup_intent_mandate_invalid", "This SetupIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.")
		}
		if err != nil {
			return nil, err
		}
	}
	payer := c.Payer
	payer.Challenge = i.ThreeDSecure == payment.ThreeDSChallenge
	due := tx.Now().Add(p.Traits.Timeout + payment.Margin)
	a, err := Attempts.Insert(tx, o.Scope, tx.NewKey(), Attempt{State: Trying, Intent: IntentID(o.Key), Customer: i.Customer, Usage: i.Usage,
		Method: m.Ref(), Card: m.Body.CardRow, Type: typ, Provider: p.Name, Payer: payer, Directions: i.Directions, Mandate: mandate,
		Wanted: i.ThreeDSecure == payment.ThreeDSAny || i.ThreeDSecure == payment.ThreeDSChallenge,
		Ticket: r.Ticket(), Request: vault.By(r), Due: due, Lease: payment.NewLease(tx, due)})
	if err != nil {
		return nil, err
	}
	i.LatestAttempt, i.LastError, i.Action = AttemptID(a.Key), nil, nil
	if mandate != 0 {
		i.Mandate = mandate
	}
	return a, Intents.Update(tx, o)
}

// Types lists the types of payment methods that can be set up in s.
func (v *Service) Types(s id.Scope) []string {
	return slices.DeleteFunc(v.Payment.Types(s), func(name string) bool {
		t, _ := method.Of(name)
		return !t.Reusable
	})
}

// changeTypes sets which types of methods an intent takes.
func (v *Service) changeTypes(s id.Scope, i *Intent, p Params) error {
	available := v.Types(s)
	for _, t := range p.MethodTypes {
		if !slices.Contains(available, t) {
			return fault.Param("payment_method_types", "setup_intent_invalid_parameter", "The payment method type \"%s\" is not available. Available: %s.", t, strings.Join(available, ", "))
		}
	}
	if p.MethodTypes != nil {
		i.MethodTypes = slices.Clone(p.MethodTypes)
	} else if len(i.MethodTypes) == 0 {
		i.MethodTypes = []string{vault.TypeCard}
	}
	set(&i.Excluded, p.Excluded)
	for _, t := range i.MethodTypes {
		if slices.Contains(i.Excluded, t) {
			return fault.Param("excluded_payment_method_types", "", "You cannot exclude %s: without it this SetupIntent would have no payment method types left.", t)
		}
	}
	return nil
}

// option changes what is said of types besides cards.
func (i *Intent) option(changes map[string]payment.TypeChange) (err error) {
	if i.Automatic != "" {
		i.Options = i.Options.Apply(changes)
		return nil
	}
	i.Options, err = i.Options.ApplyListed(changes, i.MethodTypes, "setup_intent_invalid_parameter")
	return err
}

// leave ends the open attempt of an intent that goes on without it. The caller
// stores the intent.
func (v *Service) leave(tx *db.Tx, o *object.Object[Intent]) error {
	if o.Body.Status != RequiresAction {
		return nil
	}
	a, err := get(tx, Attempts, o.Scope, int64(o.Body.LatestAttempt))
	if err != nil {
		return err
	}
	a.Body.State, a.Body.Due, o.Body.Action = Abandoned, time.Time{}, nil
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	return v.Vault.SettleMandate(tx, o.Scope, a.Body.Mandate, false, a.Body.Request)
}

func missingMethod() error {
	return fault.New(fault.Invalid, "setup_intent_unexpected_state", "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method or specify one directly in this confirmation call.")
}

func intentNeeds(s id.Scope, key IntentID) []db.Need {
	return []db.Need{Intents.Need(s, int64(key)), event.Lane(s, int64(key))}
}

func find(tx *db.Tx, s id.Scope, key IntentID) (*object.Object[Intent], error) {
	o, ok, err := Intents.Get(tx, s, int64(key))
	if err == nil && !ok {
		err = fault.Missing(fault.NotFound, "intent", "setupintent", Intents.ID(s, int64(key)))
	}
	return o, err
}
