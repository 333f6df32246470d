package vault

import "slices"

// Unknown is the brand of a number that no range fits, and the funding of a
// card that nothing is known of.
const Unknown = "unknown"

// scheme is a range of card numbers by their first digits, both ends included
// and of one length, and the lengths that its numbers have.
type scheme struct {
	low, high string
	brand     string
	lengths   []int
}

// schemes are the ranges that the schemes publish for their issuers, the
// narrower before the wider. Discover's 622126–622925 is UnionPay's by the
// agreement between the two.
var schemes = []scheme{
	{"34", "34", "amex", []int{15}},
	{"37", "37", "amex", []int{15}},
	{"300", "305", "diners", []int{14, 15, 16, 17, 18, 19}},
	{"309", "309", "diners", []int{14, 15, 16, 17, 18, 19}},
	{"36", "36", "diners", []int{14, 15, 16, 17, 18, 19}},
	{"38", "39", "diners", []int{14, 15, 16, 17, 18, 19}},
	{"3528", "3589", "jcb", []int{16, 17, 18, 19}},
	{"4", "4", "visa", []int{13, 16, 19}},
	{"51", "55", "mastercard", []int{16}},
	{"2221", "2720", "mastercard", []int{16}},
	{"6011", "6011", "discover", []int{16, 17, 18, 19}},
	{"644", "649", "discover", []int{16, 17, 18, 19}},
	{"65", "65", "discover", []int{16, 17, 18, 19}},
	{"62", "62", "unionpay", []int{16, 17, 18, 19}},
	{"81", "81", "unionpay", []int{16, 17, 18, 19}},
}

// brandOf is the scheme of a number of digits, and whether its numbers have
// that length. A number of no known scheme may have any.
func brandOf(number string) (brand string, length bool) {
	for _, s := range schemes {
		if n := len(s.low); len(number) >= n && number[:n] >= s.low && number[:n] <= s.high {
			return s.brand, slices.Contains(s.lengths, len(number))
		}
	}
	return Unknown, true
}

// luhn reports whether the number's check digit fits (ISO/IEC 7812-1, annex B).
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
