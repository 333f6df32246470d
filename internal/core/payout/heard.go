package payout

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// consequence is what follows from what a bank tells of a payout unasked.
type consequence int

const (
	nothing   consequence = iota // it is known, or older than what is known
	tooEarly                     // it can't be judged yet
	counts                       // the outcome is applied to an attempt that is open
	comesBack                    // it had arrived, and came back
	comesLate                    // it arrived after it was called failed, or back
)

func (c consequence) String() string {
	return [...]string{"nothing", "too early", "counts", "comes back", "comes late"}[c]
}

// judge compares what a bank tells of a payout with what is known of it and,
// where the bank was asked, with what it answered, which is what counts.
// contradicts is empty where all fits.
func judge(state State, told provider.Status, asked *provider.Finding) (c consequence, contradicts string) {
	is := told
	if asked != nil {
		if asked.Answer != provider.Found {
			return tooEarly, ""
		}
		if is = asked.Outcome.Status; is == provider.Approved && told == provider.Declined || is == provider.Pending && told.Definite() {
			contradicts = fmt.Sprintf("it was told to be %s; asked, the bank says %s", told, is)
		}
	}
	arrived, back := is == provider.Approved, is == provider.Declined
	switch {
	case !arrived && !back:
		return nothing, contradicts
	case state == Sending || state == Unknown || state == Waiting:
		return counts, contradicts
	case state == Approved && back && asked != nil:
		return comesBack, contradicts
	case state == AttemptFailed && arrived, state == Declined && arrived && asked != nil:
		return comesLate, contradicts
	case state == Approved && arrived, (state == Declined || state == AttemptFailed) && back:
		return nothing, contradicts
	}
	return nothing, fmt.Sprintf("it is %s, and told to be %s", state, is)
}

// Notice takes what a bank told of a payout. An error means that it could not be
// applied yet.
func (v *Service) Notice(ctx context.Context, source string, n provider.Notice) error {
	switch {
	case n.Kind == provider.NoticePayoutReturned:
		return v.Returned(ctx, n.Reference, n.Reason)
	case n.Kind != provider.NoticeOutcome || n.Standing == nil:
		return nil // what a later version may know how to apply
	}
	key, ok := Attempts.Prefix.Parse(n.Reference)
	if !ok {
		return v.stray(ctx, source, n.Reference)
	}
	s, err := v.scopeOf(ctx, key)
	if err != nil {
		return err
	}
	a, ok, err := Attempts.Read(ctx, v.DB, s, key)
	if err != nil {
		return err
	}
	if !ok {
		return v.stray(ctx, source, n.Reference)
	}
	return v.heard(ctx, a, n)
}

// Pushed takes what a bank sent unasked. What it says when it is asked is what
// counts: a notice with a number is looked up by it.
func (v *Service) Pushed(ctx context.Context, source string, n provider.Notice) error {
	p := v.Banks[source]
	if n.Number == 0 || p.Notices == nil {
		return v.Notice(ctx, source, n)
	}
	asked, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	told, contradicts, err := payment.LookUp(asked, p, n)
	if err != nil {
		return err
	}
	if contradicts != "" {
		subject := fmt.Sprintf("%s notice %d", source, n.Number)
		if err := v.DB.Run(ctx, db.Step{Name: "payout.notice-contradicted", Do: func(tx *db.Tx) error {
			return v.openBreak(tx, &object.Object[Attempt]{Body: Attempt{Provider: source}}, payment.BreakContradiction, subject, money.Amount{}, contradicts)
		}}); err != nil || told == nil {
			return err
		}
	}
	return v.Notice(ctx, source, *told)
}

// stray opens a break about what there is not.
func (v *Service) stray(ctx context.Context, source, reference string) error {
	return v.DB.Run(ctx, db.Step{Name: "payout.stray", Do: func(tx *db.Tx) error {
		return v.openBreak(tx, &object.Object[Attempt]{Body: Attempt{Provider: source}}, payment.BreakMissing, reference, money.Amount{}, "the bank tells of it, and there is no such payout")
	}})
}

