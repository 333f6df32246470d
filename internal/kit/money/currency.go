package money

import (
	"errors"
	"iter"
)

// ErrUnknownCurrency refuses a code that is not in the table.
var ErrUnknownCurrency = errors.New("money: unknown currency")

// Currency is a lower-case ISO 4217 code, as Stripe writes it: "usd".
type Currency string

// entry is what is known of a currency.
type entry struct {
	code     Currency
	numeric  int16 // ISO 4217 numeric code
	exponent uint8 // ISO 4217 minor units: decimal places of the major unit
}

var (
	byCode    = index(func(e entry) Currency { return e.code })
	byNumeric = index(func(e entry) int16 { return e.numeric })
)

func index[K comparable](key func(entry) K) map[K]entry {
	m := make(map[K]entry, len(iso4217))
	for _, e := range iso4217 {
		m[key(e)] = e
	}
	return m
}

// ParseCurrency reads an alphabetic code in any case. It reports false for
// what is not a currency one can pay in.
func ParseCurrency(s string) (Currency, bool) {
	if len(s) != 3 {
		return "", false
	}
	var lower [3]byte
	for i := range lower {
		lower[i] = s[i]
		if 'A' <= s[i] && s[i] <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	e, ok := byCode[Currency(lower[:])]
	return e.code, ok
}

// CurrencyByNumeric finds the currency of an ISO 4217 numeric code: 840 is
// "usd". Card messages and settlement files carry these.
func CurrencyByNumeric(code int) (Currency, bool) {
	if code < 0 || code > 999 {
		return "", false
	}
	e, ok := byNumeric[int16(code)]
	return e.code, ok
}

// Currencies goes through all known currencies in alphabetical order.
func Currencies() iter.Seq[Currency] {
	return func(yield func(Currency) bool) {
		for _, e := range iso4217 {
			if !yield(e.code) {
				return
			}
		}
	}
}

// Known reports whether c is in the table, in lower case.
func (c Currency) Known() bool {
	_, ok := byCode[c]
	return ok
}

// Exponent is the number of decimal places by ISO 4217: 2 for "usd", 0 for
// "jpy", 3 for "kwd". An unknown currency has 0, so that its minor units are
// shown as they are.
func (c Currency) Exponent() int { return int(byCode[c].exponent) }

// Numeric is the ISO 4217 numeric code, 840 for "usd"; 0 if unknown.
func (c Currency) Numeric() int { return int(byCode[c].numeric) }
