package payout

import (
	"context"
	"fmt"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Submit hands a queued payout to its bank, if its time has come, and settles
// what the bank says. Of several that submit at once one does.
func (v *Service) Submit(ctx context.Context, s id.Scope, attempt int64) error {
	var taken *object.Object[Attempt]
	var unable error
	err := v.DB.Run(ctx, db.Step{Name: "payout.submit", Scope: s.Key(), Needs: []db.Need{Attempts.Need(s, attempt)}, Do: func(tx *db.Tx) error {
		taken, unable = nil, nil
		a, err := get(tx, Attempts, s, attempt)
		if err != nil || a.Body.State != Queued || a.Body.Due.After(tx.Now()) {
			return err
		}
		a.Body.Tries++
		p, err := v.bank(a.Body.Provider)
		if err != nil {
			// Others that are due must not wait behind it.
			unable, a.Body.Due = err, tx.Now().Add(wait(a.Body.Tries))
			return Attempts.Update(tx, a)
		}
		if a.Body.State, err = next(a, newsSubmit); err != nil {
			return err
		}
		a.Body.Sent, a.Body.Due = tx.Now(), tx.Now().Add(p.Traits.Timeout+Margin)
		a.Body.Lease = payment.NewLease(tx, a.Body.Due)
		taken = a
		return Attempts.Update(tx, a)
	}})
	if err != nil || unable != nil || taken == nil {
		return errorOf(err, unable)
	}
	probe.Point("payout.before-send")
	o := v.call(ctx, taken)
	probe.Point("payout.after-send")
	err = v.settle(ctx, taken, o)
	probe.Point("payout.settled")
	return err
}

func errorOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func next(a *object.Object[Attempt], news News) (State, error) {
	to, ok := attemptMachine.Next(a.Body.State, news)
	if !ok {
		return "", fmt.Errorf("payout attempt %s: %s in state %s", Reference(a.Scope, a.Key), news, a.Body.State)
	}
	return to, nil
}

// call asks the bank. What fails before it is asked is Failed. A caller that
// stood still until its lease was over asks nothing: others look after the
// attempt by then, and count the bank's horizon from the lease's end.
func (v *Service) call(ctx context.Context, a *object.Object[Attempt]) provider.Outcome {
	failed := func(err error, again bool) provider.Outcome {
		return provider.Outcome{Status: provider.Failed, Message: err.Error(), Retryable: again}
	}
	p, err := v.bank(a.Body.Provider)
	if err != nil {
		return failed(err, true)
	}
	s := a.Scope
	o, ok, err := Payouts.Read(ctx, v.DB, s, a.Body.Payout)
	if err == nil && !ok {
		err = fmt.Errorf("payout %d is missing", a.Body.Payout)
	}
	if err != nil {
		return failed(err, true)
	}
	r := provider.PayoutRequest{Reference: Reference(s, a.Key), Amount: o.Body.money(), Instant: o.Body.Method == "instant", Descriptor: o.Body.Descriptor,
		Mark: markOf(s, a, o).String()}
	if a.Body.Original != 0 {
		r.Original = Reference(s, a.Body.Original)
	} else if r.Account, err = v.Vault.BankData(ctx, s, o.Body.Destination); err != nil {
		return failed(err, false)
	}
	if !v.clock().Now().Before(a.Body.Due) {
		return provider.Outcome{Status: provider.Unknown, Message: "not sent: the lease was over"}
	}
	ctx, cancel := context.WithTimeout(ctx, p.Traits.Timeout)
	defer cancel()
	return p.PayOut(ctx, r)
}

// markOf is what the bank keeps for us beside a payout.
func markOf(s id.Scope, a *object.Object[Attempt], o *object.Object[Payout]) payment.Mark {
	asked := idem.Request{Key: a.Body.Request.IdempotencyKey}
	return payment.Mark{Scope: s, Object: Payouts.ID(s, o.Key), Ticket: asked.Ticket(), Detail: vault.BankAccounts.ID(s, o.Body.Destination)}
}

// wait is the time before the next try: it doubles from one second to five
// minutes.
func wait(tries int) time.Duration {
	return min(time.Second<<min(tries, 9), 5*time.Minute)
}