// heard takes what a bank tells of how a payout stands.
func (v *Service) heard(ctx context.Context, a *object.Object[Attempt], n provider.Notice) error {
	p, ok, err := Payouts.Read(ctx, v.DB, a.Scope, a.Body.Payout)
	if err != nil || !ok {
		return err
	}
	out := provider.Outcome{Status: n.Standing.Status, ID: n.Standing.ID, Reason: n.Standing.Reason, Code: n.Standing.Code}
	var asked *provider.Finding
	if at, ok := v.Banks[a.Body.Provider]; ok && at.Inquire != nil && a.Body.State != Queued && a.Body.State != AttemptCanceled {
		call, cancel := context.WithTimeout(ctx, at.Traits.Timeout)
		f := at.Inquire(call, Reference(a.Scope, a.Key))
		cancel()
		asked, out = &f, f.Outcome
	}
	c, contradicts := judge(a.Body.State, n.Standing.Status, asked)
	if said := n.Standing; said.Amount != 0 && money.New(said.Amount, said.Currency) != p.Body.money() {
		contradicts = fmt.Sprintf("it is about %d %s, and told to be about %d %s", p.Body.money().Minor(), p.Body.Currency, said.Amount, said.Currency)
		if asked == nil {
			c = nothing
		}
	}
	switch c {
	case tooEarly:
		return fmt.Errorf("the bank tells of %s and does not know it when it is asked", n.Reference)
	case counts:
		err = v.settle(ctx, a, out)
	case comesBack:
		err = v.Returned(ctx, n.Reference, out.Reason)
	case comesLate:
		err = v.arriveLate(ctx, a, out)
	}
	if err != nil || contradicts == "" {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payout.contradicted", Scope: a.Scope.Key(), Needs: []db.Need{Attempts.Need(a.Scope, a.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, a.Scope, a.Key)
		if err != nil {
			return err
		}
		if err := v.openBreak(tx, a, payment.BreakContradiction, Reference(a.Scope, a.Key), money.Amount{}, contradicts); err != nil {
			return err
		}
		return Attempts.Update(tx, a)
	}})
}

// arriveLate applies the bank's word, given when it was asked, that a payout
// which was called failed, or back, is at its account.
func (v *Service) arriveLate(ctx context.Context, held *object.Object[Attempt], o provider.Outcome) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "payout.late", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key), Payouts.Need(s, held.Body.Payout)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil || a.Body.State != held.Body.State {
			return err // settled meanwhile; it is told again if need be
		}
		return v.late(tx, a, o)
	}})
}

// openBreak opens a break, and notes since when on the attempt, which the caller
// stores.
func (v *Service) openBreak(tx *db.Tx, a *object.Object[Attempt], kind, subject string, amount money.Amount, note string) error {
	if a.Body.Break.IsZero() {
		a.Body.Break = tx.Now()
	}
	v.Log.Warn("a person has to look into a payout", "break", kind, "subject", subject, "bank", a.Body.Provider, "why", note)
	if v.Breaks == nil {
		return nil
	}
	return v.Breaks.Open(tx, a.Scope, kind, subject, a.Body.Provider, amount, note)
}

// explain ends what breaks there are about an attempt, since the books say now
// what the bank says. The caller stores the attempt.
func (v *Service) explain(tx *db.Tx, a *object.Object[Attempt], why string) error {
	if a.Body.Break.IsZero() {
		return nil
	}
	a.Body.Break = time.Time{}
	if v.Breaks == nil {
		return nil
	}
	for _, kind := range []string{payment.BreakUnknown, payment.BreakContradiction} {
		if err := v.Breaks.Explain(tx, a.Scope, kind, Reference(a.Scope, a.Key), a.Body.Provider, why); err != nil {
			return err
		}
	}
	return nil
}
