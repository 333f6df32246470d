package payout

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// settle applies an outcome to an attempt, and to all that depends on it, in one
// step. held is the attempt as the caller took its lease. One that was settled
// meanwhile keeps its outcome, but for a success of one that was called failed.
func (v *Service) settle(ctx context.Context, held *object.Object[Attempt], o provider.Outcome) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "payout.settle", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key), Payouts.Need(s, held.Body.Payout)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil {
			return err
		}
		mine := a.Body.Due.Equal(held.Body.Due)
		switch {
		case a.Body.open() && (mine || o.Status == provider.Approved || o.Status == provider.Declined):
			return v.apply(tx, a, o)
		case a.Body.State == AttemptFailed && o.Status == provider.Approved:
			return v.late(tx, a, o)
		}
		return nil
	}})
}

// apply moves an attempt that was sent by an outcome.
func (v *Service) apply(tx *db.Tx, a *object.Object[Attempt], o provider.Outcome) (err error) {
	news := newsOf(o)
	if news == newsFailed && a.Body.State == Sending && o.Retryable && a.Body.Absent.IsZero() {
		return v.requeue(tx, a, o)
	}
	if a.Body.State, err = next(a, news); err != nil {
		return err
	}
	a.Body.learn(o)
	p, err := get(tx, Payouts, a.Scope, a.Body.Payout)
	if err != nil {
		return err
	}
	if o.Trace != "" {
		p.Body.Trace = o.Trace
	}
	a.Body.Due = v.after(tx.Now(), a, o)
	if !a.Body.open() {
		if err := v.explain(tx, a, "it is "+string(a.Body.State)); err != nil {
			return err
		}
	}
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	switch a.Body.State {
	case Approved:
		return v.paid(tx, a, p)
	case Declined:
		return v.failed(tx, a, p, o.Reason, ledger.PayoutInTransit)
	case AttemptFailed:
		return v.failed(tx, a, p, "could_not_process", ledger.PayoutInTransit)
	}
	return v.underWay(tx, a, p, o.Arrives)
}

// requeue puts back what certainly was not sent, since the bank was not reached.
func (v *Service) requeue(tx *db.Tx, a *object.Object[Attempt], o provider.Outcome) (err error) {
	if a.Body.State, err = next(a, newsRequeue); err != nil {
		return err
	}
	a.Body.learn(o)
	a.Body.Sent, a.Body.Due = time.Time{}, tx.Now().Add(wait(a.Body.Tries))
	return Attempts.Update(tx, a)
}

// stuckPoll is how often a bank is asked about what it has on its way for longer
// than it said.
const stuckPoll = time.Hour

// after is when somebody looks at an attempt next; zero: nobody has to.
func (v *Service) after(now time.Time, a *object.Object[Attempt], o provider.Outcome) time.Time {
	switch a.Body.State {
	case Waiting:
		if o.Arrives.After(now) {
			return o.Arrives
		}
		return now.Add(min(time.Minute<<min(a.Body.Tries, 9), stuckPoll))
	case Unknown:
		return now.Add(wait(a.Body.Tries))
	case AttemptFailed:
		if !a.Body.Absent.IsZero() {
			return now.Add(recheckAfter * v.Banks[a.Body.Provider].Traits.Horizon)
		}
	}
	return time.Time{}
}

// underWay notes that the bank has a payout, or may have it.
func (v *Service) underWay(tx *db.Tx, a *object.Object[Attempt], p *object.Object[Payout], arrives time.Time) error {
	before := p.Body
	if err := move(p, submitted); err != nil {
		return err
	}
	if !arrives.IsZero() {
		p.Body.Arrival = arrives
	}
	if p.Body.Status == before.Status && p.Body.Arrival.Equal(before.Arrival) && p.Body.Trace == before.Trace {
		return nil
	}
	if err := Payouts.Update(tx, p); err != nil {
		return err
	}
	return tell(tx, "payout.updated", p, a.Body.Request)
}

