package merchant

import (
	"fmt"
	"maps"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

// Schedule is what the platform charges a merchant for a payment: a share of
// the amount and a fixed sum.
type Schedule struct {
	BasisPoints int64 `json:"basis_points"` // hundredths of a per cent: 290 is 2.9 %
	// Fixed is in ISO 4217 minor units of each currency; 0 for one not named.
	Fixed map[money.Currency]int64 `json:"fixed,omitempty"`
	// Dispute is charged for each dispute, whatever its end; as Fixed.
	Dispute map[money.Currency]int64 `json:"dispute,omitempty"`
}

// wholeAmount is a share of 100 %.
const wholeAmount = 10_000

// defaultFixed is of about the same worth in all of its currencies. These are
// Florin's own defaults, for a first run; they are nobody's prices.
var defaultFixed = map[money.Currency]int64{
	"usd": 30, "cad": 30, "aud": 30, "nzd": 30, "sgd": 30, "eur": 25, "gbp": 20, "chf": 30, "jpy": 40,
	"dkk": 180, "nok": 200, "sek": 180, "pln": 100, "czk": 650, "hkd": 235, "mxn": 300, "brl": 100, "inr": 300,
}

// disputeTimes is how many times the fixed sum a dispute costs by default.
const disputeTimes = 50

// DefaultFees is 2.9 % and about 30 US cents; and about 15 US dollars for a
// dispute.
func DefaultFees() Schedule {
	s := Schedule{BasisPoints: 290, Fixed: maps.Clone(defaultFixed), Dispute: map[money.Currency]int64{}}
	for c, n := range s.Fixed {
		s.Dispute[c] = disputeTimes * n
	}
	return s
}

// DisputeFee is what is charged for a dispute in a currency.
func (s Schedule) DisputeFee(c money.Currency) money.Amount { return money.New(s.Dispute[c], c) }

// Fee is what is charged for a payment of amount: the share, rounded half up,
// plus the fixed sum, rounded half up to what the API can express, and never
// more than the amount. A negative amount is an error.
func (s Schedule) Fee(amount money.Amount) (money.Amount, error) {
	if amount.IsNegative() {
		return money.Amount{}, fmt.Errorf("merchant: fee on %v", amount)
	}
	fee, err := amount.Times(money.BasisPoints(s.BasisPoints), money.HalfUp)
	if err != nil {
		return money.Amount{}, err
	}
	if fee, err = fee.Add(money.New(s.Fixed[amount.Currency()], amount.Currency())); err != nil {
		return money.Amount{}, err
	}
	if fee, err = fee.RoundToAPI(money.HalfUp); err != nil {
		return money.Amount{}, err
	}
	if more, err := fee.Cmp(amount); err != nil || more > 0 {
		return amount, err
	}
	return fee, nil
}

func (s Schedule) check() error {
	if s.BasisPoints < 0 || s.BasisPoints > wholeAmount {
		return fault.Param("fees[basis_points]", "", "The fee must be between 0 and %d basis points.", wholeAmount)
	}
	for c, n := range s.Fixed {
		if !c.Known() || n < 0 {
			return fault.Param("fees[fixed]", "", "The fixed fee of %d %s is not possible.", n, c)
		}
	}
	for c, n := range s.Dispute {
		if !c.Known() || n < 0 {
			return fault.Param("fees[dispute]", "", "The dispute fee of %d %s is not possible.", n, c)
		}
	}
	return nil
}
