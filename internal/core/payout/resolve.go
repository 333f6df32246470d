package payout

import (
	"context"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

const (
	// breakAfter is how long an outcome may stay unknown before a person is asked.
	breakAfter = 24 * time.Hour
	// recheckAfter is when an attempt that failed by absence is asked about once
	// more, as a multiple of the bank's horizon.
	recheckAfter = 4
)

// Sweep submits the payouts whose time has come and finds out what became of
// those that were sent, at most limit of them. It tells how many it looked at.
func (v *Service) Sweep(ctx context.Context, limit int) (int, error) {
	due, err := qDue.All(ctx, v.DB, v.clock().Now().UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	var problems error
	for _, d := range due {
		problems = errors.Join(problems, v.Resolve(ctx, id.ScopeOf(d.Scope), d.Key))
	}
	return len(due), problems
}

// Resolve does what is due of an attempt: it submits one that is queued, asks
// about one that was sent, and asks once more about one that the bank did not
// know.
func (v *Service) Resolve(ctx context.Context, s id.Scope, key int64) error {
	a, err := v.claim(ctx, s, key)
	switch {
	case err != nil:
		return err
	case a == nil:
		return v.Submit(ctx, s, key) // which does nothing where it is not queued
	}
	p, err := v.bank(a.Body.Provider)
	if err != nil {
		return err
	}
	probe.Point("payout.claimed")
	switch {
	case a.Body.State == AttemptFailed:
		return v.ask(ctx, p, a)
	case p.Inquire != nil:
		return v.inquire(ctx, p, a)
	case v.clock().Now().Add(p.Traits.Timeout).Before(id.Time(a.Key).Add(p.Traits.ReplayWindow)):
		return v.replay(ctx, a)
	}
	return v.reschedule(ctx, a, nil)
}

// claim takes the lease of an attempt that was sent and is due; nil: there is
// none to take.
func (v *Service) claim(ctx context.Context, s id.Scope, key int64) (claimed *object.Object[Attempt], err error) {
	var unable error
	err = v.DB.Run(ctx, db.Step{Name: "payout.claim", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, key)}, Do: func(tx *db.Tx) error {
		claimed, unable = nil, nil
		a, err := get(tx, Attempts, s, key)
		if err != nil {
			return err
		}
		b := &a.Body
		if b.State == Queued || b.Due.IsZero() || b.Due.After(tx.Now()) && !probe.Mutant("payout.ignore-lease") {
			return nil
		}
		b.Tries++
		if b.State != Waiting && tx.Now().Sub(id.Time(a.Key)) > breakAfter+inTransit && b.Break.IsZero() && b.open() {
			if err := v.openBreak(tx, a, payment.BreakUnknown, Reference(s, key), money.Amount{}, "the outcome is still unknown after a day"); err != nil {
				return err
			}
		}
		p, err := v.bank(b.Provider)
		if err != nil {
			unable, b.Due = err, tx.Now().Add(wait(b.Tries))
			return Attempts.Update(tx, a)
		}
		b.Due = tx.Now().Add(p.Traits.Timeout + Margin)
		b.Lease = payment.NewLease(tx, b.Due)
		if p.Inquire == nil && b.open() {
			b.Sent = tx.Now()
		}
		claimed = a
		return Attempts.Update(tx, a)
	}})
	return claimed, errorOf(err, unable)
}

// inquire asks the bank about an attempt.
func (v *Service) inquire(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	call, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	asked := v.clock().Now()
	f := p.Inquire(call, Reference(a.Scope, a.Key))
	switch {
	case f.Answer == provider.Found && f.Outcome.Status != provider.Unknown && f.Outcome.Status != provider.Failed:
		return v.settle(ctx, a, f.Outcome)
	case f.Answer == provider.NotFound && a.Body.State != Waiting:
		return v.absent(ctx, p, a, asked)
	}
	return v.reschedule(ctx, a, nil)
}

// replay sends an attempt again under its reference. That the second sending
// failed says nothing about the first.
func (v *Service) replay(ctx context.Context, a *object.Object[Attempt]) error {
	o := v.call(ctx, a)
	if o.Status == provider.Failed {
		o.Status = provider.Unknown
	}
	if o.Status == provider.Unknown {
		return v.reschedule(ctx, a, func(a *Attempt) { a.learn(o) })
	}
	return v.settle(ctx, a, o)
}

// absent applies the bank's word, asked for at a time, that it knows nothing of
// the attempt. It counts only when it is said twice, the second time after the
// horizon and a margin: the request may still be on its way.
func (v *Service) absent(ctx context.Context, p provider.Provider, a *object.Object[Attempt], asked time.Time) error {
	if (a.Body.Absent.IsZero() || asked.Before(absenceCounts(a, p.Traits))) && !probe.Mutant("payout.absent-at-once") {
		return v.reschedule(ctx, a, func(a *Attempt) {
			if a.Absent.IsZero() {
				a.Absent = asked.Truncate(time.Microsecond) // as its column holds it
			}
		})
	}
	return v.settle(ctx, a, provider.Outcome{Status: provider.Failed, Message: "the bank does not know of it, asked again after its horizon"})
}

// absenceCounts is from when on a bank that knows nothing of an attempt will not
// come to process it any more.
func absenceCounts(a *object.Object[Attempt], t provider.Traits) time.Time {
	since := a.Body.Sent
	if a.Body.Absent.After(since) {
		since = a.Body.Absent
	}
	return since.Add(t.Timeout + Margin + t.Horizon)
}

// reschedule gives the lease back, notes what was learned, and sets when the
// next one may try. What was sent by a process that is gone is now unknown.
func (v *Service) reschedule(ctx context.Context, held *object.Object[Attempt], learned func(*Attempt)) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "payout.reschedule", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil || !a.Body.Due.Equal(held.Body.Due) {
			return err // settled, or another's
		}
		if learned != nil {
			learned(&a.Body)
		}
		a.Body.Due = tx.Now().Add(wait(a.Body.Tries))
		if !a.Body.open() {
			return Attempts.Update(tx, a)
		}
		if a.Body.State, err = next(a, newsUnknown); err != nil {
			return err
		}
		// What is known to be absent is asked about as soon as that counts.
		if counts := absenceCounts(a, v.Banks[a.Body.Provider].Traits); !a.Body.Absent.IsZero() && counts.After(tx.Now()) && counts.Before(a.Body.Due) {
			a.Body.Due = counts
		}
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		p, err := get(tx, Payouts, s, a.Body.Payout)
		if err != nil {
			return err
		}
		return v.underWay(tx, a, p, time.Time{})
	}})
}

// ask asks once more about an attempt that the bank did not know, and applies a
// success that came late.
func (v *Service) ask(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	if p.Inquire != nil {
		call, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
		defer cancel()
		f := p.Inquire(call, Reference(a.Scope, a.Key))
		switch {
		case f.Answer == provider.Found && f.Outcome.Status == provider.Approved:
			return v.settle(ctx, a, f.Outcome)
		case f.Answer == provider.NoAnswer, f.Answer == provider.Found && !f.Outcome.Status.Definite():
			return v.reschedule(ctx, a, nil)
		}
	}
	return v.DB.Run(ctx, db.Step{Name: "payout.rest", Scope: a.Scope.Key(), Needs: []db.Need{Attempts.Need(a.Scope, a.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, a.Scope, a.Key)
		if err != nil || a.Body.State != AttemptFailed || a.Body.Due.IsZero() {
			return err
		}
		a.Body.Due = time.Time{}
		return Attempts.Update(tx, a)
	}})
}
