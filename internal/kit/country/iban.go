package country

import (
	"maps"
	"slices"
)

// IBAN is what an international bank account number says by itself.
type IBAN struct {
	Country string // ISO 3166-1 alpha-2
	Bank    string // the code of the bank
	Branch  string // that of its branch; empty where numbers have none
}

// layout is where an IBAN has the codes of bank and branch: offsets from the
// fifth character, after country and check digits.
type layout struct{ length, bank, bankEnd, branchEnd int }

// ibans are the accounts that SEPA reaches, as the registry of ISO 13616 gives
// their layouts. A branch's code follows the bank's.
var ibans = map[string]layout{
	"AD": {24, 0, 4, 8}, "AT": {20, 0, 5, 0}, "BE": {16, 0, 3, 0}, "BG": {22, 0, 4, 8}, "CH": {21, 0, 5, 0}, "CY": {28, 0, 3, 8},
	"CZ": {24, 0, 4, 0}, "DE": {22, 0, 8, 0}, "DK": {18, 0, 4, 0}, "EE": {20, 0, 2, 0}, "ES": {24, 0, 4, 8}, "FI": {18, 0, 3, 0},
	"FR": {27, 0, 5, 10}, "GB": {22, 0, 4, 10}, "GI": {23, 0, 4, 0}, "GR": {27, 0, 3, 7}, "HR": {21, 0, 7, 0}, "HU": {28, 0, 3, 7},
	"IE": {22, 0, 4, 10}, "IS": {26, 0, 2, 4}, "IT": {27, 1, 6, 11}, "LI": {21, 0, 5, 0}, "LT": {20, 0, 5, 0}, "LU": {20, 0, 3, 0},
	"LV": {21, 0, 4, 0}, "MC": {27, 0, 5, 10}, "MT": {31, 0, 4, 9}, "NL": {18, 0, 4, 0}, "NO": {15, 0, 4, 0}, "PL": {28, 0, 8, 0},
	"PT": {25, 0, 4, 8}, "RO": {24, 0, 4, 0}, "SE": {24, 0, 3, 0}, "SI": {19, 0, 5, 0}, "SK": {24, 0, 4, 0}, "SM": {27, 1, 6, 11},
	"VA": {22, 0, 3, 0},
}

// ParseIBAN reads a text, without blanks and in capitals, as the number of an
// account that SEPA reaches, and checks its length and check digits.
func ParseIBAN(text string) (IBAN, bool) {
	if len(text) < 4 {
		return IBAN{}, false
	}
	l, ok := ibans[text[:2]]
	if !ok || len(text) != l.length || !digits(text[2:4]) || !alphanumeric(text) || mod97(text) != 1 {
		return IBAN{}, false
	}
	rest := text[4:]
	out := IBAN{Country: text[:2], Bank: rest[l.bank:l.bankEnd]}
	if l.branchEnd > 0 {
		out.Branch = rest[l.bankEnd:l.branchEnd]
	}
	return out, true
}

// SEPA lists the countries whose accounts SEPA reaches, by code.
func SEPA() []string { return slices.Sorted(maps.Keys(ibans)) }

// ABA reports whether a text can be a routing number of a bank in the United
// States: nine digits, of which the last checks the others.
func ABA(text string) bool { return len(text) == 9 && digits(text) && aba(text) }
