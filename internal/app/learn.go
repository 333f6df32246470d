package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// learnMargin is how long before a backup providers are asked about: their clocks
// may be behind ours.
const learnMargin = 10 * time.Minute

// learning is what a server does whose database was restored from a backup: it
// asks the providers what happened since, and changes nothing else before it
// knows. Several nodes may do so at once.
type learning struct {
	since  time.Time
	active atomic.Bool
	// strays are operations that could not be fitted in, by their references.
	strays sync.Map
}

// beginLearning looks whether there is something to learn.
func (a *App) beginLearning(ctx context.Context) error {
	restored, ok, err := a.DB.Restored(ctx)
	if err != nil || !ok || restored.Learned {
		return err
	}
	a.learning.since = restored.Since
	a.learning.active.Store(true)
	a.log.Warn("the database was restored from a backup: learning from the providers what happened since; changes are refused until that is known", "since", restored.Since)
	return nil
}

// Learning reports whether it is not known yet what happened since a backup.
func (a *App) Learning() bool { return a.learning.active.Load() }

// refuseWhileLearning is the refusal of changes meanwhile.
func (a *App) refuseWhileLearning() error {
	if !a.Learning() {
		return nil
	}
	return fault.New(fault.Unavailable, "", "Florin was restored from a backup and is learning from its payment providers what happened since. Nothing can be changed until that is known. Try again shortly, with the same idempotency key.")
}

// learn goes on until it is known what happened, by this node or another, and
// then begins the work that nobody asks for.
func (a *App) learn(ctx context.Context, then func()) {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		restored, _, err := a.DB.Restored(ctx)
		if err == nil && !restored.Learned {
			if err = a.learnOnce(ctx); err == nil {
				err = a.DB.Learn(ctx)
			}
		}
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return
		}
		a.log.Warn("it is not known yet what happened since the backup; trying again", "error", err)
		if a.clock.Sleep(ctx, pause) != nil {
			return
		}
	}
	a.learning.active.Store(false)
	a.log.Info("what happened since the backup is known; serving")
	then()
}

// learnOnce asks every provider and bank.
func (a *App) learnOnce(ctx context.Context) error {
	begun, all := a.clock.Now(), map[payment.Recalled]int{}
	ask := func(list map[string]provider.Provider, recall recall) (err error) {
		for _, name := range slices.Sorted(maps.Keys(list)) {
			err = errors.Join(err, a.learnFrom(ctx, list[name], recall, all))
		}
		return err
	}
	// Payouts come last: they take what the payments brought.
	if err := errors.Join(ask(a.Payment.Providers, a.Payment.Recall), ask(a.Payout.Banks, a.Payout.Recall)); err != nil {
		return err
	}
	a.log.Info("learned what happened since the backup", "since", a.learning.since, "known", all[payment.RecallKnown], "taken on", all[payment.RecallTaken],
		"without effect", all[payment.RecallNothing], "unexplained", all[payment.RecallStray], "took", a.clock.Now().Sub(begun))
	return nil
}

type recall func(ctx context.Context, source string, op provider.Operation) (payment.Recalled, string, error)

// learnFrom takes on what one provider has. What it undid itself is no more.
func (a *App) learnFrom(ctx context.Context, p provider.Provider, recall recall, count map[payment.Recalled]int) error {
	if p.Activity == nil {
		a.log.Warn("a provider can't tell what happened since the backup; compare its reports with the books", "provider", p.Name, "since", a.learning.since)
		return nil
	}
	since := a.learning.since.Add(-learnMargin)
	undone := map[string]bool{}
	err := p.Activity(ctx, since, func(op provider.Operation) error {
		if of := payment.Undoes(op); of != "" {
			undone[of] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	var problems []error
	err = p.Activity(ctx, since, func(op provider.Operation) error {
		if undone[op.Reference] || payment.Undoes(op) != "" {
			count[payment.RecallNothing]++
			return nil
		}
		did, why, err := recall(ctx, p.Name, op)
		if err == nil && did == payment.RecallStray {
			err = a.strayed(ctx, p.Name, op, why)
		}
		if err != nil {
			if problems = append(problems, fmt.Errorf("%s %s of %s: %w", op.Kind, op.Reference, p.Name, err)); len(problems) >= maxProblems {
				return errTooMany
			}
			return nil
		}
		count[did]++
		return nil
	})
	return errors.Join(append(problems, err)...)
}

// maxProblems is after how many operations that can't be taken on yet the rest
// waits too.
const maxProblems = 20

var errTooMany = errors.New("there are more such operations")

// strayed tells once of an operation that nothing explains.
func (a *App) strayed(ctx context.Context, source string, op provider.Operation, why string) error {
	if _, told := a.learning.strays.LoadOrStore(source+" "+op.Reference, true); !told {
		a.log.Error("a provider has an operation that the books can't explain; a person has to look", "provider", source, "operation", op.Kind,
			"reference", op.Reference, "amount", op.Amount.String(), "at", op.At, "why", why)
	}
	return a.openBreak(ctx, source, op, why)
}

// openBreak has a person look at an operation of which the books know nothing.
// Whose it is stands in its mark; without one the log is all there is.
func (a *App) openBreak(ctx context.Context, source string, op provider.Operation, why string) error {
	m, ok := payment.ParseMark(op.Mark)
	if !ok {
		return nil
	}
	// What the provider took it owes, and what it gave back it is owed.
	at := op.Amount.Minor()
	switch op.Kind {
	case provider.KindSale, provider.KindCapture:
		at = -at
	case provider.KindAuthorize, provider.KindIncrement, provider.KindReversal:
		at = 0
	}
	return a.DB.Run(ctx, db.Step{Name: "settle.stray", Scope: m.Scope.Key(), Do: func(tx *db.Tx) error {
		return a.Settle.Open(tx, m.Scope, string(settle.MissingHere), op.Reference, source, money.New(at, op.Amount.Currency()), string(op.Kind)+", found after a restore: "+why)
	}})
}

// unexplainedCount is how many such operations were seen since the process began.
func (a *App) unexplainedCount() (n int) {
	a.learning.strays.Range(func(any, any) bool { n++; return true })
	return n
}
