package payment

import (
	"context"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// abandonAfter is how long a payer may take to authenticate.
const abandonAfter = 24 * time.Hour

// When to have the payer authenticate: request_three_d_secure.
const (
	// ThreeDSAny: before the payment, where the card can.
	ThreeDSAny = "any"
	// ThreeDSChallenge: likewise, and the issuer is to ask the payer.
	ThreeDSChallenge = "challenge"
)

// Payer says where a payer is while a payment is confirmed, and how to get back
// from authenticating.
type Payer struct {
	// Origin is Florin's own address as the payer's browser reaches it:
	// "https://pay.example".
	Origin string `json:"origin,omitempty"`
	// ReturnURL is the merchant's page that the payer is sent to afterwards;
	// empty: there is none.
	ReturnURL string `json:"return,omitempty"`
	// SDK: the merchant's page handles the next action by itself.
	SDK bool `json:"sdk,omitempty"`
	// Away: the payer is not there to be asked (off_session).
	Away bool `json:"away,omitempty"`
	// Refuse: rather than ask the payer, let it fail (error_on_requires_action).
	Refuse bool `json:"refuse,omitempty"`
	// Challenge: the issuer is to ask the payer even if it would not.
	Challenge bool `json:"challenge,omitempty"`
}

// Action is what the payer has to do for the payment to go on.
type Action struct {
	URL       string `json:"url,omitempty"` // where to go; absolute
	ReturnURL string `json:"return,omitempty"`
	// SDK: it is for the merchant's page rather than a redirect.
	SDK bool `json:"sdk,omitempty"`
	// Transfer: the payer has to send money; the rest is empty.
	Transfer *Transfer `json:"transfer,omitempty"`
}

// NewAction is what a payer has to do who is sent to a provider's page: an
// absolute URL, or a path on Florin's own address.
func (p *Payer) NewAction(page string) *Action {
	if strings.HasPrefix(page, "/") {
		page = p.Origin + page
	}
	return &Action{URL: page, ReturnURL: p.ReturnURL, SDK: p.SDK || p.ReturnURL == ""}
}

// ThreeDS is what a payer's authentication came to.
type ThreeDS = provider.ThreeDS

// notHandled is the decline code where the payer would have to be asked and the
// merchant does not want that.
const notHandled = "authentication_not_handled"

// authenticationRequired is the reason of an issuer that wants the payer asked.
const authenticationRequired = "authentication_required"

// judged is an outcome as the attempt takes it: to be asked is a refusal for
// those who said that they can't be.
func (a *Attempt) judged(o provider.Outcome) provider.Outcome {
	if a.Operation == OpAuthenticate && a.Payer.Refuse && o.Status == provider.Pending && o.Action != "" {
		return provider.Outcome{Status: provider.Declined, ID: o.ID, Reason: notHandled, Raw: o.Raw}
	}
	return o
}

// asksForPayer reports whether a declined attempt is to go on by asking the
// payer, who is there and has not been asked yet.
func (v *Service) asksForPayer(a *Attempt) bool {
	p, err := v.provider(a.Provider)
	return err == nil && p.Authenticate != nil && a.State == Declined && a.Reason == authenticationRequired && !a.Payer.Away && a.Proof == 0
}

// busy reports whether the intent has to wait for an outcome. A payer who is
// asked to authenticate holds nobody up: no money is at stake.
func (i *Intent) busy() bool { return i.Attempt != 0 && i.Status != RequiresAction }

// proves reports whether an authentication leaves something to show to the
// issuer. Where the card has none the payment goes on without.
func proves(t *provider.ThreeDS) bool {
	return t != nil && (t.Result == "authenticated" || t.Result == "attempt_acknowledged" || t.Result == "exempted")
}

// follow writes the attempt that goes on where a ends, within the same
// confirmation: the request that waits for a now waits for it.
func (v *Service) follow(tx *db.Tx, a *object.Object[Attempt], op Operation) (*object.Object[Attempt], error) {
	next := a.Body.successor(op)
	if op == OpSale || op == OpAuthorize {
		m, err := get(tx, vault.PaymentMethods, a.Scope, a.Body.Method.Key)
		if err != nil {
			return nil, err
		}
		next.SetUp = m.Body.SetUp == vault.OffSession
		next.Proof, next.ThreeDS = AttemptID(a.Key), a.Body.ThreeDS
	}
	written, err := v.writeAttempt(tx, a.Scope, next)
	if err != nil {
		return nil, err
	}
	a.Body.Next = AttemptID(written.Key)
	if err := v.Keys.Recover(tx, a.Scope, a.Body.Ticket, written.Key); err != nil {
		return nil, err
	}
	return written, Attempts.Update(tx, a)
}

// successor is what an attempt hands on.
func (a *Attempt) successor(op Operation) Attempt {
	return Attempt{Operation: op, Provider: a.Provider, Amount: a.Amount, Currency: a.Currency, Intent: a.Intent, Method: a.Method,
		Card: a.Card, Descriptor: a.Descriptor, Features: a.Features, Risk: a.Risk, Billed: a.Billed, Payer: a.Payer, Mandate: a.Mandate, SetUp: a.SetUp, ShowCharge: a.ShowCharge, Then: a.Then, Ticket: a.Ticket, Request: a.Request}
}

// beginAuthentication goes on after an issuer has asked for the payer: nothing
// is reserved any more, and the payer is asked.
func (v *Service) beginAuthentication(tx *db.Tx, a *object.Object[Attempt]) error {
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if err := v.releaseAuthorize(tx, a); err != nil {
		return err
	}
	a.Body.Then, a.Body.SetUp = a.Body.Operation, o.Body.future() == vault.OffSession
	next, err := v.follow(tx, a, OpAuthenticate)
	if err != nil {
		return err
	}
	o.Body.Attempt = AttemptID(next.Key)
	return Intents.Update(tx, o)
}

// asked applies that an authentication is under way: if it waits for the payer,
// the intent says what to do.
func (v *Service) asked(tx *db.Tx, a *object.Object[Attempt], before State, outcome provider.Outcome) error {
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if a.Body.State != Pending || outcome.Action == "" || o.Body.Status != Processing {
		return v.undecided(tx, a, before)
	}
	if err := move(o, needsAction); err != nil {
		return err
	}
	o.Body.Action = a.Body.Payer.NewAction(outcome.Action)
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	return tell(tx, a.Body.Intent, "payment_intent.requires_action", Intents, o, a.Body.Request)
}

// authenticated applies the end of an authentication.
func (v *Service) authenticated(tx *db.Tx, a *object.Object[Attempt]) error {
	o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if o.Body.Attempt != AttemptID(a.Key) {
		return nil // the intent went on without it
	}
	byPayer := o.Body.Status == RequiresAction
	if byPayer {
		a.Body.Request = event.Request{} // what follows is the payer's doing
	}
	o.Body.Action, o.Body.Attempt = nil, 0
	switch {
	case a.Body.State != Approved && !probe.Mutant("payment.pay-unauthenticated"):
		return v.unauthenticated(tx, a, o)
	case byPayer && o.Body.ConfirmationMethod == "manual":
		if err := move(o, actionKept); err != nil {
			return err
		}
		o.Body.Proof = AttemptID(a.Key)
		return Intents.Update(tx, o)
	case byPayer:
		if err := move(o, actionDone); err != nil {
			return err
		}
	}
	if err := v.authorizeGuard(tx, o); err != nil {
		return err
	}
	next, err := v.follow(tx, a, a.Body.Then)
	if err != nil {
		return err
	}
	o.Body.Attempt = AttemptID(next.Key)
	return Intents.Update(tx, o)
}

// unauthenticated applies an authentication that failed. No money was asked
// for, so there is no charge.
func (v *Service) unauthenticated(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent]) error {
	if err := move(o, attemptFailed); err != nil {
		return err
	}
	o.Body.Method, o.Body.LastError = 0, &Failure{Error: notAuthenticated(&a.Body), Method: a.Body.Method}
	if err := Intents.Update(tx, o); err != nil {
		return err
	}
	if err := v.Vault.DropCVC(tx, a.Scope, a.Body.Card); err != nil {
		return err
	}
	if err := v.Vault.SettleMandate(tx, a.Scope, a.Body.Mandate, false, a.Body.Request); err != nil {
		return err
	}
	return tell(tx, a.Body.Intent, "payment_intent.payment_failed", Intents, o, a.Body.Request)
}

