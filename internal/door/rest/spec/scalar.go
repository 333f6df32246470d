package spec

import (
	"strings"
	"unicode/utf8"
)

// isDecimal tells whether text is a number with or without a fraction: digits,
// perhaps after a minus sign, perhaps with a point among or before them.
func isDecimal(text string) bool {
	text = strings.TrimPrefix(text, "-")
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole) || !digits(fraction) {
		return false
	}
	if point {
		return fraction != ""
	}
	return whole != ""
}

func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

// longer tells whether text has more than most characters, without counting
// when its bytes are few.
func longer(text string, most int) bool { return len(text) > most && length(text) > most }

func length(text string) int { return utf8.RuneCountInString(text) }

// ends is the first and the last four characters of a text known to be longer.
func ends(text string) string {
	runes := []rune(text)
	if len(runes) <= 8 {
		return text
	}
	return string(runes[:4]) + "..." + string(runes[len(runes)-4:])
}

// orList joins texts as "a", "a or b", "a, b, or c".
func orList(texts []string) string {
	last := len(texts) - 1
	switch {
	case last < 0:
		return ""
	case last == 0:
		return texts[0]
	case last == 1:
		return texts[0] + " or " + texts[1]
	}
	return strings.Join(texts[:last], ", ") + ", or " + texts[last]
}
