package money

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

var (
	// ErrRate refuses text that is not a decimal a [Rate] can hold.
	ErrRate = errors.New("money: not a rate")
	// ErrRounding refuses a [Rounding] that is none of the named ones.
	ErrRounding = errors.New("money: no rounding named")
)

// maxPlaces keeps 2 × 10^places within 63 bits, so that halves can be compared.
const maxPlaces = 18

var powersOfTen = func() (p [maxPlaces + 1]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// Rate is an exact decimal by which amounts are multiplied: 0.029 for 2.9 %.
// It has at most 18 decimal places. Equal rates are ==. The zero value is 0.
type Rate struct {
	coefficient int64
	places      uint8 // value is coefficient × 10^-places; no trailing zeros are kept
}

// BasisPoints makes the rate of n hundredths of a per cent: 290 is 2.9 %.
func BasisPoints(n int64) Rate { return newRate(n, 4) }

func newRate(coefficient int64, places uint8) Rate {
	for places > 0 && coefficient%10 == 0 {
		coefficient /= 10
		places--
	}
	return Rate{coefficient, places}
}

// ParseRate reads a plain decimal: "0.029", "-1.5", "2". Exponents, signs other
// than a leading minus, and more than 18 significant places are [ErrRate].
func ParseRate(s string) (Rate, error) {
	unsigned, negative := strings.CutPrefix(s, "-")
	whole, fraction, pointed := strings.Cut(unsigned, ".")
	if !digitsOnly(whole) || pointed && !digitsOnly(fraction) {
		return Rate{}, fmt.Errorf("%w: %q", ErrRate, s)
	}
	fraction = strings.TrimRight(fraction, "0")
	n, err := strconv.ParseUint(whole+fraction, 10, 64)
	coefficient, fits := signed(n, negative)
	if err != nil || !fits || len(fraction) > maxPlaces {
		return Rate{}, fmt.Errorf("%w: %q does not fit", ErrRate, s)
	}
	return newRate(coefficient, uint8(len(fraction))), nil
}

func digitsOnly(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String is the decimal that [ParseRate] reads back.
func (r Rate) String() string { return decimal(r.coefficient, int(r.places)) }

// Rounding names what becomes of a fraction of a minor unit. There is no
// default: the zero value is refused.
type Rounding uint8

// The roundings. All are symmetric: −a rounds to the opposite of a.
const (
	HalfUp   Rounding = iota + 1 // to the nearest, halves away from zero
	HalfEven                     // to the nearest, halves to the even neighbour
	Down                         // towards zero
	Up                           // away from zero
	roundings
)

// Times gives a × rate, rounded to a whole minor unit. Nothing is lost before
// the one rounding. It fails with [ErrOverflow], or [ErrRounding].
func (a Amount) Times(rate Rate, rounding Rounding) (Amount, error) {
	negative := (a.minor < 0) != (rate.coefficient < 0)
	hi, lo := bits.Mul64(magnitude(a.minor), magnitude(rate.coefficient))
	n, err := divide(hi, lo, powersOfTen[rate.places], negative, rounding)
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %v × %v", err, a, rate)
	}
	return Amount{n, a.currency}, nil
}

// divide gives ±(hi:lo ÷ by), rounded. by is at most 10^18.
func divide(hi, lo, by uint64, negative bool, rounding Rounding) (int64, error) {
	if hi >= by {
		return 0, ErrOverflow
	}
	quotient, rest := bits.Div64(hi, lo, by)
	var away bool
	switch rounding {
	case HalfUp:
		away = 2*rest >= by
	case HalfEven:
		away = 2*rest > by || 2*rest == by && quotient%2 == 1
	case Down:
	case Up:
		away = rest > 0
	default:
		return 0, ErrRounding
	}
	if away {
		quotient++ // wraps to 0 at the very end; caught below
	}
	n, fits := signed(quotient, negative)
	if !fits || away && quotient == 0 {
		return 0, ErrOverflow
	}
	return n, nil
}
