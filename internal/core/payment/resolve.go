package payment

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

const (
	// breakAfter is how long an outcome may stay unknown before a person is
	// asked.
	breakAfter = 24 * time.Hour
	// cvcLife is how long a CVC is kept for a replay; the vault deletes it then.
	cvcLife = 15 * time.Minute
	// recheckAfter is when an attempt that failed by absence is asked about once
	// more, as a multiple of the provider's horizon.
	recheckAfter = 4
)

// wait is the time before the next resolution: it doubles from one second to
// five minutes.
func wait(tries int) time.Duration {
	return min(time.Second<<min(tries, 9), 5*time.Minute)
}

// recheck is when a definite attempt is looked at once more: when it failed
// because the provider said twice that it knows nothing of it.
func (a *Attempt) recheck(now time.Time, news News, t provider.Traits) time.Time {
	if news == newsFailed && !a.Absent.IsZero() {
		return now.Add(recheckAfter * t.Horizon)
	}
	return time.Time{}
}

// Sweep resolves the attempts that are due, at most limit of them, and tells
// how many it looked at.
func (v *Service) Sweep(ctx context.Context, limit int) (int, error) {
	due, err := qDue.All(ctx, v.DB, v.clock().Now().UnixMicro(), int64(limit))
	if err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, sweepers)
	problems := make([]error, len(due))
	for i, d := range due {
		slots <- struct{}{}
		group.Go(func() {
			problems[i] = v.Resolve(ctx, id.ScopeOf(d.Scope), AttemptID(d.Key))
			<-slots
		})
	}
	group.Wait()
	return len(due), errors.Join(problems...)
}

// sweepers is how many attempts are resolved at once.
const sweepers = 16

// Resolve finds out what became of an attempt whose lease is over, in this
// order: inquiry, else replay within the provider's window, else reversal. It
// takes the lease first, so that one resolver is at work. It changes nothing
// while the lease of another lives.
func (v *Service) Resolve(ctx context.Context, s id.Scope, key AttemptID) error {
	a, err := v.claim(ctx, s, key)
	if a == nil || err != nil {
		return err
	}
	p, err := v.provider(a.Body.Provider)
	if err != nil {
		return err
	}
	probe.Point("payment.claimed")
	if !a.Body.Open() {
		return v.ask(ctx, p, a)
	}
	switch age := v.clock().Now().Sub(id.Time(a.Key)); {
	case p.Inquire != nil:
		return v.inquire(ctx, p, a)
	case age < p.Traits.ReplayWindow && (a.Body.Card == 0 || age < cvcLife):
		return v.replay(ctx, a)
	case p.Reverse != nil:
		return v.reverse(ctx, p, a)
	}
	return v.reschedule(ctx, a, time.Time{})
}

// replay sends an attempt again under its reference. That the second sending
// failed says nothing about the first.
func (v *Service) replay(ctx context.Context, a *object.Object[Attempt]) error {
	o := v.call(ctx, a)
	if o.Status == provider.Failed {
		o.Status = provider.Unknown
	}
	_, err := v.settle(ctx, a.Scope, AttemptID(a.Key), o)
	return err
}

// claim takes the lease of an attempt that is due; nil: there is nothing to do.
func (v *Service) claim(ctx context.Context, s id.Scope, key AttemptID) (claimed *object.Object[Attempt], err error) {
	err = v.DB.Run(ctx, db.Step{Name: "payment.claim", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key))}, Do: func(tx *db.Tx) error {
		claimed = nil
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		if a.Body.Due.IsZero() || tx.Now().Before(a.Body.Due) && !probe.Mutant("payment.ignore-lease") {
			return nil
		}
		p, err := v.provider(a.Body.Provider)
		if err != nil {
			return err
		}
		a.Body.Tries++
		a.Body.Due = tx.Now().Add(p.Traits.Timeout + Margin)
		if tx.Now().Sub(id.Time(a.Key)) > breakAfter && a.Body.Break.IsZero() && a.Body.Open() {
			a.Body.Break = tx.Now()
			v.Log.Warn("an outcome is still unknown after a day; a person has to look", "attempt", Reference(s, key))
		}
		claimed = a
		return Attempts.Update(tx, a)
	}})
	return claimed, err
}

