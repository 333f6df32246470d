package ledger

import (
	"testing"

	"github.com/florinpay/florin/internal/kit/money"
)

// A dispute's money goes through the account of disputes to the provider, and
// back the same way; what went otherwise is found.
func TestWays(t *testing.T) {
	b := newBench(t)
	usd := func(n int64) money.Amount { return money.New(n, "usd") }
	fee := []FeeDetail{{Type: ProcessingFee, Amount: 1500}}
	taken := Transaction{Type: TypeAdjustment, ReportingCategory: CategoryDispute, Currency: "usd", Amount: -1000, Fee: 1500, Net: -2500, FeeDetails: fee}
	returned := Transaction{Type: TypeAdjustment, ReportingCategory: CategoryDisputeReversal, Currency: "usd", Amount: 1000, Net: 1000}
	failed := Transaction{Type: TypeRefundFailure, ReportingCategory: TypeRefundFailure, Currency: "usd", Amount: 400, Net: 400}
	post := func(t Transaction, list ...Posting) {
		b.t.Helper()
		if _, err := b.post(t, list...); err != nil {
			b.t.Fatal(err)
		}
	}
	post(taken, Posting{Available, Disputes, usd(1000)}, Posting{Disputes, ProviderClearing, usd(1000)}, Posting{Available, Fees, usd(1500)})
	post(returned, Posting{ProviderClearing, Disputes, usd(1000)}, Posting{Disputes, Available, usd(1000)})
	post(failed, Posting{ProviderClearing, Available, usd(400)})
	b.sound()
	for _, c := range []struct {
		t    Transaction
		list []Posting
	}{
		{taken, []Posting{{Available, ProviderClearing, usd(1000)}, {Available, Fees, usd(1500)}}},
		{taken, []Posting{{Available, Disputes, usd(1000)}, {Available, Fees, usd(1500)}}},
		{returned, []Posting{{Disputes, Available, usd(1000)}}},
		{failed, []Posting{{Bank, Available, usd(400)}}},
	} {
		post(c.t, c.list...)
		found := 0
		if err := Check(t.Context(), b.db, func(f Finding) {
			if f.Check == CheckWays {
				found++
			} else {
				t.Errorf("%v", f)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if found == 0 {
			t.Errorf("%s by %v, and nothing is said", c.t.ReportingCategory, c.list)
		}
	}
}
