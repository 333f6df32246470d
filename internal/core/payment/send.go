package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// send calls the provider for an attempt whose lease the caller holds, and
// settles what it says. r is the request that waits, if one does.
func (v *Service) send(ctx context.Context, a *object.Object[Attempt], r *idem.Request) (*idem.Reply, error) {
	probe.Point("payment.before-send")
	o := v.call(ctx, a)
	if o.Status == provider.Unknown && probe.Mutant("payment.retry-unknown") {
		elsewhere := *a
		elsewhere.Key = v.DB.IDs().Next()
		o = v.call(ctx, &elsewhere)
	}
	probe.Point("payment.after-send")
	reply, err := v.settle(ctx, a, o, r)
	probe.Point("payment.settled")
	return reply, err
}

// call asks the provider. What fails before it is asked is Failed. A caller
// that stood still until its lease was over asks nothing: others look after the
// attempt by then, and count the provider's horizon from the lease's end.
func (v *Service) call(ctx context.Context, a *object.Object[Attempt]) provider.Outcome {
	p, err := v.provider(a.Body.Provider)
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: err.Error()}
	}
	if !v.clock().Now().Before(a.Body.Due) && !probe.Mutant("payment.send-late") {
		return provider.Outcome{Status: provider.Unknown, Message: "not sent: the lease was over"}
	}
	ctx, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	s, b := a.Scope, &a.Body
	reference, original := Reference(s, AttemptID(a.Key)), Reference(s, b.Original)
	if b.Tries > 0 && probe.Mutant("payment.replay-anew") {
		reference += "_again"
	}
	switch b.Operation {
	case OpAuthenticate, OpAuthorize, OpSale:
		request, err := v.authorizeRequest(ctx, a)
		if err != nil {
			return provider.Outcome{Status: provider.Failed, Message: err.Error()}
		}
		if b.Operation == OpAuthenticate {
			return v.authenticate(ctx, p, a, request.Card)
		}
		request.Reference = reference
		return p.Authorize(ctx, request)
	case OpCapture:
		return p.Capture(ctx, provider.CaptureRequest{Reference: reference, Original: original, Mark: markOf(s, b), Amount: b.money(), More: b.More})
	case OpIncrement:
		if p.Increment == nil {
			return provider.Outcome{Status: provider.Failed, Message: "the provider can't raise an authorisation"}
		}
		return p.Increment(ctx, provider.IncrementRequest{Reference: reference, Original: original, Mark: markOf(s, b), Amount: b.money()})
	case OpRefund:
		return p.Refund(ctx, provider.RefundRequest{Reference: reference, Original: original, Mark: markOf(s, b), Amount: b.money()})
	case OpVoid:
		f := p.Reverse(ctx, provider.ReverseRequest{Reference: reference, Original: original, Mark: markOf(s, b), Amount: b.money()})
		if f.Answer != provider.Found && f.Outcome.Status != provider.Failed && !probe.Mutant("payment.void-trusts-absence") {
			f.Outcome.Status = provider.Unknown
		}
		return f.Outcome
	case OpContest, OpConcede:
		return v.contest(ctx, p, a)
	}
	return provider.Outcome{Status: provider.Failed, Message: fmt.Sprintf("no provider call for %q", b.Operation)}
}

// authorizeRequest is what a provider is asked for an attempt, but for its
// reference. What it needs of the payer is opened now and kept nowhere.
func (v *Service) authorizeRequest(ctx context.Context, a *object.Object[Attempt]) (provider.AuthorizeRequest, error) {
	s, b := a.Scope, &a.Body
	r := provider.AuthorizeRequest{Amount: b.money(), Capture: b.Operation == OpSale, Descriptor: b.Descriptor, Features: b.Features,
		OffSession: b.Payer.Away, SetUp: b.SetUp, Mark: markOf(s, b)}
	if proves(b.ThreeDS) {
		r.Authentication = Reference(s, b.Proof)
	}
	var err error
	if b.Type != "" {
		r.Account, err = v.account(ctx, a)
		r.Method, r.Mandate, r.Hold = b.Type, vault.Mandates.ID(s, b.Mandate), b.Line != 0
		return r, err
	}
	if b.typed != nil {
		r.Card = *b.typed
	} else if r.Card, err = v.Vault.CardData(ctx, s, b.Card); err != nil {
		return r, err
	}
	if b.Billed {
		r.Billing, err = v.billing(ctx, s, b.Method)
	}
	return r, err
}

