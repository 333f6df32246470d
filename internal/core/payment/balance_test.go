package payment_test

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// TestRefundNeedsBalance: a merchant whose balance may not fall below zero gives
// back what is available and no more, and a refund whose outcome is open holds
// its amount.
func TestRefundNeedsBalance(t *testing.T) {
	s := open(t)
	settings := merchant.DefaultSettings()
	settings.NegativeBalance, settings.SettlementDays = false, 1
	account, err := s.Merchant.Create(t.Context(), merchant.Params{Settings: &settings})
	if err != nil {
		t.Fatal(err)
	}
	s.scope = id.Scope{Account: account.Key}
	i := paid("automatic")(s)
	refund := func(amount int64, refused bool) {
		t.Helper()
		r, err := s.Refund(t.Context(), s.scope, payment.RefundParams{Intent: i, Amount: amount}, nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case !refused && r.Error != nil:
			t.Errorf("refund of %d: %v", amount, r.Error)
		case refused && (r.Error == nil || r.Error.Code != "balance_insufficient" || r.Error.Kind != fault.Invalid):
			t.Errorf("refund of %d: %+v", amount, r)
		}
	}
	refund(100, true) // all is pending
	s.clock.Advance(48 * time.Hour)
	s.matured()
	available := s.balances()[ledger.AccountOf(ledger.Available, "usd").String()]
	if available <= 0 || available >= 5000 {
		t.Fatalf("%d are available of 5000 less a fee", available)
	}
	refund(available+1, true)
	s.inject(sandbox.Fault{Mode: sandbox.Reset, Kind: sandbox.Refund})
	refund(available-1000, false)
	refund(1001, true) // beside the one that is open
	refund(1000, false)
	s.rest()
	refund(1, true)
	if n, sum := s.approved(sandbox.Refund); n != 2 || sum != available {
		t.Errorf("%d given back in %d refunds, want %d in 2", sum, n, available)
	}
	s.agree()
}
