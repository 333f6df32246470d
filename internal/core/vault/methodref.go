package vault

import (
	"slices"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/method"
	"github.com/florinpay/florin/internal/provider"
)

// MethodRef is what a request says to pay with: an existing payment method, the
// name of a test card, a token, or card data. It is made before the step, so
// that sealing is done outside of it and a step that runs again uses the same
// keys. One MethodRef is for one operation.
type MethodRef struct {
	v     *Service
	scope id.Scope
	text  string // as the request has it
	kind  fault.Kind
	param string // what held it, for the refusal
	noun  string // what it would be, for the refusal
	err   error  // sealing failed

	// One of these says what it is; with none it names nothing.
	existing int64      // key of the payment method
	token    int64      // key of the token
	draft    *cardDraft // the card, or the account, of a new payment method
	made     bool       // it is a new payment method that has neither

	key    int64         // of the payment method that there is or will be
	body   PaymentMethod // the new one's; of a token's, what is laid over the token
	person personDraft   // its personal data
}

// Refer reads a reference: "pm_…" (an id, or in test mode "pm_card_visa"),
// "card_…" (the older id of a source) or "tok_…". What names nothing is refused when it is resolved, so
// that the refusal is recorded under the idempotency key.
func (v *Service) Refer(s id.Scope, ref string) *MethodRef {
	f := &MethodRef{v: v, scope: s, text: ref, kind: fault.Invalid, param: "payment_method", noun: "PaymentMethod", key: v.db.IDs().Next()}
	if strings.HasPrefix(ref, "tok_") {
		f.noun = "token"
		f.token, _ = parse(Tokens.Prefix, s, ref)
	} else if key, ok := methodKey(s, ref); ok {
		f.existing, f.key = key, key
	}
	f.body = PaymentMethod{Type: TypeCard}
	if test := testCardNamed(s, ref); test != nil {
		f.err = f.takeCard(test.clear(v.db.Clock().Now()), test, &Billing{})
	}
	if test := testAccountNamed(s, ref); test != nil {
		t, _ := method.Of(test.Type)
		f.err = f.takeAccount(&t, test.input())
	}
	return f
}

// ReferInput is [Service.Refer] for a payment method that the request itself
// describes. It refuses what is wrong with the description.
func (v *Service) ReferInput(s id.Scope, in *MethodInput) (*MethodRef, error) {
	switch {
	case in.Type == "":
		return nil, fault.Param("type", "parameter_missing", "Missing required param: type.")
	case !slices.Contains(Kept(), in.Type):
		return nil, notKept(in.Type)
	case in.Type != TypeCard:
		return v.referTyped(s, in)
	case in.Card == nil && in.Token == "":
		return nil, fault.Param("card", "parameter_missing", "Missing required param: card.")
	case in.Card != nil && in.Token != "":
		return nil, fault.Param("card[token]", "parameters_exclusive", "You may only specify one of these parameters: card[token], card[number].")
	}
	f := v.Refer(s, in.Token)
	f.param, f.noun = "card[token]", "token"
	f.existing = 0 // an id of a payment method is no token
	if in.Card != nil {
		c, err := in.Card.check(v.db.Clock().Now())
		if err != nil {
			return nil, err
		}
		f.err = f.takeCard(c, testCardNumbered(s, c.number.Reveal()), &in.Billing)
		if f.err == nil {
			f.err = f.body.Card.prefer(in.Card.Preferred)
		}
	}
	f.describe(in)
	f.body.Card.Checks.address(&in.Billing)
	return f, f.err
}

// notKept refuses a type. One that there is not is not repeated: what stands in
// the wrong place may be a card number.
func notKept(name string) error {
	if _, ok := method.Of(name); !ok {
		return fault.Param("type", "", "There is no such payment method type. Available: %s.", strings.Join(Kept(), ", "))
	}
	return fault.Param("type", "", "The payment method type \"%s\" is not available. Available: %s.", name, strings.Join(Kept(), ", "))
}