// account is what the provider needs of the account that is debited.
func (v *Service) account(ctx context.Context, a *object.Object[Attempt]) (*provider.BankAccount, error) {
	account, err := v.Vault.AccountData(ctx, a.Scope, a.Body.Card)
	if err != nil {
		return nil, err
	}
	account.Currency = a.Body.Currency
	m, ok, err := vault.PaymentMethods.ReadVersion(ctx, v.DB, a.Scope, a.Body.Method)
	if err != nil || !ok {
		return &account, err
	}
	b, err := v.Vault.BillingDetails(ctx, m)
	account.Holder = secret.NewText(b.Name)
	return &account, err
}

// billing is what the issuer may check of the address that a method had.
func (v *Service) billing(ctx context.Context, s id.Scope, method object.Ref) (provider.Billing, error) {
	m, ok, err := vault.PaymentMethods.ReadVersion(ctx, v.DB, s, method)
	if err != nil || !ok {
		return provider.Billing{}, err
	}
	b, err := v.Vault.BillingDetails(ctx, m)
	return provider.Billing{Line1: secret.NewText(b.Address.Line1), PostalCode: secret.NewText(b.Address.PostalCode)}, err
}

// settle applies an outcome to an attempt that is open, and to all that
// depends on it, in one step, and records the reply for the request that
// waits. held is the attempt as the caller took its lease. An attempt that was
// settled meanwhile keeps its outcome, but for a success of one that was called
// failed. Where another attempt goes on for the same confirmation, it is sent.
func (v *Service) settle(ctx context.Context, held *object.Object[Attempt], o provider.Outcome, r *idem.Request) (reply *idem.Reply, err error) {
	s := held.Scope
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return nil, err
	}
	o = held.Body.judged(o)
	var next *object.Object[Attempt]
	err = v.DB.Run(ctx, db.Step{Name: "payment.settle", Scope: s.Key(), Needs: settleNeeds(held, account, v.clock().Now()), Do: func(tx *db.Tx) error {
		next = nil
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil {
			return err
		}
		before := a.Body.Next
		mine := a.Body.Due.Equal(held.Body.Due)
		switch {
		case a.Body.Open() && (mine || a.Body.believes(o.Status)):
			err = v.apply(tx, account, a, o)
		case (a.Body.State == Failed || a.Body.State == Declined) && o.Status == provider.Approved:
			err = v.late(tx, account, a, o)
		}
		if err == nil {
			err = v.heed(tx, account, a, o.Notices)
		}
		if err != nil {
			return err
		}
		if a.Body.Next != before {
			next, err = get(tx, Attempts, s, int64(a.Body.Next))
			return err
		}
		reply, err = v.answer(tx, a, r)
		return err
	}})
	if bad, ok := errors.AsType[noticeError](err); ok {
		// The outcome must not be lost for what was told beside it, which comes again.
		v.Log.Warn("a notice beside an outcome could not be applied", "attempt", Reference(s, AttemptID(held.Key)), "error", bad)
		o.Notices = nil
		return v.settle(ctx, held, o, r)
	}
	if err != nil || next == nil {
		return reply, err
	}
	// Whoever brought the attempt to its end goes on with the next one. If they
	// don't get to it, it is found like any other once its lease is over.
	return v.send(ctx, next, r)
}

// believes reports whether an outcome counts that is brought by somebody whose
// lease is over, when others look after the attempt. What the provider said
// does, but for an approval of what they are about to undo. That it was not sent
// does not: they may have sent it.
func (a *Attempt) believes(s provider.Status) bool {
	switch s {
	case provider.Approved:
		return !a.Undoing || probe.Mutant("payment.approve-undone")
	case provider.Declined:
		return true
	}
	return s == provider.Failed && probe.Mutant("payment.stale-failure")
}

// apply moves an open attempt by an outcome.
func (v *Service) apply(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], o provider.Outcome) error {
	return v.applyNews(tx, account, a, newsOf(o), o)
}

func (v *Service) applyNews(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], news News, o provider.Outcome) error {
	before := a.Body.State
	next, ok := attemptMachine.Next(before, news)
	if !ok {
		return fmt.Errorf("attempt %s: %s in state %s", Reference(a.Scope, AttemptID(a.Key)), news, before)
	}
	a.Body.State = next
	a.Body.learn(o)
	if a.Body.Open() {
		a.Body.Due = a.Body.next(tx.Now(), o)
		if a.Body.State == Pending && a.Body.delayed() && a.Body.Pends == 0 {
			return v.pend(tx, a, before, o)
		}
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		if a.Body.Operation == OpAuthenticate {
			return v.asked(tx, a, before, o)
		}
		return v.undecided(tx, a, before)
	}
	a.Body.Due = a.Body.recheck(tx.Now(), news, v.Providers[a.Body.Provider].Traits)
	if err := v.explain(tx, a, "it is "+string(next)); err != nil {
		return err
	}
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	if err := v.ended(tx, account, a, before, o); err != nil {
		return err
	}
	if next == Approved || a.Body.Charge == 0 {
		return nil
	}
	return v.makeUp(tx, account, a.Scope, a.Body.Charge) // what this had reserved is free
}

