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
	if news == newsFailed && a.Operation != OpAuthenticate && !a.Absent.IsZero() && !probe.Mutant("payment.no-recheck") {
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
	a, how, err := v.claim(ctx, s, key)
	if a == nil || err != nil {
		return err
	}
	p, err := v.provider(a.Body.Provider)
	if err != nil {
		return err
	}
	probe.Point("payment.claimed")
	switch how {
	case byGivingUp:
		return v.abandon(ctx, a)
	case byGoingOn:
		return v.goOn(ctx, p, a)
	case byAsking:
		return v.ask(ctx, p, a)
	case byInquiry:
		return v.inquire(ctx, p, a)
	case byReplay:
		return v.replay(ctx, p, a)
	case byReversal:
		return v.reverse(ctx, p, a)
	}
	return v.reschedule(ctx, a, nil)
}

// replay sends an attempt again under its reference. That the second sending
// failed says nothing about the first; that it was declined may mean no more than
// that it was a second one, so a provider which can undo is had to undo it.
func (v *Service) replay(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	o := v.call(ctx, a)
	switch {
	case o.Status == provider.Failed && !probe.Mutant("payment.replay-failed-counts"):
		o.Status = provider.Unknown
	case o.Status == provider.Declined && p.Reverse != nil && a.Body.Operation.undoable() && !probe.Mutant("payment.contested-declined"):
		return v.reschedule(ctx, a, func(a *Attempt) { a.Contested = true; a.learn(o) })
	}
	_, err := v.settle(ctx, a, o, nil)
	return err
}

// claim takes the lease of an attempt that is due, and says how its outcome is
// to be learned; nil: there is nothing to do.
func (v *Service) claim(ctx context.Context, s id.Scope, key AttemptID) (claimed *object.Object[Attempt], how way, err error) {
	var unable error
	err = v.DB.Run(ctx, db.Step{Name: "payment.claim", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, int64(key))}, Do: func(tx *db.Tx) error {
		claimed, unable = nil, nil
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		if a.Body.Due.IsZero() || tx.Now().Before(a.Body.Due) && !probe.Mutant("payment.ignore-lease") {
			return nil
		}
		a.Body.Tries++
		if tx.Now().Sub(id.Time(a.Key)) > a.Body.patience() && a.Body.Operation != OpAuthenticate && a.Body.Break.IsZero() && a.Body.Open() {
			if err := v.openBreak(tx, a, BreakUnknown, a.Body.stake(), "the outcome is still unknown after a day"); err != nil {
				return err
			}
		}
		p, err := v.provider(a.Body.Provider)
		if err != nil {
			// Others that are due must not wait behind it.
			unable, a.Body.Due = err, tx.Now().Add(wait(a.Body.Tries))
			return Attempts.Update(tx, a)
		}
		if !probe.Mutant("payment.claim-twice") {
			a.Body.Due = tx.Now().Add(p.Traits.Timeout + Margin)
			a.Body.Lease = NewLease(tx, a.Body.Due)
		}
		switch how = wayOf(p, a, tx.Now()); how {
		case byReplay, byGoingOn:
			a.Body.Sent = tx.Now()
		case byReversal:
			a.Body.Undoing = true
		case byGivingUp:
			a.Body.Note = noteAbandoned
		}
		claimed = a
		return Attempts.Update(tx, a)
	}})
	return claimed, how, errors.Join(err, unable)
}

func (v *Service) inquire(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	asked := v.clock().Now()
	f := v.question(ctx, p, a)
	switch {
	case f.Answer == provider.Found && (f.Outcome.Status.Definite() || f.Outcome.Action != "" && a.Body.Operation == OpAuthenticate),
		f.Answer == provider.Found && f.Outcome.Status == provider.Pending && a.Body.State != Pending && a.Body.delayed():
		_, err := v.settle(ctx, a, f.Outcome, nil)
		return err
	case f.Answer == provider.NotFound:
		return v.absent(ctx, p, a, asked)
	}
	return v.reschedule(ctx, a, nil)
}

// goOn brings forward what a payer who has gone away, or nobody, waits for: an
// attempt that the provider does not know is sent again under its reference.
func (v *Service) goOn(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	f := v.question(ctx, p, a)
	switch {
	case f.Answer == provider.NotFound:
		return v.replay(ctx, p, a)
	case f.Answer == provider.Found && (f.Outcome.Status.Definite() || f.Outcome.Action != ""):
		_, err := v.settle(ctx, a, f.Outcome, nil)
		return err
	}
	return v.reschedule(ctx, a, nil)
}

