package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// GiveBackJob is the kind of the job that returns money which came when it was
// no longer wanted.
const GiveBackJob = "payment.give-back"

// GiveBackPayload names the charge that is returned.
type GiveBackPayload struct {
	Charge ChargeID `json:"charge"`
}

// ask asks once more about an attempt that failed because the provider knew
// nothing of it, and applies a success that came late.
func (v *Service) ask(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	if p.Inquire == nil {
		return v.rest(ctx, a)
	}
	ctx2, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	f := p.Inquire(ctx2, Reference(a.Scope, AttemptID(a.Key)))
	switch {
	case f.Answer == provider.Found && f.Outcome.Status == provider.Approved:
		return v.Late(ctx, a.Scope, AttemptID(a.Key), f.Outcome)
	case f.Answer == provider.NotFound, f.Answer == provider.Found && f.Outcome.Status.Definite():
		return v.rest(ctx, a)
	}
	return v.reschedule(ctx, a, nil)
}

// rest ends the looking after of a definite attempt.
func (v *Service) rest(ctx context.Context, a *object.Object[Attempt]) error {
	return v.DB.Run(ctx, db.Step{Name: "payment.rest", Scope: a.Scope.Key(), Needs: []db.Need{Attempts.Need(a.Scope, a.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, a.Scope, a.Key)
		if err != nil || a.Body.Open() || a.Body.Due.IsZero() {
			return err
		}
		a.Body.Due = time.Time{}
		return Attempts.Update(tx, a)
	}})
}

// Late applies the news that an attempt which was called failed did succeed. A
// payment counts if its intent still wants it: not canceled, nothing else paid or
// in flight, amount and currency as they were. Otherwise the money is booked as
// received and a job gives it back. What follows a payment counts as soon as
// nothing else has its place; until then a break is open.
func (v *Service) Late(ctx context.Context, s id.Scope, key AttemptID, o provider.Outcome) error {
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payment.late", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key))}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		return v.late(tx, account, a, o)
	}})
}

func (v *Service) late(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt], o provider.Outcome) error {
	next, ok := attemptMachine.Next(a.Body.State, newsLate)
	if !ok || a.Body.Note == noteContradicted {
		return nil // known already
	}
	if a.Body.Operation == OpAuthenticate {
		return nil // nobody waits for it any more
	}
	a.Body.Reason = ""
	a.Body.learn(o)
	a.Body.Due = time.Time{}
	switch {
	case a.Body.Operation == OpAuthorize || a.Body.Operation == OpSale:
		a.Body.State = next
		return v.paidLate(tx, account, a)
	case a.Body.Operation.contests():
		a.Body.State, a.Body.Note = next, noteLate
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		return v.Aftermath.Answered(tx, account, a)
	}
	applied, err := v.followedLate(tx, account, a)
	if applied || err != nil {
		return err
	}
	return v.contradicted(tx, a)
}

const (
	// noteLate notes that an operation counts since its success was learned late.
	noteLate = "late success"
	// noteContradicted notes that a capture, void, refund or increment is in the
	// provider's books and not in ours.
	noteContradicted = "succeeded after it was called failed"
)

func (v *Service) paidLate(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) error {
	s := a.Scope
	o, err := get(tx, Intents, s, int64(a.Body.Intent))
	if err != nil {
		return err
	}
	if why := unwanted(&o.Body, &a.Body); why != "" {
		a.Body.Note = noteLate + ", given back: " + why
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		return v.receive(tx, a, o, why)
	}
	a.Body.Note = noteLate
	if err := v.explain(tx, a, noteLate); err != nil {
		return err
	}
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	if err := v.authorizeGuard(tx, o); err != nil {
		return err
	}
	if err := v.settleAuthorize(tx, a); err != nil {
		return err
	}
	on := lateSale
	if a.Body.Operation == OpAuthorize {
		on = lateAuth
	}
	if err := move(o, on); err != nil {
		return err
	}
	o.Body.Method = a.Body.Method.Key
	return v.book(tx, account, a, o)
}