// ended applies the definite end of an attempt to what depends on it.
func (v *Service) ended(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], before State, o provider.Outcome) error {
	switch a.Body.Operation {
	case OpAuthenticate:
		return v.authenticated(tx, a)
	case OpAuthorize, OpSale:
		if a.Body.State == Approved {
			return v.paid(tx, account, a)
		}
		if v.asksForPayer(&a.Body) {
			return v.beginAuthentication(tx, a)
		}
		return v.unpaid(tx, a, o)
	case OpCapture:
		return v.captured(tx, account, a)
	case OpIncrement:
		return v.incremented(tx, a)
	case OpVoid:
		return v.voided(tx, a)
	case OpRefund:
		return v.refunded(tx, a, before)
	case OpContest, OpConcede:
		return v.Aftermath.Answered(tx, account, a)
	}
	return fmt.Errorf("no settlement for %q", a.Body.Operation)
}

// undecided tells once that the outcome of an attempt is not known yet.
func (v *Service) undecided(tx *db.Tx, a *object.Object[Attempt], before State) error {
	if before != Sending {
		return nil
	}
	switch a.Body.Operation {
	case OpAuthenticate, OpAuthorize, OpSale:
		o, err := get(tx, Intents, a.Scope, int64(a.Body.Intent))
		if err != nil {
			return err
		}
		return tell(tx, a.Body.Intent, "payment_intent.processing", Intents, o, a.Body.Request)
	case OpRefund:
		if probe.Mutant("payment.release-unknown") {
			return v.Book.Release(tx, a.Scope, int64(a.Body.Charge), ledger.GuardRefund, a.Body.Amount)
		}
		r, err := get(tx, Refunds, a.Scope, int64(a.Body.Refund))
		if err != nil {
			return err
		}
		return tell(tx, a.Body.Intent, "refund.created", Refunds, r, a.Body.Request)
	}
	return nil
}

// replyTo is what the request behind an attempt is answered, as things stand.
func (v *Service) replyTo(tx *db.Tx, a *object.Object[Attempt]) (*idem.Reply, error) {
	a, err := last(tx, a)
	if err != nil {
		return nil, err
	}
	b := &a.Body
	if b.Operation == OpRefund && !b.ShowCharge {
		r, err := get(tx, Refunds, a.Scope, int64(b.Refund))
		if err != nil {
			return nil, err
		}
		return shown(Refunds, r), nil
	}
	if b.Operation.contests() {
		return v.Aftermath.Shown(tx, a)
	}
	o, err := get(tx, Intents, a.Scope, int64(b.Intent))
	if err != nil {
		return nil, err
	}
	reply := shown(Intents, o)
	if b.ShowCharge {
		if reply, err = chargeReply(tx, a, o); err != nil {
			return nil, err
		}
	}
	if b.Open() || b.State == Approved || b.Operation == OpRefund {
		return reply, nil
	}
	refusal := b.refusal()
	switch b.Operation {
	case OpCapture, OpVoid, OpIncrement:
		refusal = followUpRefused(b)
	case OpAuthenticate:
		refusal = notAuthenticated(b)
	}
	reply.Error = &refusal
	return reply, nil
}

// chargeReply shows the charge that an attempt is about or has led to. While
// there is none, because its outcome is open, the reply says so.
func chargeReply(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent]) (*idem.Reply, error) {
	key := int64(a.Body.Charge)
	if key == 0 {
		key = int64(o.Body.LatestCharge)
	}
	if key == 0 {
		open := fault.New(fault.Locked, "lock_timeout", "The outcome of this payment is not known yet. Retrieve its PaymentIntent %s to see what becomes of it before trying again.",
			Intents.ID(o.Scope, o.Key))
		open.NoRetry = true
		return &idem.Reply{Error: open}, nil
	}
	ch, err := get(tx, Charges, a.Scope, key)
	if err != nil {
		return nil, err
	}
	return shown(Charges, ch), nil
}

// last is the attempt that a confirmation has come to.
func last(tx *db.Tx, a *object.Object[Attempt]) (_ *object.Object[Attempt], err error) {
	for a.Body.Next != 0 && err == nil {
		a, err = get(tx, Attempts, a.Scope, int64(a.Body.Next))
	}
	return a, err
}

func statusOf(s State) provider.Status {
	if s == Declined {
		return provider.Declined
	}
	return provider.Failed
}
