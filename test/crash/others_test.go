//go:build unix

package crash

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/payout"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/provider/bank"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// newsLimit is how long what others say unasked may take to be known here.
const newsLimit = 60 * time.Second

// others compares disputes, setups and payouts with the books of those who have
// them. What is told unasked is waited for.
func (w *world) others(d *db.DB) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.load.ctx, newsLimit)
	defer cancel()
	var found []string
	for {
		var err error
		w.readSandbox()
		if found, err = w.disputesDiffer(d); err != nil {
			w.t.Fatal(err)
		}
		if len(found) == 0 || sleep(ctx, 500*time.Millisecond) != nil {
			break
		}
	}
	for _, problem := range append(found, w.setupsDiffer()...) {
		w.differ("%s", problem)
	}
	w.paidOut(d)
}

func (w *world) disputesDiffer(d *db.DB) (found []string, err error) {
	here := map[string]int{}
	err = dispute.Disputes.Scan(w.load.ctx, d, func(o *object.Object[dispute.Dispute]) error {
		b, there := &o.Body, w.claims[o.Body.ProviderID]
		if there.Status != string(b.Status) || there.Amount != b.Amount || there.Currency != string(b.Currency) {
			found = append(found, fmt.Sprintf("%s is %s of %d %s here, and there %+v", dispute.Disputes.ID(o.Scope, o.Key), b.Status, b.Amount, b.Currency, there))
		}
		if n := w.contested[o.Key]; n > 1 || n == 1 && b.Status == dispute.NeedsResponse {
			found = append(found, fmt.Sprintf("%s is %s, and the acquirer got evidence %d times", dispute.Disputes.ID(o.Scope, o.Key), b.Status, n))
		}
		if here[b.ProviderID]++; here[b.ProviderID] == 2 {
			found = append(found, fmt.Sprintf("the dispute %s is here twice", b.ProviderID))
		}
		return nil
	})
	for name := range w.claims {
		if here[name] == 0 {
			found = append(found, fmt.Sprintf("the dispute %s is not known here", name))
		}
	}
	return found, err
}

// setupsDiffer compares the methods that were made ready.
func (w *world) setupsDiffer() (found []string) {
	there := map[string]sandbox.State{}
	for _, op := range w.operations {
		state := op.State
		if chosen, ok := w.chosen[op.Reference]; ok && state == sandbox.Pending {
			state = chosen
		}
		there[op.Reference] = state
	}
	for reference, a := range w.setups {
		if a.Body.Type == "" && a.Body.State == setup.Done && there[reference] != sandbox.Approved {
			found = append(found, fmt.Sprintf("the setup %s is done here, and %q there", reference, there[reference]))
		}
	}
	return found
}

// stands is what a transfer's state at the bank means for a payout.
var stands = map[bank.State]payout.State{bank.Accepted: payout.Waiting, bank.Arrived: payout.Approved, bank.Returned: payout.Declined, bank.Refused: payout.Declined}

// paidOut compares payouts with the bank's book, and what is on its way there
// with the ledger.
func (w *world) paidOut(d *db.DB) {
	w.t.Helper()
	there := map[string]bank.Transfer{}
	for _, transfer := range transfers(w.load.ctx, w.t, w.server.DB) {
		there[transfer.Reference] = transfer
	}
	inTransit := map[string]int64{}
	for reference, a := range w.payouts {
		transfer, ok := there[reference]
		delete(there, reference)
		p, found, err := payout.Payouts.Read(w.load.ctx, d, a.Scope, a.Body.Payout)
		switch {
		case err != nil || !found:
			w.differ("%s has no payout: %v", reference, err)
			continue
		case ok && stands[transfer.State] != a.Body.State, !ok && a.Body.State == payout.Approved:
			w.differ("the payout %s is %s here, and there %+v", reference, a.Body.State, transfer)
		case ok && (transfer.Amount != max(p.Body.Amount, -p.Body.Amount) || transfer.Currency != string(p.Body.Currency)):
			w.differ("the payout %s is of %d %s here, and there %+v", reference, p.Body.Amount, p.Body.Currency, transfer)
		}
		if p.Body.Original == 0 && (p.Body.Status == payout.Pending || p.Body.Status == payout.InTransit) {
			inTransit[string(p.Body.Currency)] += p.Body.Amount
		}
	}
	for _, transfer := range there {
		w.differ("the bank has %+v, of which Florin knows nothing", transfer)
	}
	err := balances(w.load.ctx, d, func(b ledger.Balance) {
		if currency := string(b.Account.Currency()); b.Account.Kind() == ledger.PayoutInTransit && b.Net() != inTransit[currency] {
			w.differ("payout_in_transit is %d in %s, by the payouts %d", b.Net(), currency, inTransit[currency])
		}
	})
	if err != nil {
		w.t.Error(err)
	}
}

// transfers reads the bank's own book.
func transfers(ctx context.Context, t *testing.T, address string) []bank.Transfer {
	t.Helper()
	book, err := bank.OpenBook(ctx, bankAddress(address), db.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = book.Close() }()
	list, err := book.Transfers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