func (v *Service) inquire(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	ctx2, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	f := p.Inquire(ctx2, Reference(a.Scope, AttemptID(a.Key)))
	switch {
	case f.Answer == provider.Found && f.Outcome.Status.Definite():
		_, err := v.settle(ctx, a.Scope, AttemptID(a.Key), f.Outcome)
		return err
	case f.Answer == provider.NotFound:
		return v.absent(ctx, p, a)
	}
	return v.reschedule(ctx, a, time.Time{})
}

// absent applies the provider's word that it knows nothing of the attempt. It
// counts only when it is said twice, the second time after the horizon and a
// margin: the request may still be on its way.
func (v *Service) absent(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	after := id.Time(a.Key).Add(p.Traits.Timeout + p.Traits.Horizon + Margin)
	now := v.clock().Now()
	if a.Body.Absent.IsZero() || now.Before(after) {
		return v.reschedule(ctx, a, now)
	}
	_, err := v.settle(ctx, a.Scope, AttemptID(a.Key), provider.Outcome{
		Status: provider.Failed, Retryable: true, Message: "the provider does not know of it, asked again after its horizon"})
	return err
}

// reverse undoes whatever an attempt did at a provider that can't be asked.
func (v *Service) reverse(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	ctx2, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	reference := Reference(a.Scope, AttemptID(a.Key))
	f := p.Reverse(ctx2, provider.ReverseRequest{Reference: reference + "_r", Original: reference, Amount: a.Body.money()})
	switch {
	case f.Answer == provider.Found && f.Outcome.Status == provider.Approved:
		return v.settleReversed(ctx, a, f.Outcome)
	case f.Answer == provider.NotFound:
		return v.absent(ctx, p, a)
	}
	return v.reschedule(ctx, a, time.Time{})
}

func (v *Service) settleReversed(ctx context.Context, a *object.Object[Attempt], o provider.Outcome) error {
	s := a.Scope
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payment.reversed", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, a.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, a.Key)
		if err != nil || !a.Body.Open() {
			return err
		}
		a.Body.Note = "reversed, since its outcome could not be learned"
		if err := v.applyNews(tx, account, a, newsReversed, provider.Outcome{Status: provider.Failed, Raw: o.Raw}); err != nil {
			return err
		}
		reply, err := v.replyTo(tx, a)
		if err != nil {
			return err
		}
		return v.Keys.Finish(tx, s, a.Body.Ticket, reply)
	}})
}

// reschedule gives the lease back and sets when the next resolver may try;
// absent, if set, notes when the provider first knew nothing.
func (v *Service) reschedule(ctx context.Context, a *object.Object[Attempt], absent time.Time) error {
	s := a.Scope
	return v.DB.Run(ctx, db.Step{Name: "payment.reschedule", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, a.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, a.Key)
		if err != nil || a.Body.Due.IsZero() {
			return err
		}
		if a.Body.Absent.IsZero() {
			a.Body.Absent = absent
		}
		a.Body.Due = tx.Now().Add(wait(a.Body.Tries))
		return Attempts.Update(tx, a)
	}})
}

// resume goes on for a request that is repeated under its key after the first
// one was lost: it resolves the attempt that the first one made, never makes
// another, and answers with what came of it.
func (v *Service) resume(ctx context.Context, s id.Scope, r *idem.Request, key AttemptID) (*idem.Reply, error) {
	if err := v.Resolve(ctx, s, key); err != nil {
		return nil, err
	}
	var reply *idem.Reply
	err := v.DB.Run(ctx, db.Step{Name: "payment.resume", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key)), r.Ticket().Need(s)}, Do: func(tx *db.Tx) error {
		recorded, _, err := v.Keys.Begin(tx, s, r)
		if recorded != nil {
			reply = recorded
			return nil
		}
		// Still under way: the lease is ours, or was just taken.
		if err != nil && !isInUse(err) {
			return err
		}
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		if reply, err = v.replyTo(tx, a); err != nil {
			return err
		}
		return v.Keys.Finish(tx, s, r.Ticket(), reply)
	}})
	return reply, err
}

func isInUse(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Kind == fault.KeyInUse
}
