package payout

import (
	"context"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/ledger"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/money"
)

// Automatic makes the payouts that merchants' schedules ask for: at most one for
// each currency and UTC day, of all that is available beyond the minimum. Whether
// a day had its turn stands in the row of the currency's default bank account, in
// the step that makes the payout, so that a run which is lost or repeated loses
// and repeats nothing. It tells how many turns it took.
func (v *Service) Automatic(ctx context.Context, limit int) (int, error) {
	due, err := v.Vault.DueBanks(ctx, v.clock().Now(), limit)
	if err != nil {
		return 0, err
	}
	var problems error
	for _, d := range due {
		problems = errors.Join(problems, v.turn(ctx, d))
	}
	return len(due), problems
}

// turn pays out one currency of one account, if the schedule says so today.
func (v *Service) turn(ctx context.Context, d vault.DueBank) error {
	s := d.Scope
	account, err := v.Merchant.Account(ctx, s)
	if err != nil {
		return err
	}
	last, err := v.lastAutomatic(ctx, d)
	if err != nil {
		return err
	}
	return v.DB.Run(ctx, db.Step{Name: "payout.automatic", Scope: s.Key(), Do: func(tx *db.Tx) error {
		to, err := v.Vault.TakeTurn(tx, s, d.Currency, cutOff(tx.Now()))
		if err != nil || to == 0 || !account.Payouts.On(tx.Now()) {
			return err
		}
		if _, err := v.route(s); err != nil {
			return nil //nolint:nilerr // nobody waits for it; the balance keeps the money
		}
		bank, ok, err := vault.BankAccounts.Get(tx, s, to)
		if err != nil || !ok || bank.Body.Status == vault.BankErrored {
			return err
		}
		// What becomes available today is part of it, whoever comes first.
		if err := v.Book.Mature(tx, s, ledger.Day(tx.Now()), d.Currency); err != nil {
			return err
		}
		free, err := v.Book.Free(tx, s, ledger.AccountOf(ledger.Available, d.Currency))
		if err != nil {
			return err
		}
		amount, err := money.New(free-account.Payouts.Minimum[d.Currency], d.Currency).RoundToAPI(money.Down)
		if err != nil || amount.Minor() <= 0 {
			return err
		}
		_, err = v.insert(tx, s, Payout{Amount: amount.Minor(), Currency: d.Currency, Destination: to, Method: "standard", Automatic: true,
			Descriptor: account.Payouts.Descriptor, Description: "FLORIN PAYOUT", SourceType: "card", After: last, Until: tx.Now()}, tx.Now(), event.Request{})
		return err
	}})
}

// lastAutomatic is until when the last automatic payout of a currency reached.
func (v *Service) lastAutomatic(ctx context.Context, d vault.DueBank) (time.Time, error) {
	for before := int64(0); ; {
		page, more, err := Payouts.List(ctx, v.DB, d.Scope, object.Range{Limit: 100, Before: before})
		if err != nil {
			return time.Time{}, err
		}
		for _, o := range page {
			if o.Body.Automatic && o.Body.Currency == d.Currency {
				return o.Body.Until, nil
			}
			before = o.Key
		}
		if !more {
			return time.Time{}, nil
		}
	}
}