// notAuthenticated is what is told of an authentication that failed.
func notAuthenticated(a *Attempt) fault.Error {
	switch {
	case a.Payer.Refuse && a.Reason == notHandled:
		return declined(notHandled)
	case a.State == Declined && (a.ThreeDS == nil || a.ThreeDS.Result != "failed") && a.Reason != notHandled:
		return declined(a.Reason) // the issuer refuses the card whoever holds it
	case a.State == Declined, a.Note == noteAbandoned:
		return *fault.New(fault.Invalid, "payment_intent_authentication_failure",
			"The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again.")
	}
	return declined("processing_error")
}

const (
	// noteAbandoned notes that the payer did not come back.
	noteAbandoned = "the payer did not authenticate in time"
	// noteDropped notes that nobody waits for the payer any more.
	noteDropped = "the payment went on without it"
)

// dropAction ends the open authentication of an intent that goes on
// without it. Whatever the payer does from now on changes nothing. The caller
// stores the intent. So it is with a bank transfer: what came goes back to the
// customer's cash balance.
func (v *Service) dropAction(tx *db.Tx, o *object.Object[Intent], by event.Request) error {
	if o.Body.Status != RequiresAction {
		return nil
	}
	if o.Body.Awaits() {
		return v.dropTransfer(tx, o, by)
	}
	a, err := get(tx, Attempts, o.Scope, int64(o.Body.Attempt))
	if err != nil {
		return err
	}
	a.Body.State, a.Body.Note, a.Body.Due = Failed, noteDropped, time.Time{}
	o.Body.Attempt, o.Body.Action = 0, nil
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	return v.Vault.SettleMandate(tx, a.Scope, a.Body.Mandate, false, a.Body.Request)
}

