package rest

import (
	"maps"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

type shownBalanceSettings struct {
	Object   string           `json:"object"`
	Payments settingsPayments `json:"payments"`
}

type settingsPayments struct {
	DebitNegative bool             `json:"debit_negative_balances"`
	Payouts       settingsPayouts  `json:"payouts"`
	Timing        settlementTiming `json:"settlement_timing"`
}

type settingsPayouts struct {
	TransferRules any              `json:"automatic_transfer_rules_by_currency"`
	Minimum       any              `json:"minimum_balance_by_currency"`
	Schedule      settingsSchedule `json:"schedule"`
	Descriptor    any              `json:"statement_descriptor"`
	Status        string           `json:"status"`
}

type settingsSchedule struct {
	Interval  string   `json:"interval"`
	MonthDays []int    `json:"monthly_payout_days,omitempty"`
	WeekDays  []string `json:"weekly_payout_days,omitempty"`
}

type settlementTiming struct {
	DelayDays int  `json:"delay_days"`
	Override  *int `json:"delay_days_override,omitempty"`
}

func renderBalanceSettings(_ *view, o *object.Object[merchant.Account]) (any, error) {
	b := &o.Body
	out := &shownBalanceSettings{Object: merchant.BalanceSettings}
	out.Payments.DebitNegative = b.Payouts.DebitNegative
	p := &out.Payments.Payouts
	p.Descriptor, p.Status, p.Schedule.Interval = text(b.Payouts.Descriptor), "enabled", string(b.Payouts.Every())
	switch b.Payouts.Every() {
	case merchant.Weekly:
		p.Schedule.WeekDays = b.Payouts.WeekDays
	case merchant.Monthly:
		p.Schedule.MonthDays = b.Payouts.MonthDays
	}
	if len(b.Payouts.Minimum) > 0 {
		minimum := map[string]int64{}
		for _, c := range slices.Sorted(maps.Keys(b.Payouts.Minimum)) {
			n := counter{currency: c}
			if minimum[string(c)] = n.api(b.Payouts.Minimum[c]); n.err != nil {
				return nil, n.err
			}
		}
		p.Minimum = minimum
	}
	out.Payments.Timing.DelayDays = b.Settings.SettlementDays
	if days := b.Settings.SettlementDays; days != merchant.DefaultSettlementDays {
		out.Payments.Timing.Override = &days
	}
	return out, nil
}

func retrieveBalanceSettings(s *Server, c *call) (any, error) {
	o, err := s.Merchant.Read(c.ctx, c.scope)
	if err != nil {
		return nil, err
	}
	return renderBalanceSettings(s.view(c), o)
}

func updateBalanceSettings(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "payments[payouts][automatic_transfer_rules_by_currency]", "payments[settlement_timing][start_of_day]"); err != nil {
		return nil, err
	}
	f := c.form.Get("payments")
	return s.Merchant.Change(c.ctx, c.scope, s.Keys, merchant.BalanceSettings, c.idem, func(a *merchant.Account) error {
		if yes, ok := f.Bool("debit_negative_balances"); ok {
			a.Payouts.DebitNegative = yes
		}
		if text, ok := f.String("payouts", "statement_descriptor"); ok {
			a.Payouts.Descriptor = text
		}
		if at := f.Get("payouts", "schedule"); at != nil {
			if interval, ok := at.String("interval"); ok {
				a.Payouts.Interval = merchant.Interval(interval)
			}
			if err := payoutDays(at, a); err != nil {
				return err
			}
		}
		if n, ok := f.Int64("settlement_timing", "delay_days_override"); ok {
			a.Settings.SettlementDays = int(min(max(n, -1), 10_000))
		} else if f.Cleared("settlement_timing", "delay_days_override") {
			a.Settings.SettlementDays = merchant.DefaultSettlementDays
		}
		return minimums(f.Get("payouts", "minimum_balance_by_currency"), a)
	})
}

// minimums reads what stays in the balance; an empty text clears a currency, or
// all.
func minimums(at *form.Value, a *merchant.Account) error {
	if at == nil {
		return nil
	}
	now := map[money.Currency]int64{}
	if at.Kind() != form.Scalar {
		maps.Copy(now, a.Payouts.Minimum)
	}
	for name, value := range at.All() {
		currency := money.Currency(strings.ToLower(name))
		if value.Text() == "" {
			delete(now, currency)
			continue
		}
		n, ok := form.ParseInteger(value.Text())
		amount, err := money.FromAPI(n, currency)
		if !ok || err != nil || n < 0 {
			return fault.Param("payments[payouts][minimum_balance_by_currency]["+clip(name)+"]", "parameter_invalid_integer", "Invalid amount: %s %s.", clip(value.Text()), clip(name))
		}
		now[currency] = amount.Minor()
	}
	a.Payouts.Minimum = now
	return nil
}
