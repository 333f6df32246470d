//go:build unix

package crash

import (
	"context"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// book compares what the acquirer did with what Florin thinks it did: operation
// by operation, and the money of each payment.
func (w *world) book() {
	w.t.Helper()
	paid := map[string]int{}  // sales and authorisations that stand or stood, by intent
	net := map[string]int64{} // money taken and kept, by intent
	for _, op := range w.operations {
		a := w.attempts[op.Reference]
		switch {
		case w.setups[op.Reference] != nil:
			continue
		case a == nil && w.restored && op.State != sandbox.Approved:
			continue // nothing came of it
		case a == nil:
			w.differ("the acquirer has %+v, of which Florin knows nothing", op)
			continue
		case op.Kind == sandbox.Authenticate:
			w.authenticated(op, a)
			continue
		case (op.State == sandbox.Approved) != (a.Body.State == payment.Approved):
			w.differ("the acquirer has %+v, Florin says it is %s", op, a.Body.State)
		}
		if op.State != sandbox.Approved {
			continue
		}
		if strings.HasPrefix(a.Body.Note, "learned from the provider") {
			w.learned++
		}
		if op.Kind == sandbox.Contest {
			w.contested[a.Body.Dispute]++
		}
		intent := payment.Intents.ID(a.Scope, int64(a.Body.Intent))
		if op.Kind == sandbox.Sale || op.Kind == sandbox.Authorize {
			paid[intent]++
		}
		net[intent] += w.money(op)
		delete(w.attempts, op.Reference)
	}
	for reference, a := range w.attempts {
		if a.Body.State == payment.Approved {
			w.differ("Florin says that %s is approved, of which the acquirer knows nothing", reference)
		}
	}
	for id, o := range w.intents {
		done := o.Status == "succeeded" || o.Status == "requires_capture"
		if n := paid[id]; n > 1 {
			w.doubled++
			w.t.Errorf("%s was authorised %d times", id, n)
		} else if done && n == 0 {
			w.lost++
			w.t.Errorf("%s is %s, and the acquirer has no authorisation", id, o.Status)
		}
		if kept := o.AmountReceived - w.refunded(id); net[id] != kept {
			w.differ("%s: the acquirer has taken %d, Florin says %d", id, net[id], kept)
		}
		delete(net, id)
	}
	for id, n := range net {
		w.differ("the acquirer has taken %d for %s, which no list shows", n, id)
	}
}

// authenticated compares what a payer answered. Who pays in another way meanwhile
// leaves the answer alone.
func (w *world) authenticated(op sandbox.Operation, a *object.Object[payment.Attempt]) {
	w.t.Helper()
	state := op.State
	if chosen, ok := w.chosen[op.Reference]; ok && state == sandbox.Pending {
		state = chosen
	}
	if a.Body.State == payment.Approved && state != sandbox.Approved {
		w.differ("Florin says that %+v is approved, the payer says it is %s", op, state)
	}
	delete(w.attempts, op.Reference)
}

// money is what an approved operation took from the payer, less what it gave
// back; nothing if it was undone.
func (w *world) money(op sandbox.Operation) int64 {
	switch {
	case w.reversed[op.Reference]:
		return 0
	case op.Kind == sandbox.Sale || op.Kind == sandbox.Capture:
		return op.Amount
	case op.Kind == sandbox.Refund:
		return -op.Amount
	}
	return 0
}

func (w *world) refunded(intent string) (sum int64) {
	for _, r := range w.refunds {
		if r.PaymentIntent == intent && r.Status == "succeeded" {
			sum += r.Amount
		}
	}
	return sum
}

// clearing compares what providers owe by our books with what the acquirer
// took.
func (w *world) clearing(d *db.DB) {
	w.t.Helper()
	took := map[string]int64{}
	for _, op := range w.operations {
		if op.State == sandbox.Approved {
			took[op.Currency] += w.money(op)
		}
	}
	for _, claim := range w.claims {
		if claim.Status == "needs_response" || claim.Status == "under_review" || claim.Status == "lost" {
			took[claim.Currency] -= claim.Amount
		}
	}
	err := balances(w.load.ctx, d, func(b ledger.Balance) {
		if b.Account.Kind() == ledger.ProviderClearing {
			currency := string(b.Account.Currency())
			if -b.Net() != took[currency] {
				w.differ("provider_clearing is %d in %s, the acquirer took %d", b.Net(), currency, took[currency])
			}
			delete(took, currency)
		}
	})
	if err != nil {
		w.t.Error(err)
	}
	for currency, n := range took {
		if n != 0 {
			w.differ("no provider_clearing in %s, the acquirer took %d", currency, n)
		}
	}
}

// balances gives the balances of every scope that has payments.
func balances(ctx context.Context, d *db.DB, f func(ledger.Balance)) error {
	seen := map[int64]bool{}
	return payment.Intents.Scan(ctx, d, func(o *object.Object[payment.Intent]) error {
		if seen[o.Scope.Key()] {
			return nil
		}
		seen[o.Scope.Key()] = true
		list, err := ledger.ReadBalances(ctx, d, o.Scope)
		for _, b := range list {
			f(b)
		}
		return err
	})
}