// referTyped is [Service.ReferInput] for what is no card.
func (v *Service) referTyped(s id.Scope, in *MethodInput) (*MethodRef, error) {
	t, _ := method.Of(in.Type)
	have := map[string]bool{"name": in.Billing.Name != "", "email": in.Billing.Email != "", "address": in.Billing.Address != Address{}}
	for _, field := range t.Required {
		if !have[field] {
			return nil, fault.Param("billing_details["+field+"]", "parameter_missing", "Missing required param: billing_details[%s].", field)
		}
	}
	f := v.Refer(s, "")
	f.body.Type, f.made = t.Name, true
	if t.Account != "" {
		account := in.Account
		if account == nil {
			account = &AccountInput{}
		}
		if err := f.takeAccount(&t, account); err != nil {
			return nil, err
		}
	}
	f.describe(in)
	return f, f.err
}

// describe takes over what is said of a payment method of any type.
func (f *MethodRef) describe(in *MethodInput) {
	f.body.Metadata, f.body.AllowRedisplay = in.Metadata, in.AllowRedisplay
	if f.err == nil {
		f.person, f.err = sealPerson(f.v, f.scope, f.key, fieldBilling, in.Billing)
	}
	f.body.Subject, f.body.Sealed = f.person.subject, f.person.sealed
}

// takeCard makes it a reference to a new payment method of card c.
func (f *MethodRef) takeCard(c *clearCard, test *TestCard, b *Billing) (err error) {
	f.draft, err = f.v.sealCard(f.scope, f.v.db.IDs().Next(), c)
	if err != nil {
		return err
	}
	f.body.Card, f.body.CardRow = c.describe(f.v.master, f.scope, test, b), f.draft.row
	return nil
}

// prefer notes the payer's choice of a network.
func (c *Card) prefer(network string) error {
	if network == "" {
		return nil
	}
	if slices.Contains(c.Networks, network) {
		c.Preferred = network
		return nil
	}
	return fault.Param("card[networks][preferred]", "", "The card can't be used with the preferred network: it is not one of the card's.")
}

// clear is the card as somebody would type it at now: good for another year.
func (c *TestCard) clear(now time.Time) *clearCard {
	cvc := "123"
	if brand, _ := brandOf(c.Number); brand == "amex" {
		cvc = "1234"
	}
	return &clearCard{secret.NewText(c.Number), secret.NewText(cvc), int(now.UTC().Month()), now.UTC().Year() + 1}
}

// Key is the key of the payment method that resolving gives.
func (f *MethodRef) Key() int64 { return f.key }

// Typed gives the card of a new payment method as [Service.CardData] would, while
// the request that brought it is under way; nil: the row is not of one that this
// reference makes.
func (f *MethodRef) Typed(row int64) *provider.Card {
	if f.draft == nil || f.draft.row != row {
		return nil
	}
	c := f.draft.typed
	return &provider.Card{Number: c.number, CVC: c.cvc, ExpMonth: c.month, ExpYear: c.year}
}

// Needs names the rows that resolving asks for.
func (f *MethodRef) Needs() []db.Need {
	switch {
	case f.existing != 0:
		return []db.Need{PaymentMethods.Need(f.scope, f.existing)}
	case f.token != 0:
		return []db.Need{Tokens.Need(f.scope, f.token)}
	}
	return nil
}

// AttachNeeds are Needs and the rows that [Service.Attach] asks for besides the
// customer's.
func (f *MethodRef) AttachNeeds() []db.Need {
	return append(f.Needs(), event.Lane(f.scope, f.key))
}

// Resolve gives, in a step, the payment method to pay with on behalf of
// customer (0: nobody): the existing one, or a new one made of the test card,
// the card data, or the token, which is then used. It is called once in a step.
//
// Refusals, all 400: resource_missing; token_already_used; without a code a
// payment method that may not be used again, or that belongs to another
// customer.
func (f *MethodRef) Resolve(tx *db.Tx, customer int64) (*object.Object[PaymentMethod], error) {
	m, err := f.resolve(tx)
	if err != nil {
		return nil, err
	}
	return m, usable(m, customer)
}