// absent applies the provider's word, asked for at a time, that it knows
// nothing of the attempt. It counts only when it is said twice, the second time
// after the horizon and a margin: the request may still be on its way.
func (v *Service) absent(ctx context.Context, p provider.Provider, a *object.Object[Attempt], asked time.Time) error {
	if (a.Body.Absent.IsZero() || asked.Before(absenceCounts(a, p.Traits))) && !probe.Mutant("payment.absent-at-once") {
		return v.reschedule(ctx, a, func(a *Attempt) {
			if a.Absent.IsZero() {
				a.Absent = asked.Truncate(time.Microsecond) // as its column holds it
			}
		})
	}
	_, err := v.settle(ctx, a, provider.Outcome{
		Status: provider.Failed, Retryable: true, Message: "the provider does not know of it, asked again after its horizon"}, nil)
	return err
}

// absenceCounts is from when on a provider that knows nothing of an attempt
// will not come to process it any more: a whole lease and horizon after it was
// sent last, and as long after the provider was first asked in vain, in case
// that the clock of who asked is ahead of the clock of who sent.
func absenceCounts(a *object.Object[Attempt], t provider.Traits) time.Time {
	since := a.Body.Sent
	if since.IsZero() {
		since = id.Time(a.Key)
	}
	if a.Body.Absent.After(since) {
		since = a.Body.Absent
	}
	if probe.Mutant("payment.horizon-from-first") {
		since = id.Time(a.Key)
	}
	return since.Add(t.Timeout + Margin + t.Horizon)
}

// reverse undoes whatever an attempt did at a provider that can't be asked.
func (v *Service) reverse(ctx context.Context, p provider.Provider, a *object.Object[Attempt]) error {
	ctx2, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	reference, asked := Reference(a.Scope, AttemptID(a.Key)), v.clock().Now()
	f := p.Reverse(ctx2, provider.ReverseRequest{Reference: reference + "_r", Original: reference, Mark: markOf(a.Scope, &a.Body), Amount: a.Body.money()})
	switch {
	case f.Answer == provider.Found && f.Outcome.Status == provider.Approved:
		return v.settleReversed(ctx, a, f.Outcome)
	case f.Answer == provider.NotFound:
		return v.absent(ctx, p, a, asked)
	case f.Answer == provider.Found && f.Outcome.Status == provider.Declined:
		return v.reschedule(ctx, a, func(a *Attempt) { a.Undoing = false })
	}
	return v.reschedule(ctx, a, nil)
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
		_, err = v.answer(tx, a, nil)
		return err
	}})
}

// reschedule gives the lease back, notes what was learned, if anything was, and
// sets when the next resolver may try. What was sent by a process that is gone
// is now told to be unknown.
func (v *Service) reschedule(ctx context.Context, held *object.Object[Attempt], learned func(*Attempt)) error {
	s := held.Scope
	return v.DB.Run(ctx, db.Step{Name: "payment.reschedule", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, held.Key)}, Do: func(tx *db.Tx) error {
		a, err := get(tx, Attempts, s, held.Key)
		if err != nil || !a.Body.Due.Equal(held.Body.Due) && !probe.Mutant("payment.reschedule-stale") {
			return err // settled, or another resolver's
		}
		if learned != nil {
			learned(&a.Body)
		}
		before := a.Body.State
		if next, ok := attemptMachine.Next(before, newsUnknown); ok {
			a.Body.State = next
		}
		a.Body.Due = a.Body.next(tx.Now(), provider.Outcome{})
		// What is known to be absent is asked about as soon as that counts.
		if counts := absenceCounts(a, v.Providers[a.Body.Provider].Traits); !a.Body.Absent.IsZero() && counts.After(tx.Now()) && counts.Before(a.Body.Due) {
			a.Body.Due = counts
		}
		if err := Attempts.Update(tx, a); err != nil {
			return err
		}
		return v.undecided(tx, a, before)
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
		a, err := get(tx, Attempts, s, int64(key))
		if err != nil {
			return err
		}
		reply, err = v.answer(tx, a, r)
		return err
	}})
	return reply, err
}

// answer is the reply to the request behind an attempt: the one that others
// have recorded for it, or as things stand, which it then records. r is nil
// where the request itself is not at hand.
func (v *Service) answer(tx *db.Tx, a *object.Object[Attempt], r *idem.Request) (*idem.Reply, error) {
	recorded, _, err := v.Keys.Begin(tx, a.Scope, r)
	// In use: it is under way, and the lease is ours, or was just taken.
	if recorded != nil || err != nil && !isInUse(err) {
		return recorded, err
	}
	reply, err := v.replyTo(tx, a)
	if err != nil {
		return nil, err
	}
	if probe.Mutant("payment.forget-reply") {
		return reply, nil
	}
	return reply, v.Keys.Finish(tx, a.Scope, a.Body.Ticket, reply)
}

func isInUse(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Kind == fault.KeyInUse
}
