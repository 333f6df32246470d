// Package country knows facts about the countries in which merchants can be:
// their currency and how their bank accounts are written.
package country

import (
	"maps"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/kit/money"
)

// Country is one country.
type Country struct {
	Code     string // ISO 3166-1 alpha-2
	Currency money.Currency
	// IBAN is the length of its IBANs; 0 where accounts have other numbers.
	IBAN int
	// Routing is how many characters the number of a bank has; none where the
	// account's number has it. Digits only, unless Letters.
	Routing []int
	Letters bool
	// Number bounds the length of an account's number where it is no IBAN.
	Least, Most int
}

// countries are facts of ISO 13616 (the lengths of IBANs) and of the national
// clearing systems.
var countries = func() map[string]Country {
	m := map[string]Country{}
	for code, length := range map[string]int{
		"AT": 20, "BE": 16, "CY": 28, "DE": 22, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GR": 27, "HR": 21, "IE": 22,
		"IT": 27, "LT": 20, "LU": 20, "LV": 21, "MT": 31, "NL": 18, "PT": 25, "SI": 19, "SK": 24, "BG": 22,
	} {
		m[code] = Country{Code: code, Currency: "eur", IBAN: length}
	}
	for _, c := range []Country{
		{Code: "AE", Currency: "aed", IBAN: 23}, {Code: "CH", Currency: "chf", IBAN: 21}, {Code: "LI", Currency: "chf", IBAN: 21},
		{Code: "CZ", Currency: "czk", IBAN: 24}, {Code: "DK", Currency: "dkk", IBAN: 18}, {Code: "GI", Currency: "gbp", IBAN: 23},
		{Code: "HU", Currency: "huf", IBAN: 28}, {Code: "NO", Currency: "nok", IBAN: 15}, {Code: "PL", Currency: "pln", IBAN: 28},
		{Code: "RO", Currency: "ron", IBAN: 24}, {Code: "SE", Currency: "sek", IBAN: 24},
		{Code: "US", Currency: "usd", Routing: []int{9}, Least: 4, Most: 17},
		{Code: "CA", Currency: "cad", Routing: []int{8, 9}, Least: 5, Most: 12},
		{Code: "GB", Currency: "gbp", Routing: []int{6}, Least: 6, Most: 10},
		{Code: "AU", Currency: "aud", Routing: []int{6}, Least: 5, Most: 9},
		{Code: "NZ", Currency: "nzd", Least: 15, Most: 16},
		{Code: "JP", Currency: "jpy", Routing: []int{7}, Least: 6, Most: 8},
		{Code: "HK", Currency: "hkd", Routing: []int{6}, Least: 6, Most: 9},
		{Code: "SG", Currency: "sgd", Routing: []int{7}, Least: 6, Most: 12},
		{Code: "MY", Currency: "myr", Routing: []int{8, 11}, Letters: true, Least: 5, Most: 20},
		{Code: "TH", Currency: "thb", Routing: []int{3}, Least: 6, Most: 15},
		{Code: "IN", Currency: "inr", Routing: []int{11}, Letters: true, Least: 9, Most: 18},
		{Code: "MX", Currency: "mxn", Least: 18, Most: 18},
		{Code: "BR", Currency: "brl", Routing: []int{7}, Least: 5, Most: 20},
	} {
		m[c.Code] = c
	}
	return m
}()

// Of finds a country by its code in capitals.
func Of(code string) (Country, bool) {
	c, ok := countries[code]
	return c, ok
}

// All lists the countries by code.
func All() []Country {
	list := make([]Country, 0, len(countries))
	for _, code := range slices.Sorted(maps.Keys(countries)) {
		list = append(list, countries[code])
	}
	return list
}

// SEPA reports whether euros reach its accounts as they do at home.
func (c Country) SEPA() bool {
	return c.IBAN > 0 && c.Code != "AE"
}

// ValidRouting reports whether a text, without blanks and dashes, can be the
// number of a bank there. Where accounts have it in their own number there is
// none.
func (c Country) ValidRouting(text string) bool {
	if len(c.Routing) == 0 {
		return text == ""
	}
	return slices.Contains(c.Routing, len(text)) && (c.Letters && alphanumeric(text) || digits(text)) && (c.Code != "US" || aba(text))
}

// ValidNumber reports whether a text, without blanks and in capitals, can be the
// number of an account there.
func (c Country) ValidNumber(text string) bool {
	if c.IBAN == 0 {
		return len(text) >= c.Least && len(text) <= c.Most && digits(text)
	}
	return len(text) == c.IBAN && strings.HasPrefix(text, c.Code) && alphanumeric(text) && mod97(text) == 1
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }) < 0
}

// aba checks the check digit of a routing number of the American Bankers
// Association: 3, 7 and 1 times the digits in turn add up to a multiple of ten.
func aba(text string) bool {
	sum := 0
	for i := range len(text) {
		sum += int(text[i]-'0') * [3]int{3, 7, 1}[i%3]
	}
	return sum%10 == 0
}

// mod97 is the remainder of ISO 7064 by which IBANs are checked.
func mod97(iban string) int {
	rest := 0
	for _, r := range iban[4:] + iban[:4] {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return rest
}
