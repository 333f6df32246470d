package world

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// sameDisputes compares disputes on either side.
func (w *world) sameDisputes(b *books) {
	ours := map[string]bool{}
	err := dispute.Disputes.Scan(context.Background(), w.db, func(d *object.Object[dispute.Dispute]) error {
		theirs, ok := b.claims[d.Body.ProviderID]
		if !ok || theirs.Status != string(d.Body.Status) || theirs.Amount != d.Body.Amount || theirs.Currency != string(d.Body.Currency) {
			w.fail("%s is %s of %d %s here, and %s of %d %s there", dispute.Disputes.ID(d.Scope, d.Key), d.Body.Status, d.Body.Amount, d.Body.Currency,
				theirs.Status, theirs.Amount, theirs.Currency)
		}
		if ours[d.Body.ProviderID] {
			w.fail("the dispute %s is here twice", d.Body.ProviderID)
		}
		ours[d.Body.ProviderID] = true
		return nil
	})
	if err != nil {
		w.fail("disputes: %v", err)
	}
	for name := range b.claims {
		if !ours[name] {
			w.fail("the dispute %s is not known here", name)
		}
	}
}

// arrived is what the bank says a payout's state is, in our words.
var arrived = map[bank.State]payout.State{bank.Accepted: payout.Waiting, bank.Arrived: payout.Approved, bank.Returned: payout.Declined, bank.Refused: payout.Declined}

// paidOut reports whether nothing is left to do about payouts, but for those that
// are on their way until tomorrow.
func (w *world) paidOut() bool {
	done := true
	err := payout.Attempts.Scan(context.Background(), w.db, func(a *object.Object[payout.Attempt]) error {
		done = done && (a.Body.Due.IsZero() || !a.Body.Break.IsZero() || w.tomorrow(a))
		return nil
	})
	if err != nil {
		w.fail("payouts: %v", err)
	}
	return done
}

// tomorrow reports whether a payout goes on at a time that is hours away: it is
// sent with those of its day, or on its way to the bank.
func (w *world) tomorrow(a *object.Object[payout.Attempt]) bool {
	return (a.Body.State == payout.Waiting || a.Body.State == payout.Queued) && a.Body.Due.Sub(w.course.Now()) > time.Hour
}

// setUp reports whether nothing is left to do about setups, but for those whose
// payer may still come.
func (w *world) setUp() bool {
	done := true
	err := setup.Attempts.Scan(context.Background(), w.db, func(a *object.Object[setup.Attempt]) error {
		done = done && (a.Body.Due.IsZero() || a.Body.State == setup.Asking)
		return nil
	})
	if err != nil {
		w.fail("setups: %v", err)
	}
	return done
}

// sameSetups holds that a card that was set up was checked by the sandbox.
func (w *world) sameSetups(b *books) {
	for reference, a := range b.setups {
		op := b.theirs[reference]
		switch {
		case a.Body.State == setup.Trying:
			w.fail("setup %s is still under way", reference)
		case a.Body.State == setup.Done && b.stands(op) != sandbox.Approved:
			w.fail("setup %s is done here and %q there", reference, b.stands(op))
		}
	}
}

// samePayouts compares payouts with the bank's book. What is on its way there
// may have arrived meanwhile: we ask when it was to.
func (w *world) samePayouts() {
	list, err := w.ledger.Transfers(context.Background())
	theirs := map[string]bank.Transfer{}
	for _, t := range list {
		theirs[t.Reference] = t
	}
	if err == nil {
		err = payout.Attempts.Scan(context.Background(), w.db, func(a *object.Object[payout.Attempt]) error {
			w.samePayout(a, theirs)
			return nil
		})
	}
	if err != nil {
		w.fail("payouts: %v", err)
	}
	for reference := range theirs {
		w.fail("the bank's %s is not known here", reference)
	}
}

func (w *world) samePayout(a *object.Object[payout.Attempt], theirs map[string]bank.Transfer) {
	reference := payout.Reference(a.Scope, a.Key)
	t, ok := theirs[reference]
	delete(theirs, reference)
	p, found, err := payout.Payouts.Read(context.Background(), w.db, a.Scope, a.Body.Payout)
	switch {
	case err != nil || !found:
		w.fail("%s has no payout: %v", reference, err)
	case !a.Body.Break.IsZero(), a.Body.State == payout.Waiting && t.State != "", a.Body.State == payout.Queued && w.tomorrow(a) && t.State == "":
	case a.Body.Open():
		w.fail("payout %s is still %s, and %q there", reference, a.Body.State, t.State)
	case ok && arrived[t.State] != a.Body.State, !ok && a.Body.State == payout.Approved:
		w.fail("payout %s is %s here and %q there", reference, a.Body.State, t.State)
	case ok && (t.Amount != max(p.Body.Amount, -p.Body.Amount) || t.Currency != string(p.Body.Currency)):
		w.fail("payout %s is of %d %s here and of %d %s there", reference, p.Body.Amount, p.Body.Currency, t.Amount, t.Currency)
	}
}

// sameLedger compares what providers owe, and what is on its way to the bank, by
// our ledger and by their books, in each currency. Where a person is still asked
// about something, nobody can say.
func (w *world) sameLedger(b *books) {
	for _, a := range b.attempts {
		if !a.Body.Break.IsZero() {
			return
		}
	}
	want := w.owed(b)
	w.onItsWay(want)
	for _, have := range w.balances(b) {
		switch have.Account.Kind() {
		case ledger.ProviderClearing:
			if w.made.settles {
				continue // it is settled, or a break names it
			}
			fallthrough
		case ledger.PayoutInTransit:
			if have.Net() != want[have.Account] {
				w.fail("%s stands at %d, and should at %d by the others' books", have.Account, have.Net(), want[have.Account])
			}
		}
	}
}

// owed is what provider_clearing would stand at if nothing were settled.
func (w *world) owed(b *books) map[ledger.Account]int64 {
	want := map[ledger.Account]int64{}
	owed := func(amount int64, currency string) { want[account(ledger.ProviderClearing, currency)] -= amount }
	for reference, op := range b.theirs {
		if op.State != sandbox.Approved || b.undone[reference] {
			continue
		}
		switch op.Kind {
		case sandbox.Sale, sandbox.Capture:
			owed(op.Amount, op.Currency)
		case sandbox.Refund:
			if !b.bounced[reference] {
				owed(-op.Amount, op.Currency)
			}
		}
	}
	for _, d := range b.claims {
		switch d.Status {
		case "needs_response", "under_review", "lost":
			owed(-d.Amount, d.Currency)
		}
	}
	return want
}

// onItsWay adds what payouts have taken and not brought to the bank.
func (w *world) onItsWay(want map[ledger.Account]int64) {
	err := payout.Payouts.Scan(context.Background(), w.db, func(p *object.Object[payout.Payout]) error {
		if p.Body.Original != 0 {
			return nil // it is taken back when it is here
		}
		if p.Body.Status == payout.Pending || p.Body.Status == payout.InTransit {
			want[ledger.AccountOf(ledger.PayoutInTransit, p.Body.Currency)] += p.Body.Amount
		}
		return nil
	})
	if err != nil {
		w.fail("payouts: %v", err)
	}
}

func account(k ledger.Kind, currency string) ledger.Account {
	return ledger.AccountOf(k, money.Currency(currency))
}
