package db

import (
	"strings"
	"unicode/utf8"

	"github.com/florinpay/florin/internal/kit/fault"
)

// errText refuses text that PostgreSQL can't hold and SQLite would. It is
// refused on both, before it reaches the engine, where it would break the
// whole train; such text comes from outside, so the caller is told.
var errText = fault.New(fault.Invalid, "", "Text must be valid UTF-8 and may not contain the character U+0000.")

func validText(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// validTexts reports whether each text column holds what both engines take.
func (t *table) validTexts(values []value) bool {
	for i := range values {
		if t.kinds[i] == textColumn && !validText(values[i].text) {
			return false
		}
	}
	return true
}

func validArgs(args []any) bool {
	for _, a := range args {
		if s, ok := a.(string); ok && !validText(s) {
			return false
		}
	}
	return true
}