// abandon ends an authentication whose payer does not come back.
func (v *Service) abandon(ctx context.Context, a *object.Object[Attempt]) error {
	_, err := v.settle(ctx, a, provider.Outcome{Status: provider.Failed, Message: noteAbandoned,
		ThreeDS: &provider.ThreeDS{Result: "failed", Reason: "abandoned"}}, nil)
	return err
}

// Returned goes on with a payment whose payer comes back from authenticating:
// it asks the provider what came of it, whoever else may be asking, applies the
// answer, and gives the intent as it is then, and where the payer goes from here.
func (v *Service) Returned(ctx context.Context, s id.Scope, key AttemptID) (*object.Object[Intent], *Payer, error) {
	a, ok, err := Attempts.Read(ctx, v.DB, s, int64(key))
	if err == nil && (!ok || a.Body.Operation != OpAuthenticate) {
		err = fault.Missing(fault.NotFound, "", "authentication", Reference(s, key))
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := v.provider(a.Body.Provider)
	if err != nil {
		return nil, nil, err
	}
	if a.Body.Open() && p.Inquire != nil {
		f := v.question(ctx, p, a)
		if f.Answer == provider.Found && f.Outcome.Status.Definite() {
			// The payer who closes the page now must not stop the payment half-way.
			if _, err := v.settle(context.WithoutCancel(ctx), a, f.Outcome, nil); err != nil {
				return nil, nil, err
			}
		}
	}
	o, ok, err := Intents.Read(ctx, v.DB, s, int64(a.Body.Intent))
	if err == nil && !ok {
		err = fault.Missing(fault.NotFound, "", Intents.Name, Intents.ID(s, int64(a.Body.Intent)))
	}
	return o, &a.Body.Payer, err
}

// Acquirer gives the provider that cards of a scope are paid with and set up at.
func (v *Service) Acquirer(s id.Scope) (provider.Provider, error) {
	name, err := v.route(s)
	if err != nil {
		return provider.Provider{}, err
	}
	return v.provider(name)
}

// Given is what a request says is paid with or set up.
type Given = given

// Refer prepares what a request names or describes, outside of the step that
// resolves it. Nil: nothing.
func (v *Service) Refer(s id.Scope, method string, data *vault.MethodInput) (*Given, []db.Need, error) {
	return v.refer(s, method, data)
}

// question asks the provider how an attempt stands.
func (v *Service) question(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) provider.Finding {
	ctx, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	return p.Inquire(ctx, Reference(a.Scope, AttemptID(a.Key)))
}

// authenticate asks the provider to have the payer authenticate.
func (v *Service) authenticate(ctx context.Context, p provider.Provider, a *object.Object[Attempt], card provider.Card) provider.Outcome {
	if p.Authenticate == nil {
		return provider.Outcome{Status: provider.Failed, Message: "the provider can't have the payer authenticate"}
	}
	b := &a.Body
	back := b.Payer.ReturnURL
	if v.Landing != nil {
		back = b.Payer.Origin + v.Landing(a.Scope, AttemptID(a.Key))
	}
	return p.Authenticate(ctx, provider.AuthenticateRequest{Reference: Reference(a.Scope, AttemptID(a.Key)), Amount: b.money(), Card: card,
		Challenge: b.Payer.Challenge, SetUp: b.SetUp, ReturnURL: back})
}

// Agreement is what a confirmation rests on besides the method.
type Agreement struct {
	// Given is a permission of the holder's that is given with it; Mandate is the
	// key of one that was given before. At most one is set.
	Given   *vault.MandateInput
	Mandate int64
	// Use, if set, is called in the step with the intent's key: what the
	// confirmation rests on is used up by it. It is called with 0 before, when the
	// intent may not be there yet, only to refuse what can't be used.
	Use func(*db.Tx, int64) error
	// CVCToken is a token of the security code of a card that is kept; empty: none.
	CVCToken string

	draft *vault.MandateDraft
	vault *vault.Service
}

// prepare seals what is personal, outside of the step.
func (g *Agreement) prepare(v *Service, s id.Scope) (err error) {
	g.vault = v.Vault
	g.draft, err = v.Vault.DraftMandate(s, g.Given)
	return err
}

// usable refuses what can't be used, before anything that comes of it is looked
// at.
func (g *Agreement) usable(tx *db.Tx) error {
	if g.Use == nil {
		return nil
	}
	return g.Use(tx, 0)
}

// take applies the agreement to a confirmation that is about to begin, and gives
// the mandate that it rests on.
func (g *Agreement) take(tx *db.Tx, o *object.Object[Intent], m *object.Object[vault.PaymentMethod]) (int64, error) {
	if g.Use != nil {
		if err := g.Use(tx, o.Key); err != nil {
			return 0, err
		}
	}
	if g.CVCToken != "" {
		if err := g.vault.Recollect(tx, m, g.CVCToken, "payment_method_options[card][cvc_token]"); err != nil {
			return 0, err
		}
	}
	if g.Mandate == 0 {
		if i := &o.Body; m.Body.Type != vault.TypeCard && i.future() == "" {
			g.draft.For(i.money(i.Amount))
		}
		return g.draft.Insert(tx, m)
	}
	mandate, err := find(tx, vault.Mandates, o.Scope, g.Mandate, fault.Invalid, "mandate")
	if err == nil && (mandate.Body.Single != nil || mandate.Body.Status != vault.MandateActive || mandate.Body.Method != m.Key) {
		err = fault.Param("mandate", "payment_intent_mandate_invalid", "The provided mandate is not active, or was given for another payment method.")
	}
	return g.Mandate, err
}

// before decides what an authorisation that is about to begin brings along: the
// proof that the payer gave for the confirmation before this one; or, where the
// merchant wants it, it has the payer authenticate first.
func (v *Service) before(tx *db.Tx, o *object.Object[Intent], a *Attempt, payer Payer, m *object.Object[vault.PaymentMethod]) error {
	i := &o.Body
	proof := i.Proof
	i.Proof = 0
	payer.Challenge = i.ThreeDSecure == ThreeDSChallenge
	a.Payer, a.SetUp = payer, m.Body.SetUp == vault.OffSession
	if a.Type != "" { // nobody but a card's issuer asks
		return nil
	}
	if proof != 0 {
		given, err := get(tx, Attempts, o.Scope, int64(proof))
		if err != nil {
			return err
		}
		if g := &given.Body; g.Method.Key == m.Key && g.Amount == a.Amount && g.Currency == a.Currency {
			a.Proof, a.ThreeDS = proof, g.ThreeDS
			return nil
		}
	}
	p, err := v.provider(a.Provider)
	if err != nil || p.Authenticate == nil || payer.Away {
		return err
	}
	if i.ThreeDSecure == ThreeDSAny || i.ThreeDSecure == ThreeDSChallenge {
		a.Then, a.Operation, a.SetUp = a.Operation, OpAuthenticate, i.future() == vault.OffSession
	}
	return nil
}
