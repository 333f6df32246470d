package leak

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
)

// Form is how card data is written.
type Form string

// The forms that are searched. Upper and lower case of hex are the same: the
// code of a digit is 30 to 39. So are standard and URL base64: digits give
// neither of the two characters that differ.
const (
	Plain      Form = "plain"       // 4000056655665556
	Spaced     Form = "spaced"      // 4000 0566 5566 5556; 3782 822463 10005
	Dashed     Form = "dashed"      // 4000-0566-5566-5556
	URLEncoded Form = "URL-encoded" // 4000+0566+5566+5556, 4000%200566%205566%205556
	BCD        Form = "BCD"         // 40 00 05 66 55 66 55 56, two digits a byte
	Hex        Form = "hex"         // 34303030…, of its ASCII
	Base64     Form = "base64"      // of its ASCII, at each of the three alignments
	CVC        Form = "CVC"         // cvc=123, "cvc": "123", card[cvc]=123, card%5Bcvc%5D=123, CVC:123
)

// separators of groups of digits, and the form that they make.
var separators = []struct {
	text string
	form Form
}{{" ", Spaced}, {"-", Dashed}, {"+", URLEncoded}, {"%20", URLEncoded}}

// groupings are how many digits stand together, by the length of the number:
// fours for all, and what is embossed on cards of other lengths.
func groupings(length int) [][]int {
	switch length {
	case 14:
		return [][]int{{4, 4, 4, 2}, {4, 6, 4}}
	case 15:
		return [][]int{{4, 4, 4, 3}, {4, 6, 5}}
	case 19:
		return [][]int{{4, 4, 4, 4, 3}, {6, 13}}
	}
	var fours []int
	for ; length > 0; length -= 4 {
		fours = append(fours, min(4, length))
	}
	return [][]int{fours}
}

func grouped(number string, sizes []int, separator string) string {
	var parts []string
	for _, n := range sizes {
		parts, number = append(parts, number[:n]), number[n:]
	}
	return strings.Join(parts, separator)
}

// bcd packs two digits into a byte. An odd number of digits is filled up in
// front with 0 or behind with F, as ISO 8583 systems do either.
func bcd(number string) (list [][]byte) {
	texts := []string{number}
	if len(number)%2 != 0 {
		texts = []string{"0" + number, number + "f"}
	}
	for _, text := range texts {
		if packed, err := hex.DecodeString(text); err == nil {
			list = append(list, packed)
		}
	}
	return list
}

// Omission is a form of a number that is not searched.
type Omission struct {
	Number string
	Form   Form
	Reason string
}

// minDistinct is of how many different bytes a packed number must be made to be
// looked for in binary data.
const minDistinct = 5

// tooPlain says why bytes may stand in a file without being a card number, or
// "".
func tooPlain(packed []byte) string {
	distinct := map[byte]bool{}
	zeros := 0
	for i, b := range packed {
		distinct[b] = true
		if b == 0 && i > 0 && packed[i-1] == 0 {
			zeros++
		}
	}
	switch {
	case zeros > 0:
		return "zero bytes in a row, as in any number of eight bytes: 4000000000000002 is a small integer's neighbour"
	case len(distinct) < minDistinct:
		return "few different bytes, as in padding and text: 4242424242424242 is BBBBBBBB"
	}
	return ""
}

// base64Of gives what is certain of text's base64 when it stands within
// something longer, at each alignment: characters that neighbours would change
// are left out.
func base64Of(text string) (list []string) {
	for pad := range 3 {
		coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", pad) + text))
		first, bits := (pad*8+5)/6, (pad+len(text))*8
		list = append(list, coded[first:bits/6])
	}
	return list
}

// mask leaves what PCI DSS lets be shown.
func mask(number string) string {
	return number[:6] + strings.Repeat("*", len(number)-10) + number[len(number)-4:]
}

// formsOf gives everything that is searched of a number, and what is not.
func formsOf(number string) (patterns []pattern, left []Omission) {
	add := func(form Form, text string) {
		patterns = append(patterns, pattern{[]byte(text), form, mask(number)})
	}
	add(Plain, number)
	for _, sizes := range groupings(len(number)) {
		for _, s := range separators {
			add(s.form, grouped(number, sizes, s.text))
		}
	}
	add(Hex, hex.EncodeToString([]byte(number)))
	for _, text := range base64Of(number) {
		add(Base64, text)
	}
	for _, packed := range bcd(number) {
		if reason := tooPlain(packed); reason != "" {
			left = append(left, Omission{number, BCD, reason})
			continue
		}
		add(BCD, string(packed))
	}
	return patterns, left
}

// longest is how long what is looked for is at most: a number of 19 digits in
// hex, or a label, separators and code.
const longest = 38

// searcher is everything that is looked for. Packed numbers are apart: they are
// half as long as texts, and would halve the steps of the search for those.
type searcher struct {
	texts, packed *matcher
	omissions     []Omission
}

var known = sync.OnceValue(func() *searcher {
	s := &searcher{}
	var texts, packed []pattern
	for _, number := range Numbers() {
		patterns, left := formsOf(number)
		s.omissions = append(s.omissions, left...)
		for _, p := range patterns {
			if p.form == BCD {
				packed = append(packed, p)
			} else {
				texts = append(texts, p)
			}
		}
	}
	s.texts, s.packed = newMatcher(3, texts), newMatcher(3, packed)
	return s
})

// Omissions lists what is left out: only packed forms, of numbers that chance
// would find. Those that remain are enough numbers for each form, and tests pay
// with them; TestEachFormIsCovered holds that.
func Omissions() []Omission { return known().omissions }

func (s *searcher) search(b []byte, found func(at, end int, form Form, masked string)) {
	each := func(at int, p *pattern) { found(at, at+len(p.bytes), p.form, p.masked) }
	s.texts.search(b, each)
	s.packed.search(b, each)
	searchCodes(b, func(at, end int) { found(at, end, CVC, string(b[at:at+3])+"***") })
}
