package hidden

import (
	"strings"
	"unicode/utf8"
)

const (
	// leastDigits is from how many digits on something may be a card number.
	leastDigits = 12
	// leastCode is from how many digits on something may be a security code.
	leastCode = 3
	// between is how many characters may stand between the label of a security code
	// and the code: quotes, colons, backslashes of JSON in JSON.
	between = 16
)

// codeLabels name security codes; of two that begin alike the longer comes first.
var codeLabels = []string{"cvc2", "cvc", "cvv2", "cvv", "csc", "security_code", "security code", "securitycode"}

// MaskNumber leaves the first six and the last four digits of a card number, all
// that PCI DSS lets be shown (4.0, requirement 3.4.1).
func MaskNumber(digits string) string {
	if len(digits) <= 10 {
		return strings.Repeat("*", len(digits))
	}
	return digits[:6] + strings.Repeat("*", len(digits)-10) + digits[len(digits)-4:]
}

// MaskCards masks what may be a card number or a security code in a text, JSON or
// not: twelve digits or more, with single blanks or dashes between them or not, and
// three digits or more behind a label, quoted once or many times. It would rather
// mask a long amount than show a number.
func MaskCards(text string) string { return maskCodes(maskNumbers(text)) }

func maskNumbers(text string) string {
	var out strings.Builder
	done := 0 // so far text is in out
	for i := 0; i < len(text); i++ {
		if !isDigit(text[i]) {
			continue
		}
		end, digits := numberAt(text, i)
		if digits >= leastDigits {
			out.WriteString(text[done:i])
			out.WriteString(MaskNumber(digitsOf(text[i:end], digits)))
			done = end
		}
		i = end - 1 // what is too short from its first digit on is so from each
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// numberAt gives where the digits that begin at i end, and how many there are.
func numberAt(text string, i int) (end, digits int) {
	for end = i; end < len(text); end++ {
		switch c := text[end]; {
		case isDigit(c):
			digits++
		case (c == ' ' || c == '-') && end+1 < len(text) && isDigit(text[end+1]):
		default:
			return end, digits
		}
	}
	return end, digits
}

func digitsOf(text string, count int) string {
	digits := make([]byte, 0, count)
	for i := range len(text) {
		if isDigit(text[i]) {
			digits = append(digits, text[i])
		}
	}
	return string(digits)
}

func maskCodes(text string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case 'c', 'C', 's', 'S':
		default:
			continue
		}
		if from, to := codeBehind(text, i); to > 0 {
			out.WriteString(text[done:from])
			out.WriteString("***")
			done, i = to, to-1
		}
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

// codeBehind gives where the code lies whose label begins at i; to is 0 if none does.
func codeBehind(text string, i int) (from, to int) {
	for _, label := range codeLabels {
		if len(text)-i < len(label) || text[i+1]|0x20 != label[1] || !strings.EqualFold(text[i:i+len(label)], label) {
			continue
		}
		from = i + len(label)
		for n := 0; n < between && from < len(text) && !isWord(text[from]); n++ {
			_, size := utf8.DecodeRuneInString(text[from:])
			from += size
		}
		for to = from; to < len(text) && isDigit(text[to]); to++ {
		}
		if to-from >= leastCode {
			return from, to
		}
	}
	return 0, 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord reports whether no code can follow c: a letter, a digit, or a mask.
func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '*'
}