// paid books that the money has arrived, or, for one that is taken back, that
// it is here again.
func (v *Service) paid(tx *db.Tx, a *object.Object[Attempt], p *object.Object[Payout]) error {
	if err := move(p, arrived); err != nil {
		return err
	}
	amount := p.Body.money()
	if p.Body.Original != 0 {
		t := transaction("payout", p.Key, amount.Minor(), amount.Currency(), "")
		t.Provider, t.Reference = a.Body.Provider, Reference(a.Scope, a.Key)
		posted, err := v.Book.Post(tx, p.Scope, t,
			ledger.Posting{Debit: ledger.Bank, Credit: ledger.Available, Amount: amount})
		if err != nil {
			return err
		}
		p.Body.BalanceTransaction = posted.Key
	} else {
		moved, err := v.Book.Move(tx, p.Scope, ledger.Movement{Type: "payout_paid", SourceKind: Payouts.Name, Source: p.Key, Currency: amount.Currency(),
			Provider: a.Body.Provider, Reference: Reference(a.Scope, a.Key)},
			ledger.Posting{Debit: ledger.PayoutInTransit, Credit: ledger.Bank, Amount: amount})
		if err != nil {
			return err
		}
		p.Body.Movement = moved.Key
	}
	if err := Payouts.Update(tx, p); err != nil {
		return err
	}
	if err := tell(tx, "payout.paid", p, a.Body.Request); err != nil || !p.Body.Automatic {
		return err
	}
	return tell(tx, "payout.reconciliation_completed", p, a.Body.Request)
}

// failed books that a payout is over and its money back where it came from.
func (v *Service) failed(tx *db.Tx, a *object.Object[Attempt], p *object.Object[Payout], code string, from ledger.Kind) error {
	if err := move(p, failed); err != nil {
		return err
	}
	p.Body.FailureCode, p.Body.FailureMessage = failure(code)
	var err error
	switch {
	case p.Body.Original != 0:
		err = v.freeOriginal(tx, p)
	case !probe.Mutant("payout.keep-money"):
		err = v.giveBack(tx, p, "payout_failure", from)
	}
	if err != nil {
		return err
	}
	if err := Payouts.Update(tx, p); err != nil {
		return err
	}
	if a.Body.State == Declined && p.Body.Original == 0 {
		if err := v.Vault.BankFailed(tx, p.Scope, p.Body.Destination); err != nil {
			return err
		}
	}
	return tell(tx, "payout.failed", p, a.Body.Request)
}

// late applies the news that a payout which was called failed did arrive: its
// money leaves the balance again, whatever is there.
func (v *Service) late(tx *db.Tx, a *object.Object[Attempt], o provider.Outcome) (err error) {
	if a.Body.State, err = next(a, newsLate); err != nil {
		return err
	}
	a.Body.learn(o)
	a.Body.Due, a.Body.Note, a.Body.Reason = time.Time{}, "late success", ""
	if err := v.explain(tx, a, a.Body.Note); err != nil {
		return err
	}
	if err := Attempts.Update(tx, a); err != nil {
		return err
	}
	p, err := get(tx, Payouts, a.Scope, a.Body.Payout)
	if err != nil {
		return err
	}
	if err := move(p, cameLate); err != nil {
		return err
	}
	amount := p.Body.money()
	posting, net := ledger.Posting{Debit: ledger.Available, Credit: ledger.Bank, Amount: amount}, -amount.Minor()
	if p.Body.Original != 0 {
		posting.Debit, posting.Credit, net = ledger.Bank, ledger.Available, amount.Minor()
	}
	t := transaction("payout", p.Key, net, amount.Currency(), "")
	t.Provider, t.Reference = a.Body.Provider, Reference(a.Scope, a.Key)
	posted, err := v.Book.Post(tx, p.Scope, t, posting)
	if err != nil {
		return err
	}
	p.Body.BalanceTransaction, p.Body.FailureTransaction, p.Body.FailureCode, p.Body.FailureMessage = posted.Key, 0, "", ""
	if err := Payouts.Update(tx, p); err != nil {
		return err
	}
	return tell(tx, "payout.paid", p, a.Body.Request)
}
