package payment

import (
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
)

// settleNeeds are the rows that the end of an attempt is expected to touch. All
// of them are known from the attempt, so that they are loaded at once rather
// than one after another as the step comes to them.
func settleNeeds(a *object.Object[Attempt], account *merchant.Account, now time.Time) []db.Need {
	s, b := a.Scope, &a.Body
	needs := []db.Need{Attempts.Need(s, a.Key), b.Ticket.Need(s), Intents.Need(s, int64(b.Intent)), event.Lane(s, int64(b.Intent)), event.Audience(s)}
	available := availableOn(now, account.Settings.SettlementDays)
	switch b.Operation {
	case OpAuthenticate, OpAuthorize, OpSale:
		needs = append(needs, vault.PaymentMethods.Need(s, b.Method.Key), vault.NeedCVC(s, b.Card),
			ledger.NeedGuard(s, int64(b.Intent), ledger.GuardAuthorize))
		if b.Operation == OpSale {
			needs = append(needs, takeNeeds(a, available)...)
		}
	case OpCapture:
		needs = append(needs, Charges.Need(s, int64(b.Charge)), ledger.NeedGuard(s, int64(b.Charge), ledger.GuardCapture),
			ledger.NeedGuard(s, int64(b.Charge), ledger.GuardRefund), vault.PaymentMethods.Need(s, b.Method.Key))
		needs = append(needs, takeNeeds(a, available)...)
	case OpIncrement:
		needs = append(needs, Charges.Need(s, int64(b.Charge)), ledger.NeedGuard(s, int64(b.Charge), ledger.GuardCapture),
			ledger.NeedGuard(s, int64(b.Intent), ledger.GuardAuthorize))
	case OpVoid:
		needs = append(needs, Charges.Need(s, int64(b.Charge)), ledger.NeedGuard(s, int64(b.Charge), ledger.GuardCapture))
	case OpRefund:
		needs = append(needs, Charges.Need(s, int64(b.Charge)), Refunds.Need(s, int64(b.Refund)),
			ledger.NeedGuard(s, int64(b.Charge), ledger.GuardRefund), ledger.NeedHold(s, int64(b.Refund)),
			ledger.NeedBalance(s, ledger.AccountOf(ledger.Available, b.Currency)),
			ledger.NeedBalance(s, ledger.AccountOf(ledger.ProviderClearing, b.Currency)))
	}
	return needs
}

// takeNeeds are the rows that captured money is booked in.
func takeNeeds(a *object.Object[Attempt], available time.Time) []db.Need {
	needs := []db.Need{ledger.NeedMaturity(a.Scope, ledger.Day(available), a.Body.Currency)}
	for _, kind := range []ledger.Kind{ledger.ProviderClearing, ledger.Pending, ledger.Fees} {
		needs = append(needs, ledger.NeedBalance(a.Scope, ledger.AccountOf(kind, a.Body.Currency)))
	}
	return needs
}