// unwanted says why an intent has no use for a late success; empty: it has.
func unwanted(i *Intent, a *Attempt) string {
	switch {
	case probe.Mutant("payment.keep-unwanted"):
		return ""
	case i.Status == Canceled:
		return "the payment was canceled"
	case i.Status == Succeeded || i.Status == RequiresCapture:
		return "the payment was made otherwise"
	case i.Awaits():
		return "the payment waits for a bank transfer"
	case i.Attempt != 0 && !probe.Mutant("payment.late-beside-another"):
		return "another attempt is under way"
	case i.Amount != a.Amount || i.Currency != a.Currency:
		return "the amount has changed"
	}
	return ""
}

// receive books money that nobody wants any more, without a fee, and has a job
// give it back.
func (v *Service) receive(tx *db.Tx, a *object.Object[Attempt], o *object.Object[Intent], why string) error {
	s, key := a.Scope, tx.NewKey()
	body := chargeOf(a, o, ChargeSucceeded)
	body.GivenBack = why
	guard, ceiling := ledger.GuardCapture, body.MaxCapture
	if a.Body.Operation == OpSale {
		guard, ceiling = ledger.GuardRefund, body.Amount
		body.Captured = body.Amount
		amount := body.money(body.Amount)
		posted, err := v.Book.Post(tx, s, ledger.Transaction{
			Type: "charge", ReportingCategory: "charge", SourceKind: Charges.Name, Source: key, Currency: amount.Currency(),
			Amount: amount.Minor(), Net: amount.Minor(), AvailableOn: tx.Now(),
			Provider: a.Body.Provider, Reference: Reference(s, AttemptID(a.Key)),
		}, ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Pending, Amount: amount})
		if err != nil {
			return err
		}
		body.BalanceTransaction = posted.Key
	}
	ch, err := Charges.Insert(tx, s, key, body)
	if err != nil {
		return err
	}
	if err := v.Book.OpenGuard(tx, s, key, guard, ceiling); err != nil {
		return err
	}
	if err := tell(tx, a.Body.Intent, "charge.succeeded", Charges, ch, a.Body.Request); err != nil {
		return err
	}
	if probe.Mutant("payment.no-give-back") {
		return nil
	}
	return job.Enqueue(tx, s, tx.NewKey(), GiveBackJob, tx.Now(), GiveBackPayload{ChargeID(key)})
}

// GiveBackTries lets the return of money go on for about a day: its refund may
// be unknown for as long as any other. Then a break is opened.
const GiveBackTries = 200

// GiveBackDue is the handler of [GiveBackJob].
func (v *Service) GiveBackDue(ctx context.Context, j job.Job) error {
	var p GiveBackPayload
	if err := j.Payload(&p); err != nil {
		return err
	}
	err := v.GiveBack(ctx, j.Scope, p.Charge)
	if err == nil || j.Tries < GiveBackTries {
		return err
	}
	return errors.Join(err, v.DB.Run(ctx, db.Step{Name: "payment.not-given-back", Scope: j.Scope.Key(), Needs: []db.Need{Charges.Need(j.Scope, int64(p.Charge))}, Do: func(tx *db.Tx) error {
		ch, stepErr := get(tx, Charges, j.Scope, int64(p.Charge))
		if stepErr != nil {
			return stepErr
		}
		return v.notGivenBack(tx, ch, err.Error())
	}}))
}

// notGivenBack opens a break about money that nobody wants and that can't be
// returned.
func (v *Service) notGivenBack(tx *db.Tx, ch *object.Object[Charge], why string) error {
	a, err := get(tx, Attempts, ch.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return err
	}
	return v.OpenBreak(tx, ch.Scope, BreakTiming, Charges.ID(ch.Scope, ch.Key), a.Body.Provider, money.New(0, ch.Body.Currency), "money that came when it was no longer wanted is not back: "+why)
}

