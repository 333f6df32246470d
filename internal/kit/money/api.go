package money

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrFraction refuses an amount finer than the API allows for its currency.
var ErrFraction = errors.New("money: fraction of the smallest amount the API allows")

// apiExponents are the currencies that the API counts with other decimals than
// ISO 4217 (https://docs.stripe.com/currencies). The Ugandan
// shilling and the Icelandic króna have none but are sent with two, from
// before they lost theirs: 5 UGX is 500. The ariary is sent in whole units
// although it has a subunit (a fifth, which ISO 4217 writes with two decimals).
var apiExponents = map[Currency]int{"ugx": 2, "isk": 2, "mga": 0}

// threeDecimalStep: the last digit of three-decimal amounts must be 0, because
// not all payment partners take it (https://docs.stripe.com/currencies).
const threeDecimalStep = 10

// APIExponent is the number of decimal places of the currency's amounts in the
// API. It is the ISO 4217 exponent for all but "ugx", "isk" and "mga".
func (c Currency) APIExponent() int {
	if n, ok := apiExponents[c]; ok {
		return n
	}
	return c.Exponent()
}

// step is the smallest amount the API can express, in ISO 4217 minor units.
func (c Currency) step() int64 {
	iso, api := c.Exponent(), c.APIExponent()
	switch {
	case iso == 3:
		return threeDecimalStep
	case iso > api:
		return int64(powersOfTen[iso-api])
	default:
		return 1
	}
}

// FromAPI makes an amount of the number that an API parameter holds. It fails
// with [ErrUnknownCurrency], with [ErrFraction] when the number is not a whole
// multiple of what may be sent (550 ugx, 150 isk, 1234 kwd), and with
// [ErrOverflow]. Bounds are not its business: [MinCharge], [MaxAPI].
func FromAPI(minor int64, c Currency) (Amount, error) {
	if !c.Known() {
		return Amount{}, fmt.Errorf("%w: %q", ErrUnknownCurrency, c)
	}
	n, err := shift(minor, c.Exponent()-c.APIExponent())
	if err == nil && n%c.step() != 0 {
		err = ErrFraction
	}
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %d %s", err, minor, c)
	}
	return Amount{n, c}, nil
}

// ToAPI is the inverse of [FromAPI], with the same errors. An amount that was
// computed (a fee, a share) may be finer than the API can say; see
// [Amount.RoundToAPI].
func (a Amount) ToAPI() (int64, error) {
	if !a.currency.Known() {
		return 0, fmt.Errorf("%w: %q", ErrUnknownCurrency, a.currency)
	}
	if a.minor%a.currency.step() != 0 {
		return 0, fmt.Errorf("%w: %v", ErrFraction, a)
	}
	n, err := shift(a.minor, a.currency.APIExponent()-a.currency.Exponent())
	if err != nil {
		return 0, fmt.Errorf("%w: %v", err, a)
	}
	return n, nil
}

// RoundToAPI rounds a to what the API can express. It changes amounts of
// three-decimal currencies and of "mga" only.
func (a Amount) RoundToAPI(rounding Rounding) (Amount, error) {
	step := a.currency.step()
	steps, err := divide(0, magnitude(a.minor), uint64(step), a.minor < 0, rounding)
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %v", err, a)
	}
	hi, lo := bits.Mul64(magnitude(steps), uint64(step))
	n, fits := signed(lo, steps < 0)
	if hi != 0 || !fits {
		return Amount{}, fmt.Errorf("%w: %v", ErrOverflow, a)
	}
	return Amount{n, a.currency}, nil
}

// shift gives n × 10^places, where places may be negative.
func shift(n int64, places int) (int64, error) {
	if places < 0 {
		by := int64(powersOfTen[-places])
		if n%by != 0 {
			return 0, ErrFraction
		}
		return n / by, nil
	}
	hi, lo := bits.Mul64(magnitude(n), powersOfTen[places])
	out, fits := signed(lo, n < 0)
	if hi != 0 || !fits {
		return 0, ErrOverflow
	}
	return out, nil
}