// Resolve is [MethodRef.Resolve] for a reference that is only known within the
// step, such as the one that an object holds. New keys are made each time the
// step runs; nothing that has to be loaded may be asked for under them.
func (v *Service) Resolve(tx *db.Tx, s id.Scope, ref string, customer int64) (*object.Object[PaymentMethod], error) {
	return v.Refer(s, ref).Resolve(tx, customer)
}

func (f *MethodRef) resolve(tx *db.Tx) (*object.Object[PaymentMethod], error) {
	switch {
	case f.err != nil:
		return nil, f.err
	case f.existing != 0:
		m, ok, err := PaymentMethods.Get(tx, f.scope, f.existing)
		if err == nil && !ok {
			err = f.refuse()
		}
		return m, err
	case f.draft != nil:
		f.draft.insert(tx, f.scope)
		return f.insert(tx, f.body)
	case f.made:
		return f.insert(tx, f.body)
	case f.token != 0:
		body, err := f.convert(tx)
		if err != nil {
			return nil, err
		}
		return f.insert(tx, body)
	}
	return nil, f.refuse()
}

func (f *MethodRef) insert(tx *db.Tx, body PaymentMethod) (*object.Object[PaymentMethod], error) {
	f.person.insert(tx, f.scope)
	if body.AllowRedisplay == "" {
		body.AllowRedisplay = "unspecified"
	}
	return PaymentMethods.Insert(tx, f.scope, f.key, body)
}

// convert uses the token and gives the body of the payment method made of it,
// which takes over the token's card row and, unless the request brings its own,
// its personal data.
func (f *MethodRef) convert(tx *db.Tx) (PaymentMethod, error) {
	t, ok, err := Tokens.Get(tx, f.scope, f.token)
	switch {
	case err != nil:
		return PaymentMethod{}, err
	case !ok || t.Body.Type != TypeCard:
		return PaymentMethod{}, f.refuse()
	case t.Body.Used:
		return PaymentMethod{}, fault.Param("", "token_already_used", "You cannot use a Stripe token more than once: %s.", Tokens.ID(t.Scope, t.Key))
	}
	t.Body.Used = true
	if err := Tokens.Update(tx, t); err != nil {
		return PaymentMethod{}, err
	}
	body := f.body
	checks := body.Card.Checks
	body.Card, body.CardRow = t.Body.Card, t.Body.CardRow
	if len(f.person.sealed) == 0 {
		body.Subject, body.Sealed = t.Body.Subject, t.Body.Sealed
	} else {
		body.Card.Checks.Line1, body.Card.Checks.PostalCode = checks.Line1, checks.PostalCode
	}
	return body, nil
}

func (f *MethodRef) refuse() error { return missing(f.kind, f.param, f.noun, f.text) }

// usable refuses a payment method that customer (0: nobody) may not pay with.
func usable(m *object.Object[PaymentMethod], customer int64) error {
	ref := PaymentMethods.ID(m.Scope, m.Key)
	switch {
	case m.Body.Spent():
		return fault.Param("payment_method", "", "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.")
	case m.Body.Customer == 0 || m.Body.Customer == customer:
		return nil
	case customer == 0:
		return fault.Param("payment_method", "", "The `payment_method` parameter supplied %s belongs to the Customer %s. Please include the Customer in the `customer` parameter on the PaymentIntent.", ref, Customers.ID(m.Scope, m.Body.Customer))
	}
	return errNotTheCustomers(ref)
}

func errNotTheCustomers(ref string) error {
	return fault.Param("payment_method", "", "The customer does not have a payment method with the ID %s. The payment method must be attached to the customer.", ref)
}
