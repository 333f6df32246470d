// Package money holds amounts.
//
// An [Amount] is a whole number of a currency's ISO 4217 minor units. No float
// touches money: arithmetic is checked, a split sums exactly to the whole,
// rounding is named where it happens, and what can't be represented is an
// error. The API counts some currencies in other units than ISO 4217 does;
// [FromAPI] and [Amount.ToAPI] are the border between the two.
package money

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// What can go wrong with amounts. Returned errors wrap these and say more.
var (
	// ErrCurrencyMismatch refuses arithmetic across two currencies.
	ErrCurrencyMismatch = errors.New("money: two currencies")
	// ErrOverflow refuses a result outside int64.
	ErrOverflow = errors.New("money: overflow")
)

// Amount is a sum of money in ISO 4217 minor units. It is comparable with ==.
// The zero value is nothing of no currency, and does not mix with any other.
type Amount struct {
	minor    int64
	currency Currency
}

// New makes an amount of minor units of c.
func New(minor int64, c Currency) Amount { return Amount{minor, c} }

// Minor is the number of minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency is the amount's currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero reports whether a is nothing.
func (a Amount) IsZero() bool { return a.minor == 0 }

// IsNegative reports whether a is less than nothing.
func (a Amount) IsNegative() bool { return a.minor < 0 }

// IsPositive reports whether a is more than nothing.
func (a Amount) IsPositive() bool { return a.minor > 0 }

// Add gives a + b, or [ErrCurrencyMismatch] or [ErrOverflow].
func (a Amount) Add(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	sum := a.minor + b.minor
	if (sum > a.minor) != (b.minor > 0) {
		return Amount{}, fmt.Errorf("%w: %v + %v", ErrOverflow, a, b)
	}
	return Amount{sum, a.currency}, nil
}

// Sub gives a − b, or [ErrCurrencyMismatch] or [ErrOverflow].
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := a.same(b); err != nil {
		return Amount{}, err
	}
	diff := a.minor - b.minor
	if (diff < a.minor) != (b.minor > 0) {
		return Amount{}, fmt.Errorf("%w: %v - %v", ErrOverflow, a, b)
	}
	return Amount{diff, a.currency}, nil
}

// Neg gives −a. The smallest int64 has no opposite: [ErrOverflow].
func (a Amount) Neg() (Amount, error) {
	if a.minor == math.MinInt64 {
		return Amount{}, fmt.Errorf("%w: -(%v)", ErrOverflow, a)
	}
	return Amount{-a.minor, a.currency}, nil
}

// Cmp is negative, zero or positive as a is less than, equal to or more than
// b; two currencies do not compare: [ErrCurrencyMismatch].
func (a Amount) Cmp(b Amount) (int, error) {
	if err := a.same(b); err != nil {
		return 0, err
	}
	return cmp.Compare(a.minor, b.minor), nil
}

func (a Amount) same(b Amount) error {
	if a.currency != b.currency {
		return fmt.Errorf("%w: %q and %q", ErrCurrencyMismatch, a.currency, b.currency)
	}
	return nil
}

// String is the form for people, with the currency's own decimals: "12.34 usd",
// "1234 jpy", "-0.05 eur".
func (a Amount) String() string {
	text := decimal(a.minor, a.currency.Exponent())
	if a.currency == "" {
		return text
	}
	return text + " " + string(a.currency)
}

// decimal writes n × 10^-places with all its places.
func decimal(n int64, places int) string {
	digits := strconv.FormatUint(magnitude(n), 10)
	if short := places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	if places > 0 {
		point := len(digits) - places
		digits = digits[:point] + "." + digits[point:]
	}
	if n < 0 {
		return "-" + digits
	}
	return digits
}

// magnitude is |n|, which for the smallest int64 fits a uint64 only.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// signed is the inverse of [magnitude]; it reports false when no int64 holds
// the result.
func signed(magnitude uint64, negative bool) (int64, bool) {
	if negative {
		return -int64(magnitude), magnitude <= 1<<63
	}
	return int64(magnitude), magnitude <= math.MaxInt64
}
