package payment

import (
	"context"
	"fmt"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// Aftermath is what comes of a charge after it was made: disputes and warnings
// of fraud. Payments stand below it and know it by this alone.
type Aftermath interface {
	// Told applies, in a step, a notice of a dispute or of fraud about a charge
	// from which money was taken. The charge may be changed, and is then stored.
	Told(tx *db.Tx, account *merchant.Account, ch *object.Object[Charge], n provider.Notice) error
	// Refunded hears, in a step, that another sum of a charge is refunded now.
	Refunded(tx *db.Tx, ch *object.Object[Charge]) error
	// Answer is what an attempt to answer a dispute sends.
	Answer(ctx context.Context, a *object.Object[Attempt]) (provider.ContestRequest, error)
	// Answered applies, in a step, the definite end of such an attempt.
	Answered(tx *db.Tx, account *merchant.Account, a *object.Object[Attempt]) error
	// Shown is the reply to the request behind such an attempt, as things stand.
	Shown(tx *db.Tx, a *object.Object[Attempt]) (*idem.Reply, error)
}

// Complaint is a dispute as its charge knows it.
type Complaint struct {
	Dispute int64  `json:"key"`
	ID      string `json:"id"`             // the provider's
	Open    bool   `json:"open,omitempty"` // a chargeback whose end is still to come
}

// ChargedBack reports whether a chargeback of the charge is open.
func (c *Charge) ChargedBack() bool {
	for _, one := range c.Complaints {
		if one.Open {
			return true
		}
	}
	return false
}

// Contest is an answer to a dispute that is to be sent.
type Contest struct {
	Charge  *object.Object[Charge]
	Dispute int64
	Concede bool // give in, rather than send evidence
	// Begun stores, in the same step, that the attempt is under way.
	Begun func(tx *db.Tx, a AttemptID) error
}

// Contest runs an operation on a dispute under its idempotency key: begin
// decides in the first step and either replies or gives what is to be sent. What
// is sent is an attempt like any other: its outcome may be unknown, and is then
// found out.
func (v *Service) Contest(ctx context.Context, s id.Scope, r *idem.Request, needs []db.Need, begin func(*db.Tx) (*idem.Reply, *Contest, error)) (*idem.Reply, error) {
	return v.operate(ctx, "payment.contest", s, r, needs, func(tx *db.Tx) (*idem.Reply, *object.Object[Attempt], error) {
		reply, c, err := begin(tx)
		if c == nil || err != nil {
			return reply, nil, err
		}
		original, err := get(tx, Attempts, s, int64(c.Charge.Body.Attempt))
		if err != nil {
			return nil, nil, err
		}
		if p, err := v.provider(original.Body.Provider); err != nil || p.Contest == nil {
			return nil, nil, fault.New(fault.Invalid, "", "The provider of this payment takes no answers to disputes.")
		}
		a := Attempt{Operation: OpContest, Provider: original.Body.Provider, Amount: c.Charge.Body.Amount, Currency: c.Charge.Body.Currency,
			Intent: c.Charge.Body.Intent, Charge: ChargeID(c.Charge.Key), Original: AttemptID(original.Key), Dispute: c.Dispute, Method: c.Charge.Body.Method}
		if c.Concede {
			a.Operation = OpConcede
		}
		attempt, err := v.insertAttempt(tx, s, a, r)
		if err != nil {
			return nil, nil, err
		}
		return nil, attempt, c.Begun(tx, AttemptID(attempt.Key))
	})
}

// Locked refuses a second operation on an object while the outcome of an
// attempt is open.
func Locked(s id.Scope, open AttemptID) error { return locked(s, open) }

// contest sends an answer to a dispute.
func (v *Service) contest(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) provider.Outcome {
	if v.Aftermath == nil || p.Contest == nil {
		return provider.Outcome{Status: provider.Failed, Message: "nobody sends answers to disputes here"}
	}
	r, err := v.Aftermath.Answer(ctx, a)
	if err != nil {
		return provider.Outcome{Status: provider.Failed, Message: err.Error()}
	}
	r.Reference, r.Original = Reference(a.Scope, AttemptID(a.Key)), Reference(a.Scope, a.Body.Original)
	return p.Contest(ctx, r)
}

// contests reports whether the attempt answers a dispute rather than moves
// money.
func (o Operation) contests() bool { return o == OpContest || o == OpConcede }

// refundCeiling is how much of a charge may be refunded in all: what was
// captured and is not disputed, but never less than what is refunded or on its
// way back already. A dispute takes what the network says, whatever is left.
func refundCeiling(captured, disputed, gone int64) int64 { return max(captured-disputed, gone) }

// tighten makes the refund guard of a charge fit what is disputed.
func (v *Service) tighten(tx *db.Tx, ch *object.Object[Charge]) error {
	g, ok, err := v.Book.Guard(tx, ch.Scope, ch.Key, ledger.GuardRefund)
	if err != nil || !ok {
		return err
	}
	want := refundCeiling(ch.Body.Captured, ch.Body.Disputed, g.Reserved+g.Done)
	if want == g.Ceiling {
		return nil
	}
	return v.Book.SetCeiling(tx, ch.Scope, ch.Key, ledger.GuardRefund, want)
}

// Withdrawal is money that a dispute takes back.
type Withdrawal struct {
	SourceKind string
	Source     int64 // the dispute
	Amount     money.Amount
	Fee        money.Amount // zero: none
	Reference  string       // the provider's name of the dispute
}

// Withdraw books, in a step, that a dispute took money back, and closes the
// refund guard over it. The caller stores the charge. It gives the balance
// transaction.
func (v *Service) Withdraw(tx *db.Tx, ch *object.Object[Charge], w Withdrawal) (int64, error) {
	original, err := get(tx, Attempts, ch.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return 0, err
	}
	t := ledger.Transaction{
		Type: ledger.TypeAdjustment, ReportingCategory: ledger.CategoryDispute, SourceKind: w.SourceKind, Source: w.Source, Currency: w.Amount.Currency(),
		Amount: -w.Amount.Minor(), Fee: w.Fee.Minor(), Net: -w.Amount.Minor() - w.Fee.Minor(), AvailableOn: tx.Now(),
		Description: fmt.Sprintf("Chargeback withdrawal for %s", Charges.ID(ch.Scope, ch.Key)), Provider: original.Body.Provider, Reference: w.Reference,
	}
	list := []ledger.Posting{
		{Debit: ledger.Available, Credit: ledger.Disputes, Amount: w.Amount},
		{Debit: ledger.Disputes, Credit: ledger.ProviderClearing, Amount: w.Amount},
	}
	if w.Fee.IsPositive() {
		list = append(list, ledger.Posting{Debit: ledger.Available, Credit: ledger.Fees, Amount: w.Fee})
		t.FeeDetails = []ledger.FeeDetail{{Type: ledger.ProcessingFee, Amount: w.Fee.Minor(), Description: "Dispute fee"}}
	}
	posted, err := v.Book.Post(tx, ch.Scope, t, list...)
	if err != nil {
		return 0, err
	}
	ch.Body.Disputed += w.Amount.Minor()
	return posted.Key, v.tighten(tx, ch)
}

// Reinstate books, in a step, that what a dispute took came back. The caller
// stores the charge.
func (v *Service) Reinstate(tx *db.Tx, ch *object.Object[Charge], w Withdrawal) (int64, error) {
	original, err := get(tx, Attempts, ch.Scope, int64(ch.Body.Attempt))
	if err != nil {
		return 0, err
	}
	posted, err := v.Book.Post(tx, ch.Scope, ledger.Transaction{
		Type: ledger.TypeAdjustment, ReportingCategory: ledger.CategoryDisputeReversal, SourceKind: w.SourceKind, Source: w.Source, Currency: w.Amount.Currency(),
		Amount: w.Amount.Minor(), Net: w.Amount.Minor(), AvailableOn: tx.Now(),
		Description: fmt.Sprintf("Chargeback reversal for %s", Charges.ID(ch.Scope, ch.Key)), Provider: original.Body.Provider, Reference: w.Reference,
	}, ledger.Posting{Debit: ledger.ProviderClearing, Credit: ledger.Disputes, Amount: w.Amount},
		ledger.Posting{Debit: ledger.Disputes, Credit: ledger.Available, Amount: w.Amount})
	if err != nil {
		return 0, err
	}
	ch.Body.Disputed -= w.Amount.Minor()
	return posted.Key, v.tighten(tx, ch)
}
