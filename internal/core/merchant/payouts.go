package merchant

import (
	"maps"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

// Payouts say when a merchant's money is paid out by itself.
type Payouts struct {
	Interval Interval `json:"interval,omitempty"` // empty: daily
	// WeekDays are those of a weekly interval, "monday" to "friday"; MonthDays
	// those of a monthly one, of which one that a month lacks is its last day.
	WeekDays  []string `json:"week_days,omitempty"`
	MonthDays []int    `json:"month_days,omitempty"`
	// Minimum stays in the balance, in ISO minor units by currency.
	Minimum map[money.Currency]int64 `json:"minimum,omitempty"`
	// Descriptor is what the bank's statement shows; empty: the bank's own.
	Descriptor string `json:"descriptor,omitempty"`
	// DebitNegative lets what the merchant owes be taken from its bank account.
	DebitNegative bool `json:"debit_negative,omitempty"`
}

// Interval is how often money is paid out.
type Interval string

// The intervals.
const (
	Manual  Interval = "manual"
	Daily   Interval = "daily"
	Weekly  Interval = "weekly"
	Monthly Interval = "monthly"
)

var workDays = []string{"monday", "tuesday", "wednesday", "thursday", "friday"}

// Every is the interval, with its default.
func (p Payouts) Every() Interval {
	if p.Interval == "" {
		return Daily
	}
	return p.Interval
}

// On reports whether money is paid out by itself on the UTC day of t. Banks rest
// on Saturdays and Sundays.
func (p Payouts) On(t time.Time) bool {
	t = t.UTC()
	work := t.Weekday() != time.Saturday && t.Weekday() != time.Sunday
	switch p.Every() {
	case Daily:
		return work
	case Weekly:
		return work && slices.Contains(p.WeekDays, workDays[t.Weekday()-1])
	case Monthly:
		last := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		return slices.ContainsFunc(p.MonthDays, func(day int) bool { return min(day, last) == t.Day() })
	}
	return false
}

// maxDescriptor bounds the descriptor of a payout, in characters.
const maxDescriptor = 22

func (p Payouts) check() error {
	const at = "payments[payouts]"
	switch {
	case !slices.Contains([]Interval{Manual, Daily, Weekly, Monthly}, p.Every()):
		return fault.Param(at+"[schedule][interval]", "", "Invalid interval: %s.", p.Interval)
	case p.Every() == Weekly && len(p.WeekDays) == 0:
		return fault.Param(at+"[schedule][weekly_payout_days]", "parameter_missing", "A weekly schedule needs weekly_payout_days.")
	case p.Every() == Monthly && len(p.MonthDays) == 0:
		return fault.Param(at+"[schedule][monthly_payout_days]", "parameter_missing", "A monthly schedule needs monthly_payout_days.")
	case len(p.Descriptor) > maxDescriptor:
		return fault.Param(at+"[statement_descriptor]", "", "The statement descriptor of payouts can have at most %d characters.", maxDescriptor)
	}
	for _, day := range p.WeekDays {
		if !slices.Contains(workDays, day) {
			return fault.Param(at+"[schedule][weekly_payout_days]", "", "Payouts are made on %v.", workDays)
		}
	}
	for _, day := range p.MonthDays {
		if day < 1 || day > 31 {
			return fault.Param(at+"[schedule][monthly_payout_days]", "", "A day of a month is 1 to 31, not %d.", day)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(p.Minimum)) {
		if !c.Known() || p.Minimum[c] < 0 {
			return fault.Param(at+"[minimum_balance_by_currency]", "", "A minimum balance of %d %s is not possible.", p.Minimum[c], c)
		}
	}
	return nil
}