// mostBounces is how often a refund of unwanted money may fail to reach the
// payer before a person is asked: for some five days.
const mostBounces = 5

// bounceWait is the time before the next refund: it grows fourfold from one hour.
func bounceWait(bounced int) time.Duration { return time.Hour << (2 * min(bounced-1, mostBounces)) }

// bounced has money that nobody wants returned once more, since a refund of it did
// not reach the payer, or opens a break. The caller stores the charge.
func (v *Service) bounced(tx *db.Tx, ch *object.Object[Charge], why string) error {
	if ch.Body.Bounced++; ch.Body.Bounced > mostBounces {
		return v.notGivenBack(tx, ch, fmt.Sprintf("%d refunds did not reach the payer, the last: %s", ch.Body.Bounced, why))
	}
	return job.Enqueue(tx, ch.Scope, tx.NewKey(), GiveBackJob, tx.Now().Add(bounceWait(ch.Body.Bounced)), GiveBackPayload{ChargeID(ch.Key)})
}

// GiveBack returns a charge that came too late: it is voided if it was not
// captured, else refunded. It fails until all of the charge is back, so that
// the job which calls it is done then and not before; called again it goes on
// with what is left, and does nothing more once nothing is.
func (v *Service) GiveBack(ctx context.Context, s id.Scope, charge ChargeID) error {
	var out *object.Object[Attempt]
	var kind ledger.GuardKind
	err := v.DB.Run(ctx, db.Step{Name: "payment.give-back", Scope: s.Key(), Needs: []db.Need{Charges.Need(s, int64(charge))}, Do: func(tx *db.Tx) error {
		out, kind = nil, ledger.GuardRefund
		ch, err := get(tx, Charges, s, int64(charge))
		if err != nil {
			return err
		}
		if ch.Body.Captured == 0 {
			kind = ledger.GuardCapture
		}
		if list := ch.Body.Contradicted; len(list) > 0 {
			return fmt.Errorf("charge %s: %s %s; nothing more is given back while that is not booked", Charges.ID(s, ch.Key), Reference(s, list[0]), noteContradicted)
		}
		guard, _, err := v.Book.Guard(tx, s, ch.Key, kind)
		left := guard.Left()
		if err != nil || left == 0 {
			return err
		}
		if err := v.Book.Reserve(tx, s, ch.Key, kind, left); err != nil {
			return err
		}
		if kind == ledger.GuardRefund {
			out, err = v.insertRefund(tx, ch, ch.Body.money(left), RefundParams{}, true, nil)
		} else {
			out, err = v.insertVoid(tx, ch, left)
		}
		return err
	}})
	if err == nil && out != nil {
		_, err = v.send(ctx, out, nil)
	}
	if err != nil {
		return err
	}
	guard, ok, err := ledger.ReadGuard(ctx, v.DB, s, int64(charge), kind)
	if err == nil && (!ok || guard.Done != guard.Ceiling) { // a void lowers the ceiling to nothing
		err = fmt.Errorf("charge %s is not given back yet: %d of %d, and %d under way", Charges.ID(s, int64(charge)), guard.Done, guard.Ceiling, guard.Reserved)
	}
	return err
}

// insertVoid writes an attempt to void a charge that no intent wants.
func (v *Service) insertVoid(tx *db.Tx, ch *object.Object[Charge], left int64) (*object.Object[Attempt], error) {
	original, err := get(tx, Attempts, ch.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return nil, err
	}
	return v.insertAttempt(tx, ch.Scope, Attempt{Operation: OpVoid, Provider: original.Body.Provider, Amount: ch.Body.Amount, Held: left, Currency: ch.Body.Currency,
		Intent: ch.Body.Intent, Charge: ChargeID(ch.Key), Original: AttemptID(original.Key), Method: ch.Body.Method}, nil)
}
